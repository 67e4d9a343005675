"""Questions to queries: all aggregates of a table in one SELECT, one query for each key set and reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from gatekeeper.model.book import BOOK
from gatekeeper.model.catalog import Catalog, ColumnFact
from gatekeeper.model.finding import Unknown
from gatekeeper.model.question import (
    Absent,
    Aggregate,
    Changed,
    Custom,
    Each,
    Facts,
    Grain,
    Images,
    Modelled,
    Orphans,
    Past,
    Population,
    Question,
    Repeats,
    Sample,
    Slice,
    Spread,
    Stretches,
    Table,
    is_timeless,
)  # fmt: skip
from gatekeeper.model.slots import filled, like
from gatekeeper.model.sql_changed import changed
from gatekeeper.planning.answered import answers as answers
from gatekeeper.planning.answered import grouping, stack_of
from gatekeeper.planning.formulations import SMALL
from gatekeeper.planning.narrow import narrowed
from gatekeeper.planning.query import MOST_GROUPS, Query, Surroundings

# PostgreSQL allows 1,664 columns in a SELECT, SQL Server 4,096, SQLite 2,000.
_WIDEST = 1000
# DuckDB plans some hundreds of SELECTs joined by UNION ALL in 0.3 ms each, and side by side it runs them all.
_MOST_BRANCHES = 200
# Small tables that are asked in one statement, where the way to the database and back costs more than they do.
_TOGETHER = 32
_STACKS = frozenset({"duckdb", "postgres", "sqlite"})


def batch(questions: Iterable[Question], around: Surroundings) -> tuple[list[Query], dict[Question, Unknown]]:
    """As few queries as the questions need, the widest first, and the questions that have no SQL."""
    queries: list[Query] = []
    questions = list(questions)
    unknown: dict[Question, Unknown] = {}
    for question in questions:
        why = around.models.get(question.model, not_allowed(question.model)) if isinstance(question, Modelled) else ()
        if isinstance(why, Unknown):
            unknown[question] = why
    questions = [question for question in questions if question not in unknown]
    for group in narrowed(_groups(questions, around), around.catalogs):
        try:
            queries.append(_query(group, around))
        except ValueError:
            for question in group:
                try:
                    queries.append(_query((question,), around))
                except ValueError as wrong:
                    unknown[question] = Unknown("unsupported", str(wrong))
    heaviest = sorted(queries, key=lambda query: (-_weight(query, around), -len(query.questions)))
    return together(heaviest, around), unknown


def together(queries: Iterable[Query], around: Surroundings) -> list[Query]:
    """The queries, those of small tables in one statement: stacked where their numbers are of the same types."""
    made: list[Query] = []
    by_people: list[Query] = []
    small: dict[tuple[str, tuple[str, ...]], list[Query]] = {}
    for query in queries:
        if isinstance(query.questions[0], Custom):
            by_people.append(query)
        elif (
            query.limit == 1
            and query.formulation not in ("", "branches")
            and _weight(query, around) < SMALL
            and around.dialects[query.connection] in _STACKS
        ):
            small.setdefault((query.connection, _typed(query, around)), []).append(query)
        else:
            made.append(query)
    for (connection, _), mine in small.items():
        for start in range(0, len(mine), _TOGETHER):
            made.append(_stacked(connection, mine[start : start + _TOGETHER]))
    return made + by_people


def _typed(query: Query, around: Surroundings) -> tuple[str, ...]:
    """What else than whole numbers the query answers, in words that are equal where the types are."""
    typed = []
    for question in query.questions:
        if isinstance(question, Aggregate) and not question.is_whole:
            fact = around.catalogs[question.of.table].column(str(question.what))
            typed.append(f"{question.fold} {fact.type.native if fact is not None else question}")
    return tuple(typed)


def _stacked(connection: str, queries: Sequence[Query]) -> Query:
    """Row under row: in PostgreSQL a fifth of what the same costs side by side in one row, and less than one by one."""
    if len(queries) == 1:
        return queries[0]
    columns = [stack_of(query) for query in queries]
    widest = max(len(mine) for mine in columns)
    rows = []
    for place, (query, mine) in enumerate(zip(queries, columns, strict=True)):
        if query.formulation == "scan" and mine == [f"a{n}" for n in range(widest)]:
            # PostgreSQL takes a tenth longer where another SELECT stands around each
            rows.append(query.sql.replace("SELECT ", f"SELECT {place} AS place, ", 1))
            continue
        shown = [f't."{column}"' for column in mine] + ["0"] * (widest - len(mine))
        rows.append(f"SELECT {place} AS place, {', '.join(shown)} FROM (\n{query.sql}\n) AS t")
    asked = tuple(question for query in queries for question in query.questions)
    text = "\nUNION ALL ".join(rows)
    return Query(connection, text, asked, len(queries), formulation="stacked", parts=tuple(queries))


def _weight(query: Query, around: Surroundings) -> float:
    """About how many rows its largest table has; one that nobody knows is large."""
    # many questions of a query are about one table
    return max((_weight_of(table, around) for table in tables_asked(query.questions[0])), default=0.0)


def _weight_of(table: Table, around: Surroundings) -> float:
    catalog = around.catalogs.get(table)
    return float("inf") if catalog is None or catalog.weight is None else float(catalog.weight)


def tables_asked(question: Question) -> tuple[Table, ...]:
    """The tables that a question has read."""
    if isinstance(question, Aggregate):  # nearly all are, and nothing is asked more often
        return (question.of.table,)
    match question:
        case Orphans(child=child, parent=parent) | Absent(orphans=Orphans(child=child, parent=parent)):
            return child.table, parent.table
        case Facts(table) | Changed(table):
            return (table,)
        case Past(of):
            return (of.of.table,)
        case Custom():
            return ()
    return (question.of.table,)


def not_allowed(model: str) -> Unknown:
    """Why a model is not asked where nobody said that it may run."""
    return Unknown("unsupported", f"{model} is Python, which runs only under --allow-python")


def split(query: Query, around: Surroundings) -> list[Query]:
    """The query in two halves, or in its parts; itself where it has one question."""
    if query.parts:
        return list(query.parts)
    middle = len(query.questions) // 2
    halves = (query.questions[:middle], query.questions[middle:])
    return [_query(half, around) for half in halves] if middle else [query]


def alone(query: Query, around: Surroundings) -> list[Query]:
    """A query for each question, which binds names and types and scans nothing."""
    from gatekeeper.model import sql

    dialect = around.dialects[query.connection]
    singles = [_query((question,), around) for question in query.questions]
    return [Query(one.connection, sql.unscanned(one.sql, dialect), one.questions) for one in singles]


def _of_model(question: Modelled, around: Surroundings) -> tuple[ColumnFact, ...]:
    """The columns that the model names and the table has. Raises: ValueError where it has none."""
    named, catalog = around.models[question.model], around.catalogs[question.of.table]
    assert not isinstance(named, Unknown)
    facts = tuple(fact for column in named if (fact := catalog.column(column)) is not None)
    if not facts:
        raise ValueError(f"{question.of.table} has no column that {question.model} names")
    return facts


def _groups(questions: Iterable[Question], around: Surroundings) -> Iterator[tuple[Question, ...]]:
    tables: dict[tuple[Table, bool, bool], list[Aggregate]] = {}
    apart: dict[Table, list[Question]] = {}
    for question in questions:
        if _is_branch(question, around):
            apart.setdefault(tables_asked(question)[0], []).append(question)
        elif isinstance(question, Aggregate):
            # beside a number of the whole table no partition could be left out for those of a --window, or of its past
            is_slice = isinstance(question.of.window, Slice)
            is_past = any(isinstance(grain, Stretches) and isinstance(grain.window, Slice) for grain in question.by)
            tables.setdefault((question.of.table, is_slice, is_past), []).append(question)
        elif not isinstance(question, (Facts, Past)):
            yield (question,)
    for counts in apart.values():
        for start in range(0, len(counts), _MOST_BRANCHES):
            yield tuple(counts[start : start + _MOST_BRANCHES])
    for group in tables.values():
        for scan in _scans(group):
            for start in range(0, len(scan), _WIDEST):
                yield tuple(scan[start : start + _WIDEST])


def _is_branch(question: Question, around: Surroundings) -> bool:
    """Whether it is best counted by a SELECT of its own, in WHERE form.

    DuckDB answers that from statistics, or reads the one column and prunes: 16 columns of 6 million rows in 2 ms, where
    one scan takes 240 to 350. A view or a file of text would be read as often as there are counts.
    """
    if not isinstance(question, Aggregate) or question.fold != "count" or question.what is None or question.by:
        return False
    catalog = around.catalogs.get(question.of.table)
    if catalog is None or around.dialects.get(question.of.table.connection) != "duckdb":
        return False
    is_read_whole = catalog.is_view and (catalog.parts is None or not catalog.parts.counts_rows)
    if is_read_whole or (catalog.weight is not None and catalog.weight < SMALL):
        return False
    return question.of.where is None and question.of.window is None and question.of.as_of is None


def _scans(questions: Sequence[Aggregate]) -> Iterator[list[Aggregate]]:
    """What one pass over the table answers: numbers by day add up, so the whole table's come with them."""
    kinds: dict[tuple[tuple[Grain, ...], Population | None], list[Aggregate]] = {}
    for question in questions:
        # what a column holds in some rows alone is no group of the others
        apart = any(isinstance(grain, Each) for grain in question.by)
        kinds.setdefault((question.by, question.of if apart else None), []).append(question)
    whole = kinds.pop(((), None), [])
    for (by, _), group in kinds.items():
        if not any(isinstance(grain, (Spread, Each)) for grain in by):
            group += [question for question in whole if question.fold != "distinct"]
            whole = [question for question in whole if question.fold == "distinct"]
    yield from filter(None, (whole, *kinds.values()))


