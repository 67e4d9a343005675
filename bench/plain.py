"""The questions asked by hand: `python plain.py FILE`. Exit 1 where one is answered with no."""

import datetime
import sys

import duckdb
from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES, table_of


def scan(con, table: str) -> list[bool]:
    """One aggregate scan: rows, values in every column, and everything that is said of a row."""
    asked, judges = ["count(*)"], [lambda value, rows: ROWS[0] <= value <= ROWS[1]]
    for column in COLUMNS[table]:
        asked.append(f"count({column})")
        judges.append(lambda value, rows: value == rows)
    for column, values in VALUES.items():
        if table_of(column) == table:
            listed = ", ".join(f"'{value}'" for value in values)
            asked.append(f"count(*) filter (where {column} not in ({listed}))")
            judges.append(lambda value, rows: value == 0)
    for column, (low, high) in RANGES.items():
        if table_of(column) == table:
            asked.append(f"count(*) filter (where {column} < {low} or {column} > {high})")
            judges.append(lambda value, rows: value == 0)
    for column, pattern in PATTERNS.items():
        if table_of(column) == table:
            asked.append(f"count(*) filter (where not regexp_matches({column}, '{pattern}'))")
            judges.append(lambda value, rows: value == 0)
    if FRESH[0] == table:
        asked.append(f"max({FRESH[1]})")
        judges.append(lambda value, rows: (datetime.date.today() - value).days <= FRESH[2])
    row = con.execute(f"select {', '.join(asked)} from {table}").fetchone()
    return [judge(value, row[0]) for judge, value in zip(judges, row, strict=True)]


def main(file: str) -> int:
    con = duckdb.connect(file, read_only=True)
    found = con.execute("select table_name, column_name from information_schema.columns").fetchall()
    answers = [
        set(columns) <= {name for table, name in found if table == wanted} for wanted, columns in COLUMNS.items()
    ]
    for table in COLUMNS:
        answers += scan(con, table)
        key = ", ".join(KEYS[table])
        repeated = f"select count(*) from (select 1 from {table} group by {key} having count(*) > 1) q"
        answers.append(con.execute(repeated).fetchone()[0] == 0)
    for child, key, parent, parent_key in REFERENCES:
        orphans = (
            f"select count(*) from {child} x where {key} is not null"
            f" and not exists (select 1 from {parent} y where y.{parent_key} = x.{key})"
        )
        answers.append(con.execute(orphans).fetchone()[0] == 0)
    print(f"{len(answers)} questions, {answers.count(False)} answered with no")
    return 0 if all(answers) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
