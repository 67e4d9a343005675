"""The questions as pointblank validations: `python peer_pointblank.py duckdb FILE | parquet FOLDER`."""

import datetime
import sys

import pointblank as pb
from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, VALUES, judged_columns


def frames(engine: str, place: str) -> dict:
    if engine == "duckdb":
        import ibis

        con = ibis.duckdb.connect(place, read_only=True)
        return {table: con.table(table) for table in COLUMNS}
    import polars as pl

    return {table: pl.read_parquet(f"{place}/{table}.parquet") for table in COLUMNS}


def main(engine: str, place: str) -> int:
    tables = frames(engine, place)
    good = True
    for table, frame in tables.items():
        asked = pb.Validate(frame).col_exists(list(COLUMNS[table])).col_vals_not_null(list(COLUMNS[table]))
        asked = asked.rows_distinct(KEYS[table])
        for column, values in judged_columns(VALUES, table):
            asked = asked.col_vals_in_set(column, values)
        for column, (low, high) in judged_columns(RANGES, table):
            asked = asked.col_vals_between(column, low, high)
        for column, pattern in judged_columns(PATTERNS, table):
            asked = asked.col_vals_regex(column, pattern)
        if FRESH[0] == table and engine == "parquet":
            good = good and (datetime.date.today() - frame[FRESH[1]].max()).days <= FRESH[2]
        good = good and asked.interrogate(collect_extracts=False).all_passed()
    for child, key, parent, parent_key in REFERENCES:
        if engine == "parquet":
            orphans = tables[child].join(tables[parent], left_on=key, right_on=parent_key, how="anti")
            good = good and orphans.height == 0
        else:
            other = tables[parent]
            orphans = tables[child].anti_join(other, tables[child][key] == other[parent_key])
            good = good and orphans.count().execute() == 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
