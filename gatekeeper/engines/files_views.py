"""The views by which a table of files is asked: columns of the declared types, and marks where a text doesn't fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from gatekeeper.engines.files_found import DataFile
from gatekeeper.engines.files_portions import Held, Portion
from gatekeeper.engines.files_types import Target, literal, name, target
from gatekeeper.model.catalog import Catalog, ColumnFact, Misfits, Parts, Type
from gatekeeper.model.contract import ContractTable
from gatekeeper.model.rule import DeclaredColumn
from gatekeeper.model.types import differs, parse

_MARK = "misfits"
# columns that one scan may read: 2,000 texts at once took 400 MB in DuckDB, 500 take 160
TOGETHER = 250


class Shape(Struct, frozen=True):
    """A column of the table: how it is called, what it is read as, and whether texts may not fit."""

    name: str
    native: str
    reads: Target | None = None

    @property
    def is_text(self) -> bool:
        """Whether any text fits but one with a NUL byte."""
        return self.reads is None or self.reads.family in ("string", "other", "binary")

    @property
    def what(self) -> str:
        """What a text that doesn't fit is not."""
        return self.reads.what if self.reads is not None else "text"


class Group(Struct, frozen=True):
    """Columns that are looked at together: the view with their marks, the mark of all, and each column's."""

    view: str
    whole: str
    marks: Mapping[str, str]


class Views(Struct, frozen=True):
    """A table's catalog, the statements that make its views, and by what query each group of misfits is told."""

    catalog: Catalog
    statements: tuple[str, ...]
    shapes: tuple[Shape, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)


def views(
    path: tuple[str, ...],
    portions: Sequence[Portion],
    empty: Sequence[DataFile],
    table: ContractTable | None,
    zone: str,
) -> Views:
    """How the files of a table are read as one."""
    declared = {column.name.casefold(): column for column in (table.columns if table else ())}
    if not portions:
        return _lacking(path, empty, declared)
    nameless = [portion for portion in portions if _is_nameless(portion, declared)]
    differences = [f"no declared column is in the header of {_some(_shown(nameless))}"] if nameless else []
    differences += [f"{_some([file.shown for file in empty])} without even a header"] if empty else []
    portions = [replace(portion, columns=portion.keys) if portion in nameless else portion for portion in portions]
    shapes = [_shape(column, portions, declared.get(column.casefold()), zone) for column in _names(portions, declared)]
    wrong, oddities = _drift([portion for portion in portions if portion.columns], shapes, declared)
    statements, asked, groups = _statements(path, portions, shapes or [Shape("nothing", "VARCHAR")])
    facts = tuple(
        ColumnFact(shape.name, parse(shape.native, "duckdb"), is_as_declared=shape.reads is not None)
        for shape in shapes
    )
    counts = all(portion.format == "parquet" for portion in portions)
    misfits = tuple(_misfits(group, told, is_query=len(groups) > 1) for told, group in groups.items())
    parts = Parts(misfits, TOGETHER, (*differences, *wrong), tuple(oddities), "", tuple(_notes(portions)), counts)
    return Views(
        Catalog(True, asked, facts, is_view=True, dialect="duckdb", parts=parts), statements, tuple(shapes), groups
    )


def _lacking(path: tuple[str, ...], empty: Sequence[DataFile], declared: Mapping[str, DeclaredColumn]) -> Views:
    """A table of which nothing is known but that it has no rows; its columns are taken as declared."""
    said = f"{_some([file.shown for file in empty])} {'is' if len(empty) == 1 else 'are'} empty: not even a header"
    shapes = [Shape(column.name, "VARCHAR") for column in declared.values()]
    none = ", ".join(
        f"CAST(NULL AS VARCHAR) AS {name(shape.name)}" for shape in shapes or [Shape("nothing", "VARCHAR")]
    )
    facts = tuple(ColumnFact(shape.name, Type("string", "VARCHAR"), is_as_declared=True) for shape in shapes)
    statement = f"CREATE VIEW {_quoted(path)} AS SELECT {none} WHERE false"
    return Views(Catalog(True, path, facts, is_view=True, dialect="duckdb", parts=Parts(lack=said)), (statement,))


def _is_nameless(portion: Portion, declared: Mapping[str, DeclaredColumn]) -> bool:
    """Whether what stands in the first line of CSV files may be no header but cells, which nobody shows."""
    return portion.format == "csv" and bool(declared) and not any(portion.held(c.name) for c in declared.values())