def _query(questions: Sequence[Question], around: Surroundings) -> Query:
    first, asked = questions[0], tuple(questions)
    match first:
        case Aggregate(of=of):
            connection = of.table.connection
            if all(_is_branch(question, around) for question in questions):
                text = _text("branches", asked, around, of.table)
                return Query(connection, text, asked, len(asked), formulation="branches")
            text = _text("scan", asked, around, of.table)
            if grouping(questions):
                return Query(connection, text, asked, MOST_GROUPS + 1, formulation="groups")
            return Query(connection, text, asked, formulation="scan")
        case Repeats(of=of):
            text = _text("repeats", asked, around, of.table)
            return Query(of.table.connection, text, asked, formulation="group by")
        case Images(of=of, bounds=bounds):
            simple = replace(first, bounds=like(bounds, from_zero=first.form != "bits"))
            text = _text("images", (simple,), around, of.table)
            return Query(of.table.connection, filled(text, bounds), asked, formulation=first.form)
        case Absent(orphans=Orphans(child=child, parent=parent), bounds=bounds):
            by_group = around.dialects[child.table.connection] == "postgres"
            simple_one = replace(first, bounds=like(bounds, from_zero=not by_group))
            text = _text("absent", (simple_one,), around, child.table, parent.table)
            form = "bits" if by_group else "bitstring"
            return Query(child.table.connection, filled(text, bounds), asked, formulation=form)
        case Orphans(child=child, parent=parent):
            connection, there = child.table.connection, parent.table.connection
            if there != connection:
                said = f"{child.table} lies on the connection {connection}, {parent.table} on {there}"
                raise ValueError(f"{said}, and keys of two connections are not compared yet")
            text = _text("orphans", asked, around, child.table, parent.table)
            return Query(connection, text, asked, formulation="not exists")
        case Modelled(of, _, size):
            facts = _of_model(first, around)
            text = _text("selected", asked, around, of.table, names=tuple(fact.name for fact in facts))
            return Query(of.table.connection, text, asked, size, facts)
        case Changed(table):
            connection = table.connection
            known = around.catalogs[table].path or table.path
            return Query(connection, changed(Table(connection, known), around.dialects[connection]), asked, 2)
        case Sample(of=of, violating=violating):
            parents = (violating.parent.table,) if isinstance(violating, Orphans) else ()
            text = _text("sample", asked, around, of.table, *parents)
            return Query(of.table.connection, text, asked, first.limit)
        case Custom(connection=connection):
            text = _text("custom", asked, around)
            return Query(connection, text, asked, 1 if first.fetch == "rows" else 2)
        case _:
            raise TypeError(f"{first} is not asked by a query")


