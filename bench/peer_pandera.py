"""The questions as pandera schemas over polars frames: `python peer_pandera.py FOLDER`."""

import datetime
import sys

import pandera.polars as pa
import polars as pl
from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES


def checks(column: str) -> list:
    made = []
    if column in VALUES:
        made.append(pa.Check.isin(VALUES[column]))
    if column in RANGES:
        made.append(pa.Check.in_range(*RANGES[column]))
    if column in PATTERNS:
        made.append(pa.Check.str_matches(PATTERNS[column]))
    return made


def main(folder: str) -> int:
    frames = {table: pl.read_parquet(f"{folder}/{table}.parquet") for table in COLUMNS}
    answers = []
    for table, frame in frames.items():
        columns = {name: pa.Column(nullable=False, checks=checks(name)) for name in COLUMNS[table]}
        pa.DataFrameSchema(columns, unique=KEYS[table]).validate(frame, lazy=True)
        answers.append(ROWS[0] <= frame.height <= ROWS[1])
    for child, key, parent, parent_key in REFERENCES:
        orphans = frames[child].join(frames[parent], left_on=key, right_on=parent_key, how="anti")
        answers.append(orphans.height == 0)
    table, column, days = FRESH
    answers.append((datetime.date.today() - frames[table][column].max()).days <= days)
    return 0 if all(answers) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