def _statements(
    path: tuple[str, ...], portions: Sequence[Portion], shapes: Sequence[Shape]
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Group]]:
    """The table's view, by its name; with marks in one beside it, or of a wide table in several, which are asked."""
    plain, taken = _quoted(path), {shape.name.casefold() for shape in shapes}
    marks = {shape.name: _free(f"{shape.name} {_MARK}", taken) for shape in shapes if _is_marked(shape, portions)}
    whole = _free(_MARK, taken)
    if not marks:
        return (f"CREATE VIEW {plain} AS {_union(portions, shapes, {})}",), path, {}
    groups: dict[str, Group] = {}
    statements = []
    asked = path
    for first in range(0, len(shapes), TOGETHER):
        some = shapes[first : first + TOGETHER]
        mine = {shape.name: marks[shape.name] for shape in some if shape.name in marks}
        if not mine:
            continue
        columns = "" if len(shapes) <= TOGETHER else f" {first + 1} to {first + len(some)}"
        view = (*path[:-1], f"{path[-1]}, as read{columns}")
        each = " OR ".join(map(name, mine.values()))
        union = _union(portions, some, mine)
        statements.append(f"CREATE VIEW {_quoted(view)} AS SELECT *, ({each}) AS {name(whole)} FROM ({union})")
        # a question that the engine answers itself: no SQL knows the lines of a file
        words = f"where the misfits of {'.'.join(path)}{columns} stand"
        told = f"SELECT {literal(words)}"
        groups[told] = Group(_quoted(view), whole, mine)
        asked = view if not columns else path
    if asked == path:
        statements.append(f"CREATE VIEW {plain} AS {_union(portions, shapes, {})}")
    else:
        columns = ", ".join(name(shape.name) for shape in shapes)
        statements.append(f"CREATE VIEW {plain} AS SELECT {columns} FROM {_quoted(asked)}")
    return tuple(statements), asked, groups


def _misfits(group: Group, told: str, *, is_query: bool) -> Misfits:
    rows = f"SELECT count(*) FROM {group.view} WHERE {name(group.whole)}" if is_query else name(group.whole)
    return Misfits(rows, told, is_query)


def _quoted(path: Sequence[str]) -> str:
    return ".".join(map(name, path))


def _shown(portions: Sequence[Portion]) -> list[str]:
    return [file.shown for portion in portions for file in portion.files]


def _union(portions: Sequence[Portion], shapes: Sequence[Shape], marks: Mapping[str, str]) -> str:
    return "\nUNION ALL\n".join(select(portion, portion.files, shapes, marks) for portion in portions)


def select(
    portion: Portion, files: Sequence[DataFile], shapes: Sequence[Shape], marks: Mapping[str, str], extra: str = ""
) -> str:
    """The rows of some files of a portion, in the table's columns, with a mark where a text doesn't fit."""
    if not marks:
        plain = ", ".join(f"{_value(shape, portion.held(shape.name))} AS {name(shape.name)}" for shape in shapes)
        return f"SELECT {plain} FROM {portion.read(files)}"
    inner, outer, seen = [], [], []
    for index, shape in enumerate(shapes):
        held = portion.held(shape.name)
        inner.append(f"{_value(shape, held)} AS v{index}")
        outer.append(f"v{index} AS {name(shape.name)}")
        if shape.name in marks:
            inner.append(f"{held.sql if held is not None else 'NULL'} AS t{index}")
            seen.append(f"{_mark(shape, held, index)} AS {name(marks[shape.name])}")
    both = ", ".join([*outer, *seen])
    return (
        f"SELECT {both}{', extra' if extra else ''} FROM (SELECT {', '.join(inner)}{extra} FROM {portion.read(files)})"
    )


def _value(shape: Shape, held: Held | None) -> str:
    if held is None:
        return f"CAST(NULL AS {shape.native})"
    if held.how == "typed":
        return held.sql if held.native == shape.native else f"TRY_CAST({held.sql} AS {shape.native})"
    if shape.reads is None:
        return held.sql
    return shape.reads.of_text(held.sql) if held.how == "text" else shape.reads.of_json(held.sql)


def _mark(shape: Shape, held: Held | None, index: int) -> str:
    if held is None or held.how == "typed" or (held.how == "json" and shape.reads is None):
        return "false"
    if shape.is_text and held.how == "text":
        return f"coalesce(contains(t{index}, chr(0)), false)"
    return f"(t{index} IS NOT NULL AND v{index} IS NULL)"


