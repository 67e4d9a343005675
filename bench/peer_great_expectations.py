"""The questions put to great_expectations: `python peer_great_expectations.py CONNECTION_STRING`."""

import sys

import great_expectations as gx
from questions import COLUMNS, FRESH, KEYS, PATTERNS, RANGES, REFERENCES, ROWS, VALUES, judged_columns

ask = gx.expectations


def suite(table: str) -> list:
    columns = list(COLUMNS[table])
    asked: list = [
        ask.ExpectTableRowCountToBeBetween(min_value=ROWS[0], max_value=ROWS[1]),
        ask.ExpectTableColumnsToMatchSet(column_set=columns),
        *(ask.ExpectColumnValuesToNotBeNull(column=column) for column in columns),
    ]
    key = KEYS[table]
    if len(key) == 1:
        asked.append(ask.ExpectColumnValuesToBeUnique(column=key[0]))
    else:
        asked.append(ask.ExpectCompoundColumnsToBeUnique(column_list=key))
    asked += [ask.ExpectColumnValuesToBeInSet(column=c, value_set=v) for c, v in judged_columns(VALUES, table)]
    for column, (low, high) in judged_columns(RANGES, table):
        asked.append(ask.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high))
    asked += [ask.ExpectColumnValuesToMatchRegex(column=c, regex=p) for c, p in judged_columns(PATTERNS, table)]
    queries = [
        f"select * from {{batch}} where {key} is not null"
        f" and not exists (select 1 from {parent} y where y.{parent_key} = {key})"
        for child, key, parent, parent_key in REFERENCES
        if child == table
    ]
    if FRESH[0] == table:
        newest = f"select max({FRESH[1]}) m from {{batch}}"
        queries.append(f"select * from ({newest}) q where m < current_date - {FRESH[2]}")
    return asked + [ask.UnexpectedRowsExpectation(unexpected_rows_query=query) for query in queries]


def main(place: str) -> int:
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_sql("db", connection_string=place)
    wrong = []
    for table in COLUMNS:
        batch = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("all").get_batch()
        found = batch.validate(gx.ExpectationSuite(name=table, expectations=suite(table)))
        failed = [one for one in found.results if not one.success]
        wrong += [f"{table}: {one.expectation_config.type} {str(one.exception_info)[-300:]}" for one in failed]
    print("\n".join(wrong) or "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
