"""The questions asked by someone who knows the engine; called as `plain.py` is.

DuckDB: counts in WHERE form joined by `union all` (statistics answer those of NULLs and ranges), integer keys as sets
of bits over the bounds observed. PostgreSQL: one scan a table, `count(distinct)` of the key packed into one integer, a
hash anti join. No report, no samples; a NULL in a key part or a key out of bounds would be a false alarm.
"""

import datetime
import sys

from plain import Source, scan
from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES, judged_columns, listed


def by_statistics(source: Source) -> list[bool]:
    """Everything that is said of a row, in one statement of small counts."""
    asked = []
    for table, columns in COLUMNS.items():
        wrong = [f"{column} is null" for column in columns]
        wrong += [f"{column} not in ({listed(values)})" for column, values in judged_columns(VALUES, table)]
        wrong += [f"{column} < {low} or {column} > {high}" for column, (low, high) in judged_columns(RANGES, table)]
        wrong += [source.mismatch(column, pattern) for column, pattern in judged_columns(PATTERNS, table)]
        asked += [f"select count(*) from {source.name(table)} where {condition}" for condition in wrong]
    table, column, days = FRESH
    too_old = datetime.date.today() - datetime.timedelta(days)
    asked.append(f"select (max({column}) < date '{too_old}')::int from {source.name(table)}")
    numbered = " union all ".join(f"select {number}, ({sql})" for number, sql in enumerate(asked))
    return [value == 0 for _, value in source.ask(numbered)]


def by_bits(source: Source) -> list[bool]:
    """Keys and references as sets of bits: two scans of lineitem, two of orders, one of customer."""

    def bounds(table: str, *columns: str) -> tuple:
        wanted = ", ".join(f"min({column}), max({column})" for column in columns)
        return source.ask(f"select count(*), {wanted} from {source.name(table)}")[0]

    def bits(table: str, key: str, low: int, high: int) -> str:
        return f"(select bitstring_agg({key}, {low}::bigint, {high}::bigint) b from {source.name(table)})"

    rows = {table: bounds(table, *KEYS[table]) for table in COLUMNS}
    answers = [ROWS[0] <= found[0] <= ROWS[1] for found in rows.values()]
    count, low, high, low2, high2 = rows["lineitem"]
    wide = high2 - low2 + 1
    packed = f"(l_orderkey - {low}) * {wide} + l_linenumber - {low2}"
    ((found,),) = source.ask(f"select bit_count(b) from {bits('lineitem', packed, 0, (high - low + 1) * wide)}")
    answers.append(found == count)
    for child, key, parent, parent_key in REFERENCES:
        count, low, high = rows[parent]
        if child in rows and key in KEYS[child]:
            lower, higher = rows[child][1:3]
        else:
            _, lower, higher = bounds(child, key)
        low, high = min(low, lower), max(high, higher)
        sets = f"{bits(parent, parent_key, low, high)} p, {bits(child, key, low, high)} c"
        ((distinct, orphans),) = source.ask(f"select bit_count(p.b), bit_count(c.b & ~p.b) from {sets}")
        answers += [distinct == count, orphans == 0]
    return answers


def by_scans(source: Source) -> list[bool]:
    """PostgreSQL reads each table once, each key once more, and joins by a hash."""
    answers = []
    keys = {table: " * 8 + ".join(key) for table, key in KEYS.items()}
    for table in COLUMNS:
        answers += scan(source, table)
        ((rows, distinct),) = source.ask(f"select count(*), count(distinct {keys[table]}) from {table}")
        answers.append(rows == distinct)
    for child, key, parent, parent_key in REFERENCES:
        absent = f"not exists (select 1 from {parent} y where y.{parent_key} = x.{key})"
        answers.append(source.ask(f"select count(*) from {child} x where {key} is not null and {absent}") == [(0,)])
    return answers


def main(engine: str, place: str) -> int:
    source = Source(engine, place)
    if engine == "postgres":
        source.ask("select set_config('work_mem', '64MB', false)")
    found = source.columns()
    answers = [set(columns) <= found[table] for table, columns in COLUMNS.items()]
    answers += by_scans(source) if engine == "postgres" else by_statistics(source) + by_bits(source)
    print(f"{len(answers)} questions, {answers.count(False)} answered with no")
    return 0 if all(answers) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
