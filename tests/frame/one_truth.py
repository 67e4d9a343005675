"""Every rule's spec by SQL (DuckDB) and over the same rows as frames: the same finding, or a declared difference."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import duckdb
from spec import test_specs as specs

from gatekeeper.errors import UsageError
from gatekeeper.frame import check
from gatekeeper.frame.contract import promise_of
from gatekeeper.frame.evaluation import beside
from gatekeeper.model.report import RuleReport

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted(specs.HERE.glob("*.spec"))
FRAMES = ("polars", "pandas", "pyspark")


@dataclass(frozen=True)
class Difference:
    """Where a frame's finding is another than the table's, and why. `sql` and `frame` are patterns of both."""

    reason: str
    sql: str
    frame: str
    on: tuple[str, ...] = FRAMES
    specs: tuple[str, ...] = ()

    def covers(self, spec: str, library: str, sql: str, frame: str) -> bool:
        """Whether this is why the two differ."""
        return (
            library in self.on
            and (not self.specs or spec in self.specs)
            and re.fullmatch(self.sql, sql, re.DOTALL) is not None
            and re.fullmatch(self.frame, frame, re.DOTALL) is not None
        )


DECLARED = {
    "types": Difference(
        "A type is named in the frame's own words, not in the database's.",
        r"(?P<status>\w+) .*\b(is|declared) .*",
        r"\w+ .*\b(is|declared) .*",
        specs=(
            "schema",
            "range",
            "volume",
            "values",
            "length",
            "pattern",
            "references",
            "nulls",
            "unique",
            "aggregate",
        ),
    ),
    "sql": Difference(
        "A query of its own is SQL for the database: `skipped unsupported`, by name.",
        r".*",
        r"skipped unsupported  a query of its own is SQL for the database; a frame holds none",
        specs=("sql", "rows"),
    ),
    "past": Difference(
        "A baseline is the past of the table, which a frame has not, nor is one asked by group: `skipped unsupported`, by name.",
        r".*",
        r"skipped unsupported  (a baseline is the past of the table; a frame has none|a frame is not asked for .*)",
    ),
    "enforced": Difference(
        "`nullability: declared` asks a database what it enforces; the columns and their types are checked.",
        r".*may be NULL in the database.*",
        r".*",
        specs=("schema",),
    ),
    "physical": Difference(
        "A physical type is the database's; a frame's type is compared by its family.",
        r"fail   ?\w+ is (DECIMAL\(38,0\), declared DECIMAL\(38,2\)|SMALLINT, declared BIGINT)",
        r"pass  .*",
        specs=("schema",),
    ),
    "json": Difference(
        "JSON is a text in a frame, and no object.",
        r"pass  6 columns are as declared",
        r"fail  raw is .*, declared object",
        specs=("schema",),
    ),
    "infinite": Difference(
        "No frame holds an infinite time; what the conversion makes of it is another time.",
        r"fail  the newest happened lies some time in the future, beyond the 5min tolerated",
        r"late age  the newest happened is some time old, allowed are 1d",
        specs=("freshness",),
    ),
    "words": Difference(
        "What can't be asked is said in the frame library's class of error, not in the database's words.",
        r"error query  .*",
        r"error query  the frame could not be asked: .*",
    ),
    "missing": Difference(
        "A frame that was not given is named as such.",
        r"error missing_table  there is no table nowhere",
        r"error missing_table  no frame was given for nowhere.*",
    ),
}


@dataclass
class Row:
    """What came of a spec over one frame library."""

    same: int = 0
    found: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def cell(self) -> str:
        """The cell of the table."""
        if self.wrong:
            return "differs"
        if not self.found:
            return "same"
        return ("same, but " if self.same else "") + ", ".join(sorted(self.found))


def said(rule: RuleReport) -> str:
    """Status, cause and message, without the time that passes between two runs."""
    cause = f" {rule.cause}" if rule.cause else ""
    message = rule.message
    if rule.kind == "freshness":
        message = re.sub(r"\b\d+(d|h|min|s)\b( \d+(h|min|s)\b)?", "some time", message, count=1)
    return f"{rule.status}{cause}  {message}"


def frames_of(database: Path, library: str) -> dict[str, object]:
    """All tables of the database as frames: NULL and NaN stay two things."""
    found = {}
    with duckdb.connect(str(database)) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
        for (name,) in names:
            quoted = '"' + name.replace('"', '""') + '"'
            found[name] = as_frame(connection.execute(f"SELECT * FROM {quoted}").to_arrow_table(), library)
    return found


def as_frame(table, library):
    """An Arrow table as a frame of the library."""
    if library == "polars":
        import polars

        return polars.from_arrow(table)
    import pandas

    frame = table.to_pandas(types_mapper=pandas.ArrowDtype)
    if library == "pandas":
        return frame
    import pyarrow

    if not table.num_rows:  # Spark takes no column without a chunk
        table = pyarrow.Table.from_arrays([pyarrow.array([], f.type) for f in table.schema], schema=table.schema)
    return spark().createDataFrame(table)


def spark():
    """A small session of this machine, in UTC."""
    from pyspark.sql import SparkSession

    made = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    made = made.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1")
    return made.config("spark.sql.timestampType", "TIMESTAMP_NTZ").getOrCreate()


def compared(spec: Path, libraries: tuple[str, ...], folder: Path) -> dict[str, Row]:
    """The spec by SQL, and over frames of each library."""
    rows = {library: Row() for library in libraries}
    for stage in specs.stages(spec.read_text(encoding="utf-8"), "duckdb"):
        with duckdb.connect(str(folder / "d.db")) as connection:
            for statement in stage.statements:
                connection.execute(specs.written(statement, datetime.now(timezone.utc)))
        by_sql = {line: rule for line, _, rule in specs.ask(folder, "duckdb:///d.db", stage)}
        for library, row in rows.items():
            try:
                frames = frames_of(folder / "d.db", library)
            except ValueError:
                # pyarrow's error for an infinite time, which Spark's conversion refuses
                assert any("infinity" in statement for statement in stage.statements)
                row.found.add("infinite")
                continue
            if "t" not in frames:
                row.same += 1  # a table that isn't there has no frame
                continue
            report = check(frames["t"], folder / "spec.odcs.yaml", "t", referred(frames, folder))
            for line, rule in by_sql.items():
                _compare(f"{spec.name}:{line}", spec.stem, library, rule, report.rule(rule.id), row)
    return rows


def referred(frames, folder):
    """The frames that a rule refers to; `check` refuses all others."""
    promise = promise_of(folder / "spec.odcs.yaml", "t")
    found = {}
    for name, frame in frames.items():
        with suppress(UsageError):
            beside(promise, {name: frame})
            found[name] = frame
    return found


def _compare(place: str, spec: str, library: str, rule: RuleReport, over_frame: RuleReport | None, row: Row) -> None:
    table, frame = said(rule), said(over_frame) if over_frame is not None else "missing"
    if table == frame:
        row.same += 1
        return
    for name, difference in DECLARED.items():
        if difference.covers(spec, library, table, frame):
            is_same_status = table.partition("  ")[0] == frame.partition("  ")[0]
            if name in ("types", "words", "missing") and not is_same_status:
                continue
            row.found.add(name)
            return
    row.wrong.append(f"{place} ({library})\n  table  {table}\n  frame  {frame}")