def _is_marked(shape: Shape, portions: Sequence[Portion]) -> bool:
    held = [portion.held(shape.name) for portion in portions]
    if any(one is not None and one.how == "text" for one in held):
        return True  # undeclared too: reading them all is what finds a line in another encoding
    return shape.reads is not None and any(one is not None and one.how == "json" for one in held)


def _names(portions: Sequence[Portion], declared: Mapping[str, DeclaredColumn]) -> list[str]:
    """The columns of all portions, in the order in which they are met; one name for each spelling."""
    found: dict[str, str] = {}
    for portion in portions:
        for column in portion.columns:
            key = column.name.casefold()
            if portion.held(column.name) is column and (key in declared or column.how != "text" or column.name.strip()):
                found.setdefault(key, column.name)
    return list(found.values())


def _shape(column: str, portions: Sequence[Portion], declared: DeclaredColumn | None, zone: str) -> Shape:
    held = [found for portion in portions if (found := portion.held(column)) is not None]
    reads = target(declared, zone) if declared is not None else None
    natives = list(dict.fromkeys(one.native for one in held if one.how == "typed"))
    if not natives:
        if reads is not None:
            return Shape(column, reads.native, reads)
        return Shape(column, "VARCHAR" if any(one.how == "text" for one in held) else "JSON")
    fitting = [native for native in natives if declared and not differs(declared, parse(native, "duckdb"), "duckdb")]
    native = (fitting or natives)[0]
    families = {parse(one, "duckdb").family for one in fitting or natives}
    if len(fitting or natives) > 1:
        # what two writers made of one number: the wider reads both
        native = "DOUBLE" if families & {"float", "decimal"} else "BIGINT" if families == {"integer"} else native
        native = native if families <= {"integer", "decimal", "float"} or declared else "VARCHAR"
    if any(one.how == "text" for one in held):
        return Shape(column, native, Target(parse(native, "duckdb").family, native, zone))
    return Shape(column, native)


def _drift(
    portions: Sequence[Portion], shapes: Sequence[Shape], declared: Mapping[str, DeclaredColumn]
) -> tuple[list[str], list[str]]:
    """How the files differ from each other: in what is declared, and in what isn't."""
    wrong: list[str] = []
    odd: list[str] = []
    for shape in shapes:
        column = declared.get(shape.name.casefold())
        lacking = [file.shown for portion in portions if portion.held(shape.name) is None for file in portion.files]
        if lacking and column is not None:
            wrong.append(f"{shape.name} is missing in {_some(lacking)}")
        elif lacking:
            having = [file.shown for portion in portions if portion.held(shape.name) for file in portion.files]
            odd.append(
                f"{shape.name} is only in {_some(having)}" if len(having) <= len(lacking)
                else f"{shape.name} is not in {_some(lacking)}"
            )  # fmt: skip
        kinds: dict[str, list[str]] = {}
        for portion in portions:
            held = portion.held(shape.name)
            if held is not None and held.how == "typed":
                kinds.setdefault(held.native, []).extend(file.shown for file in portion.files)
        if len(kinds) < 2:
            continue
        if column is not None:
            differing = {
                native: said for native in kinds if (said := differs(column, parse(native, "duckdb"), "duckdb"))
            }
            if len(differing) < len(kinds):
                wrong += [f"{shape.name} {said} in {_some(kinds[native])}" for native, said in differing.items()]
        elif len({parse(native, "duckdb").family for native in kinds}) > 1:
            said = " and ".join(f"{native} in {_some(names)}" for native, names in kinds.items())
            odd.append(f"{shape.name} is {said}")
    return wrong, odd


def _some(names: Sequence[str]) -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


def _free(wanted: str, taken: set[str]) -> str:
    while wanted.casefold() in taken:
        wanted += "_"
    taken.add(wanted.casefold())
    return wanted


def _notes(portions: Sequence[Portion]) -> list[str]:
    """A file without an end to its last line may have been cut there, within its last value: nobody can tell."""
    cut = []
    for portion in portions:
        if portion.format == "parquet" or portion.compression != "none":
            continue
        for file in portion.files:
            with open(file.path, "rb") as stream:
                if stream.seek(0, 2) and stream.seek(-1, 2) >= 0 and stream.read(1) not in (b"\n", b"\r"):
                    cut.append(file.shown)
    return [f"the last line of {_some(cut)} has no end: if it was cut off there, nobody can tell"] if cut else []
