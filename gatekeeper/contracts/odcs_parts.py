"""What stands around a contract's tables in the standard: servers, people, prices, words for readers.

Source: https://bitol-io.github.io/open-data-contract-standard (3.2.0). What a version brought is marked `Since`.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import StringConstraints, Tag

from gatekeeper.contracts.shape import Shape, Since, branch
from gatekeeper.model.written import Written

V31, V32 = Since("v3.1.0"), Since("v3.2.0")
Id = Annotated[str | None, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$"), V31]


def _scalar(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        raise ValueError("write a single value: a text, a number, true, false or null")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"write a number, not {value!r}" if isinstance(value, (str, bool)) else "write a number")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"write a finite number, not {value}")
    return value


def _port(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("write the port as a number, or as a text such as ${DB_PORT}")
    return value


_ANY_SCALAR = {"type": ["string", "number", "boolean", "null"]}
Scalar = Annotated[Any, Written(_scalar, _ANY_SCALAR)]
Number = Annotated[Any, Written(_number, {"type": "number"})]


class CustomProperty(Shape):
    """A key and value outside of the standard."""

    id: Id = None
    property: str | None = None
    value: Any = None
    description: Annotated[str | None, V31] = None
    vendor: Annotated[str | None, V32] = None


class AuthoritativeDefinition(Shape):
    """A link to where the thing is defined."""

    id: Id = None
    url: str
    type: str
    description: Annotated[str | None, V31] = None


class Described(Shape):
    """What may be said of nearly everything."""

    tags: list[str] | None = None
    authoritativeDefinitions: list[AuthoritativeDefinition] | None = None
    customProperties: list[CustomProperty] | None = None


class Description(Shape):
    """What the contract is for."""

    usage: str | None = None
    purpose: str | None = None
    limitations: str | None = None
    authoritativeDefinitions: list[AuthoritativeDefinition] | None = None
    customProperties: list[CustomProperty] | None = None


class VerifiedStatement(Described):
    """A question and its answer."""

    id: str | None = None
    question: str
    answer: str | None = None


class ContextConstraint(Described):
    """What must not be done."""

    id: str | None = None
    constraint: str


class Context(Shape):
    """What readers that are machines should know."""

    instructions: str | None = None
    verifiedStatements: list[VerifiedStatement] | None = None
    constraints: list[ContextConstraint] | None = None


ContextOrText = Annotated[
    Annotated[str, Tag("text")] | Annotated[Context, Tag("Context")],
    branch(lambda v: "text" if isinstance(v, str) else "Context"),
]


class Role(Shape):
    """Who may read."""

    id: Id = None
    role: str
    description: str | None = None
    access: str | None = None
    firstLevelApprovers: str | None = None
    secondLevelApprovers: str | None = None
    customProperties: list[CustomProperty] | None = None


ServerType = Literal[
    "api", "athena", "azure", "bigquery", "btrieve", "clickhouse", "databricks", "denodo", "dremio", "duckdb",
    "exasol", "fastobjects", "glue", "hana", "cloudsql", "db2", "hive", "iceberg", "impala", "informix", "ingres",
    "kafka", "kinesis", "local", "mysql", "oracle", "poet", "postgresql", "postgres", "presto", "pubsub", "redshift",
    "s3", "sftp", "snowflake", "sqlserver", "synapse", "teradata", "trino", "vectorwise", "versant", "vertica", "zen",
    "custom",
]  # fmt: skip


class Server(Shape):
    """Where the data lies; the keys of all types."""

    id: Id = None
    server: str
    type: ServerType
    description: str | None = None
    environment: str | None = None
    roles: list[Role] | None = None
    customProperties: list[CustomProperty] | None = None
    account: str | None = None
    catalog: str | None = None
    catalogUrl: Annotated[str | None, V32] = None
    database: str | None = None
    dataset: str | None = None
    delimiter: str | None = None
    encoding: Annotated[str | None, V32] = None
    endpointUrl: str | None = None
    format: str | None = None
    host: str | None = None
    location: str | None = None
    namespace: Annotated[str | None, V32] = None
    path: str | None = None
    port: Annotated[Any, Written(_port, {"type": ["integer", "string"]})] = None
    project: str | None = None
    region: str | None = None
    regionName: str | None = None
    schema_: str | None = None
    serviceName: str | None = None
    stagingDir: str | None = None
    stream: str | None = None
    warehouse: str | None = None
    workgroup: Annotated[str | None, V32] = None


class Synonym(Shape):
    """Another name of a thing."""

    id: Id = None
    synonym: str
    description: str | None = None
    locale: str | None = None
    source: str | None = None
    status: str | None = None
    customProperties: list[CustomProperty] | None = None


class SupportChannel(Shape):
    """Where to ask."""

    id: Id = None
    channel: str
    url: str | None = None
    description: str | None = None
    tool: str | None = None
    scope: str | None = None
    invitationUrl: str | None = None
    customProperties: Annotated[list[CustomProperty] | None, V31] = None


class Price(Shape):
    """What it costs."""

    id: Id = None
    priceAmount: Number | None = None
    priceCurrency: str | None = None
    priceUnit: str | None = None


class Member(Described):
    """A person of the team."""

    id: Id = None
    username: str
    name: str | None = None
    description: str | None = None
    role: str | None = None
    dateIn: str | None = None
    dateOut: str | None = None
    replacedByUsername: str | None = None


class Team(Described):
    """Who answers for the data."""

    id: Id = None
    name: str | None = None
    description: str | None = None
    members: list[Member] | None = None