def _text(
    how: str, asked: tuple[Question, ...], around: Surroundings, *tables: Table, names: tuple[str, ...] = ()
) -> str:
    """The statement, from the book where it was written before. Raises: ValueError where there is none."""
    first = asked[0]
    connection = first.connection if isinstance(first, Custom) else tables[0].connection
    catalogs = [around.catalogs[table] for table in tables]
    dialect, now = around.dialects[connection], around.nows[connection]

    def write() -> str:
        from gatekeeper.planning import writers

        return writers.write(how, asked, catalogs, dialect, now, names)

    if not all(map(is_timeless, asked)):
        return write()
    return BOOK.text((how, *_told(asked), *map(_read, catalogs), dialect, names), write)


def _told(asked: tuple[Question, ...]) -> tuple[object, ...]:
    """The questions, with the rows that several of them are about once."""
    of: dict[Population, int] = {}
    told: list[object] = []
    for q in asked:
        if isinstance(q, Aggregate):
            told.append((of.setdefault(q.of, len(of)), q.fold, q.what, q.shift, q.by))
        else:
            told.append(q)
    return tuple(of), told


def _read(catalog: Catalog) -> tuple[object, ...]:
    """What a statement may follow from: not how large the table is, nor which values it holds."""
    columns = [replace(fact, within=None) if fact.within is not None else fact for fact in catalog.columns]
    sets = sorted(catalog.never_null), sorted(catalog.bytewise)
    none = frozenset[str]()
    known = replace(catalog, columns=tuple(columns), weight=None, never_null=none, bytewise=none, holed=none)
    return known, *sets
