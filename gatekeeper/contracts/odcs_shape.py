"""The Open Data Contract Standard, 3.0.0 to 3.2.0, all its fields together.

Source: https://bitol-io.github.io/open-data-contract-standard (3.2.0). What a version brought is marked `Since`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from gatekeeper.contracts.odcs_parts import (
    V31,
    V32,
    AuthoritativeDefinition,
    ContextOrText,
    CustomProperty,
    Described,
    Description,
    Id,
    Member,
    Number,
    Price,
    Role,
    Scalar,
    Server,
    SupportChannel,
    Synonym,
    Team,
)
from gatekeeper.contracts.shape import Shape, branch
from gatekeeper.model.written import Written

VERSIONS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
ApiVersion = Literal["v3.2.0", "v3.1.0", "v3.0.2", "v3.0.1", "v3.0.0"]


def _limit(value: Any) -> Any:
    if value is not None and not isinstance(value, (int, float, str)):
        raise ValueError("write a number, or a date or time as a text")
    return value


Limit = Annotated[Any, Written(_limit, {"type": ["number", "string", "boolean"]})]


def _many(value: Any) -> str:
    return "list" if isinstance(value, list) else "text"


class EnumValue(Described):
    """A value that is allowed."""

    value: Scalar
    label: str | None = None
    id: Id = None
    description: str | None = None


class Relationship(Shape):
    """A foreign key. `from` stands at the level of the object only."""

    id: Annotated[str | None, V32] = None
    type: Literal["foreignKey"] = "foreignKey"
    from_: Annotated[Annotated[str, Tag("text")] | Annotated[list[str], Tag("list")], branch(_many)] | None = None
    to: Annotated[Annotated[str, Tag("text")] | Annotated[list[str], Tag("list")], branch(_many)]
    description: str | None = None
    customProperties: list[CustomProperty] | None = None


class MetricArguments(Shape):
    """What a library metric needs beside its column."""

    validValues: list[Scalar] | None = None
    pattern: str | None = None
    missingValues: list[Scalar] | None = None
    properties: list[str] | None = None


Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]


class Quality(Described):
    """A rule of the standard."""

    id: Id = None
    name: str | None = None
    description: str | None = None
    type: Literal["text", "library", "sql", "custom"] | None = None
    metric: Annotated[str | None, V31] = None
    rule: str | None = None
    arguments: Annotated[MetricArguments | None, V31] = None
    mustBe: Scalar = None
    mustNotBe: Scalar = None
    mustBeGreaterThan: Number | None = None
    mustBeGreaterOrEqualTo: Number | None = None
    mustBeLessThan: Number | None = None
    mustBeLessOrEqualTo: Number | None = None
    mustBeBetween: Pair | None = None
    mustNotBeBetween: Pair | None = None
    unit: str | None = None
    query: str | None = None
    validValues: list[Scalar] | None = None
    engine: str | None = None
    implementation: Any = None
    dimension: (
        Literal["accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"] | None
    ) = None
    method: str | None = None
    severity: str | None = None
    businessImpact: str | None = None
    scheduler: str | None = None
    schedule: str | None = None


class LogicalTypeOptions(Shape):
    """The options of all logical types."""

    minLength: Annotated[int, Field(ge=0)] | None = None
    maxLength: Annotated[int, Field(ge=0)] | None = None
    pattern: str | None = None
    format: str | None = None
    minimum: Limit = None
    maximum: Limit = None
    exclusiveMinimum: Limit = None
    exclusiveMaximum: Limit = None
    multipleOf: Number | None = None
    timezone: Annotated[bool | None, V31] = None
    defaultTimezone: Annotated[str | None, V31] = None
    minProperties: int | None = None
    maxProperties: int | None = None
    required: list[str] | None = None
    minItems: int | None = None
    maxItems: int | None = None
    uniqueItems: bool | None = None
    dimensions: Annotated[int | None, V32] = None
    elementType: Annotated[str | None, V32] = None
    distanceMetric: Annotated[str | None, V32] = None
    embeddingModel: Annotated[str | None, V32] = None
    embeddingModelVersion: Annotated[str | None, V32] = None
    normalized: Annotated[bool | None, V32] = None


class Element(Described):
    """What objects and properties have in common."""

    id: Id = None
    physicalName: str | None = None
    physicalType: str | None = None
    description: str | None = None
    businessName: str | None = None
    deprecated: Annotated[bool | None, V32] = None
    synonyms: Annotated[list[Synonym] | None, V32] = None
    relationships: Annotated[list[Relationship] | None, V31] = None
    quality: list[Quality] | None = None


class Item(Element):
    """A property, or an unnamed one: an array's element, a map's key or value."""

    name: str | None = None
    logicalType: (
        Literal[
            "string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean", "map", "vector"
        ]
        | None
    ) = None
    logicalTypeOptions: LogicalTypeOptions | None = None
    primaryKey: bool | None = None
    primaryKeyPosition: int | None = None
    required: bool | None = None
    unique: bool | None = None
    semanticType: Annotated[Literal["column", "measure", "dimension"] | None, V32] = None
    partitioned: bool | None = None
    partitionKeyPosition: int | None = None
    classification: str | None = None
    encryptedName: str | None = None
    transformSourceObjects: list[str] | None = None
    transformLogic: str | None = None
    transformDescription: str | None = None
    examples: list[Any] | None = None
    enum: Annotated[list[EnumValue] | None, Field(min_length=1), V32] = None
    criticalDataElement: bool | None = None
    properties: list[Property] | None = None
    items: Item | None = None
    map: Annotated[MapOf | None, V32] = None


class Property(Item):
    """A column, or a field inside of one."""

    name: str


class MapOf(Shape):
    """Key and value of a map."""

    key: Item
    value: Item


class SchemaObject(Element):
    """A table."""

    name: str
    logicalType: Literal["object"] | None = None
    dataGranularityDescription: str | None = None
    properties: list[Property] | None = None
    context: Annotated[ContextOrText | None, V32] = None


class ServiceLevel(Shape):
    """A service level agreement."""

    id: Id = None
    property: str
    value: Scalar
    valueExt: Scalar = None
    unit: str | None = None
    element: str | None = None
    driver: str | None = None
    description: Annotated[str | None, V31] = None
    scheduler: Annotated[str | None, V31] = None
    schedule: Annotated[str | None, V31] = None
    customProperties: Annotated[list[CustomProperty] | None, V32] = None
    authoritativeDefinitions: Annotated[list[AuthoritativeDefinition] | None, V32] = None


class ContractFile(Shape):
    """A contract."""

    version: str
    kind: Literal["DataContract"]
    apiVersion: ApiVersion
    id: str
    name: str | None = None
    tenant: str | None = None
    tags: list[str] | None = None
    status: str | None = None
    servers: list[Server] | None = None
    dataProduct: str | None = None
    description: Description | None = None
    domain: str | None = None
    context: Annotated[ContextOrText | None, V32] = None
    schema_: list[SchemaObject] | None = None
    support: list[SupportChannel] | None = None
    price: Price | None = None
    team: (
        Annotated[
            Annotated[list[Member], Tag("list")] | Annotated[Team, Tag("Team")],
            branch(lambda v: "list" if isinstance(v, list) else "Team"),
        ]
        | None
    ) = None
    roles: list[Role] | None = None
    slaDefaultElement: str | None = None
    slaProperties: list[ServiceLevel] | None = None
    authoritativeDefinitions: list[AuthoritativeDefinition] | None = None
    customProperties: list[CustomProperty] | None = None
    contractCreatedTs: str | None = None


Item.model_rebuild()
Property.model_rebuild()
SchemaObject.model_rebuild()
ContractFile.model_rebuild()
