"""The questions asked by hand, as most would: `python plain.py duckdb FILE | parquet FOLDER | postgres CONNINFO`.

One aggregate scan a table, `group by … having` for keys, `not exists` for references. Exit 1 where one is answered no.
"""

import datetime
import sys
from collections.abc import Callable

from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES, judged_columns, listed


class Source:
    """Something that is asked in SQL, and what differs between them."""

    def __init__(self, engine: str, place: str) -> None:
        self.engine = engine
        if engine == "postgres":
            import psycopg

            self._con = psycopg.connect(place, autocommit=True)
        else:
            import duckdb

            self._con = duckdb.connect(place, read_only=True) if engine == "duckdb" else duckdb.connect()
        self._place = place

    def name(self, table: str) -> str:
        return f"read_parquet('{self._place}/{table}.parquet')" if self.engine == "parquet" else table

    def ask(self, sql: str) -> list[tuple]:
        return self._con.execute(sql).fetchall()

    def mismatch(self, column: str, pattern: str) -> str:
        return f"{column} !~ '{pattern}'" if self.engine == "postgres" else f"not regexp_matches({column}, '{pattern}')"

    def columns(self) -> dict[str, set[str]]:
        if self.engine == "parquet":
            return {t: {row[0] for row in self.ask(f"describe from {self.name(t)}")} for t in COLUMNS}
        found = self.ask("select table_name::text, column_name::text from information_schema.columns")
        return {wanted: {name for table, name in found if table == wanted} for wanted in COLUMNS}


def scan(source: Source, table: str) -> list[bool]:
    """Rows, values in every column, and everything that is said of a row."""
    asked: list[str] = ["count(*)"]
    judges: list[Callable] = [lambda value, rows: ROWS[0] <= value <= ROWS[1]]

    def ask(sql: str, judge: Callable) -> None:
        asked.append(sql)
        judges.append(judge)

    for column in COLUMNS[table]:
        ask(f"count({column})", lambda value, rows: value == rows)
    violated = [f"{column} not in ({listed(values)})" for column, values in judged_columns(VALUES, table)]
    violated += [f"{column} < {low} or {column} > {high}" for column, (low, high) in judged_columns(RANGES, table)]
    violated += [source.mismatch(column, pattern) for column, pattern in judged_columns(PATTERNS, table)]
    for condition in violated:
        ask(f"count(*) filter (where {condition})", lambda value, rows: value == 0)
    if FRESH[0] == table:
        ask(f"max({FRESH[1]})", lambda value, rows: (datetime.date.today() - value).days <= FRESH[2])
    (row,) = source.ask(f"select {', '.join(asked)} from {source.name(table)}")
    return [judge(value, row[0]) for judge, value in zip(judges, row, strict=True)]


def main(engine: str, place: str) -> int:
    source = Source(engine, place)
    found = source.columns()
    answers = [set(columns) <= found[table] for table, columns in COLUMNS.items()]
    for table in COLUMNS:
        answers += scan(source, table)
        key = ", ".join(KEYS[table])
        repeated = f"select count(*) from (select 1 from {source.name(table)} group by {key} having count(*) > 1) q"
        answers.append(source.ask(repeated)[0][0] == 0)
    for child, key, parent, parent_key in REFERENCES:
        orphans = (
            f"select count(*) from {source.name(child)} x where {key} is not null"
            f" and not exists (select 1 from {source.name(parent)} y where y.{parent_key} = x.{key})"
        )
        answers.append(source.ask(orphans)[0][0] == 0)
    print(f"{len(answers)} questions, {answers.count(False)} answered with no")
    return 0 if all(answers) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
