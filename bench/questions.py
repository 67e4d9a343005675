"""The questions, as data: 54 over TPC-H's customer, orders and lineitem."""

COLUMNS = {
    "customer": {
        "c_custkey": "integer", "c_name": "string", "c_address": "string", "c_nationkey": "integer",
        "c_phone": "string", "c_acctbal": "number", "c_mktsegment": "string", "c_comment": "string",
    },
    "orders": {
        "o_orderkey": "integer", "o_custkey": "integer", "o_orderstatus": "string", "o_totalprice": "number",
        "o_orderdate": "date", "o_orderpriority": "string", "o_clerk": "string", "o_shippriority": "integer",
        "o_comment": "string",
    },
    "lineitem": {
        "l_orderkey": "integer", "l_partkey": "integer", "l_suppkey": "integer", "l_linenumber": "integer",
        "l_quantity": "number", "l_extendedprice": "number", "l_discount": "number", "l_tax": "number",
        "l_returnflag": "string", "l_linestatus": "string", "l_shipdate": "date", "l_commitdate": "date",
        "l_receiptdate": "date", "l_shipinstruct": "string", "l_shipmode": "string", "l_comment": "string",
    },
}  # fmt: skip
KEYS = {"customer": ["c_custkey"], "orders": ["o_orderkey"], "lineitem": ["l_orderkey", "l_linenumber"]}
VALUES = {
    "o_orderstatus": ["F", "O", "P"],
    "l_returnflag": ["A", "N", "R"],
    "l_linestatus": ["F", "O"],
    "o_orderpriority": ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"],
    "c_mktsegment": ["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"],
}
RANGES = {"l_discount": (0, 0.1), "l_quantity": (1, 50), "o_totalprice": (0, 1_000_000)}
PATTERNS = {"c_phone": "^[0-9]{2}-[0-9]{3}-[0-9]{3}-[0-9]{4}$"}
REFERENCES = [("lineitem", "l_orderkey", "orders", "o_orderkey"), ("orders", "o_custkey", "customer", "c_custkey")]
ROWS = (1, 10**10)
FRESH = ("orders", "o_orderdate", 36_500)


def table_of(column: str) -> str:
    """TPC-H's columns carry their table's initial."""
    return {"c": "customer", "o": "orders", "l": "lineitem"}[column[0]]


def judged_columns(what: dict, table: str) -> list[tuple]:
    """Those of a kind of question that are about columns of the table."""
    return [(column, said) for column, said in what.items() if table_of(column) == table]


def listed(values: list[str]) -> str:
    """A list of SQL strings."""
    return ", ".join(f"'{value}'" for value in values)


def count() -> int:
    """Schema and rows a table, nulls a column, then keys, values, ranges, patterns, references, one age."""
    columns = sum(map(len, COLUMNS.values()))
    return 2 * len(COLUMNS) + columns + sum(map(len, (KEYS, VALUES, RANGES, PATTERNS, REFERENCES))) + 1
