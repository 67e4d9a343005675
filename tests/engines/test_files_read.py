"""Files as tables: types, drift, torn files, hive-style folders, and nothing else on the disk in reach."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gatekeeper.engines import connect
from gatekeeper.errors import EngineError
from gatekeeper.model.catalog import Type
from gatekeeper.model.contract import ContractTable, FileForm
from gatekeeper.model.finding import Answer, Seen, Unknown
from gatekeeper.model.project import Connection
from gatekeeper.model.question import Facts, Population, Table
from gatekeeper.model.rule import DeclaredColumn, Subject
from gatekeeper.planning.batch import Surroundings, answers, batch
from gatekeeper.rules.schema import Schema

T = Table("landing", ("pay",))
COLUMNS = {"id": "integer", "name": "string", "amount": "decimal", "day": "date"}
HEAD = "id,name,amount,day\n"


def declared(columns=COLUMNS, **keys):
    return tuple(DeclaredColumn(name, Type(kind, kind), **keys) for name, kind in columns.items())


class Landing:
    """A connection of files in a folder, asked as the gate asks it."""

    def __init__(self, folder, pattern="*.csv", columns=None, tables=None, form=None, **keys):
        self.columns = declared() if columns is None else columns
        described = tables or [ContractTable(name="pay", table=T, columns=self.columns, form=form or FileForm())]
        self.engine = connect(
            Connection(name="landing", files=(pattern,), tables=tuple(described), line=7, **keys),
            environ={},
            root=folder,
        )
        self.session = self.engine.open(timeout_seconds=5)

    def catalog(self, table=T):
        return self.session.catalog([table])[table]

    def rows(self, sql):
        return self.session.rows(sql, limit=100, timeout_seconds=20)

    def schema(self, table=T):
        """The finding of the table's schema rule."""
        rule, on = Schema(), Subject(Population(table), self.columns)
        fact = self.catalog(table)
        seen = Seen({Facts(table): fact if isinstance(fact, Unknown) else Answer(fact)})
        around = Surroundings({table: fact}, {"landing": "duckdb"}, {"landing": self.session.now()})
        while asked := [question for question in rule.ask(on, seen) if question not in seen]:
            replies = {}
            for query in batch(asked, around)[0]:
                found = self.session.rows(query.sql, limit=query.limit, timeout_seconds=20)
                replies |= {question: Answer(value) for question, value in answers(query, found).items()}
            seen = seen.and_(replies)
        return rule.judge(on, seen, None)


@pytest.fixture
def landing(tmp_path):
    """Writes files and opens them; all is closed at the end."""
    opened = []

    def write(files, pattern="*.csv", **keys):
        for name, content in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(file)
            else:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        opened.append(Landing(tmp_path, pattern, **keys))
        return opened[-1]

    yield write
    for one in opened:
        one.engine.close()


def parquet(select):
    def write(file):
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")

    return write


def zipped(content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("sheet.xml", content)
    return packed.getvalue()


def refused(landing, sql="SELECT count(id), max(name), max(amount), max(day) FROM pay"):
    with pytest.raises(EngineError) as caught:
        landing.rows(sql)
    return caught.value


def test_a_csv_is_read_by_the_declared_types(landing):
    one = landing({"a.csv": HEAD + "1,anna,2.50,2026-11-01\n2,,,\n"})
    assert [(fact.name, fact.type.family) for fact in one.catalog().columns] == [
        ("id", "integer"), ("name", "string"), ("amount", "float"), ("day", "date"),
    ]  # fmt: skip
    assert one.rows("SELECT sum(id), sum(amount), CAST(max(day) AS VARCHAR), count(name) FROM pay") == [
        (3, 2.5, "2026-11-01", 1)
    ]
    assert one.schema().status == "pass"


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("1.5,a,1,", "id"), ("1e3,a,1,", "id"), ("0x1F,a,1,", "id"), ("1_000,a,1,", "id"), ("99999999999999999999,a,1,", "id"),
        ("one,a,1,", "id"), ("1,a,abc,", "amount"), ('1,a,"1,5",', "amount"), ("1,a,1_0,", "amount"), ("1,a,NULL,", "amount"),
        ("1,a,1,2026-13-01", "day"), ("1,a,1,01.11.2026", "day"), ("1,a\0b,1,", "name"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_its_type_is_a_violation_with_file_and_line(landing, cell, column):
    finding = landing({"a.csv": f'{HEAD}1,"x\ny",2,2026-11-01\n\n{cell}\n+2, z ,-1e3,2026-11-02\n'}).schema()
    assert finding.status == "fail"
    assert finding.message.startswith(
        f"{column} has 1 value {'with a NUL byte' if column == 'name' else 'that is no '}"
    )
    assert finding.message.endswith("(a.csv:5)")  # the quoted line break and the empty line are lines too
    assert finding.violating_rows == 1


def test_misfits_are_counted_in_every_file_and_the_first_few_are_placed(landing):
    files = {"a.csv": HEAD + "1,a,2,\n", "b.csv": HEAD + "1,a,2,\n" + "x,a,y,\n" * 5}
    said = landing(files).schema().message
    assert "id has 5 values that are no whole number (b.csv:3, b.csv:4, b.csv:5)" in said
    assert "amount has 5 values that are no number" in said


def test_no_cell_stands_in_what_is_said_of_a_misfit_or_a_torn_line(landing):
    assert "secret" not in landing({"a.csv": HEAD + "secret,a,1,\n"}).schema().message
    assert "secret" not in refused(landing({"a.csv": HEAD + "1,a,2,\n1,secret\n"})).message


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (HEAD.encode() + b"1,a,2,\n2,b", 3),
        (HEAD.encode() + b'1,a,2,\n2,"b', 3),
        (HEAD.encode() + b"1,a,2,\n2,b,3,,9,9\n", 3),
        (HEAD.encode() + b"1,a,2,\n2,M\xfcller,3,\n", 3),
        (HEAD.encode() + b"1,a,2,\n2,b,3,2026-11-01\r\n", 3),
        (HEAD.encode() + b"1,a,2,\n" + b"\0" * 50, 3),
        (HEAD.replace(",", ";").encode() + b"1;a;2;\n", 1),
        (HEAD.encode() + b"1;a;2;\n", 2),
        (HEAD.encode("utf-16"), 1),
        (b"id,name,id,day\n1,a,2,\n", 1),
        (b"id,na\0me,amount,day\n1,a,2,\n", 1),
    ],
)
def test_a_torn_line_a_wrong_delimiter_and_a_wrong_encoding_are_errors_that_name_file_and_line(landing, content, line):
    one = landing({"good.csv": HEAD + "1,a,2,\n", "sub dir/bad.csv": content}, "**/*.csv")
    found = one.catalog()
    error = found if isinstance(found, Unknown) else refused(one)
    assert error.cause == "query"
    assert error.message.startswith(f"sub dir/bad.csv:{line}"), error.message


def test_a_declared_delimiter_and_encoding_are_used(landing):
    text = "id;name;amount;day\n1;Müller;2.5;\n"
    one = landing({"a.csv": text.encode("latin-1")}, form=FileForm("csv", ";", "ISO-8859-1"))
    assert one.catalog().exists
    assert one.rows("SELECT name FROM pay") == [("Müller",)]
    assert one.schema().status == "pass"


def test_a_comma_file_is_refused_where_another_delimiter_is_declared(landing):
    found = landing({"a.csv": HEAD + "1,a,2,\n"}, form=FileForm("csv", ";", None)).catalog()
    assert (found.cause, found.message.partition(":")[0]) == ("query", "a.csv")


def test_without_declared_columns_one_column_that_holds_semicolons_is_no_column(landing):
    assert isinstance(landing({"a.csv": "id;name\n1;2\n"}, columns=()).catalog(), Unknown)


def test_an_encoding_that_is_not_read_is_unsupported_by_name(landing):
    found = landing({"a.csv": HEAD}, form=FileForm("csv", None, "cp1252")).catalog()
    assert (found.cause, "cp1252" in found.message) == ("unsupported", True)


@pytest.mark.parametrize("lead", ["\ufeff", "\n\n"])
def test_a_byte_order_mark_crlf_and_empty_lines_are_no_data(landing, lead):
    one = landing({"a.csv": (lead + HEAD + "1,a,2,\n\n2,b,x,\n").replace("\n", "\r\n")})
    assert f"(a.csv:{4 + len(lead.strip(chr(0xFEFF)))})" in one.schema().message
    assert one.rows("SELECT count(*), min(id) FROM pay") == [(2, 1)]


def test_an_empty_file_has_no_rows_and_no_known_columns(landing):
    one = landing({"a.csv": b""})
    finding = one.schema()
    assert (finding.status, finding.cause) == ("error", "no_data")
    assert "a.csv is empty" in finding.message
    assert one.rows("SELECT count(*), count(id) FROM pay") == [(0, 0)]


def test_an_empty_file_beside_others_is_a_difference(landing):
    finding = landing({"a.csv": b"", "b.csv": HEAD + "1,a,2,\n"}).schema()
    assert (finding.status, "a.csv" in finding.message) == ("fail", True)


def test_a_header_alone_is_a_table_without_rows(landing):
    one = landing({"a.csv": HEAD.strip()})
    assert one.schema().status == "pass"
    assert one.rows("SELECT count(*) FROM pay") == [(0,)]


def test_a_last_line_without_an_end_is_said(landing):
    one = landing({"a.csv": HEAD + "1,a,2,", "b.csv": HEAD + "1,a,2,\n"})
    assert one.schema().status == "pass"
    assert [note for note in one.catalog().parts.notes if "a.csv" in note and "b.csv" not in note]


def test_files_that_differ_are_named(landing):
    files = {"a.csv": HEAD + "1,a,2,\n", "b.csv": "name,id,day,extra\na,1,,9\n"}
    finding = landing(files).schema()
    assert finding.status == "fail"
    assert "amount is missing in b.csv" in finding.message
    assert "extra is only in b.csv" in finding.message


def test_an_undeclared_column_of_one_file_warns(landing):
    finding = landing({"a.csv": HEAD + "1,a,2,\n", "b.csv": HEAD.strip() + ",extra\n1,a,2,,9\n"}).schema()
    assert (finding.status, finding.message) == ("warn", "extra is only in b.csv")


def test_parquet_files_that_differ_are_named_and_their_values_still_read(landing):
    files = {
        "a.parquet": parquet("SELECT 1 AS id, 'a' AS name, 2.5 AS amount, DATE '2026-11-01' AS day"),
        "b.parquet": parquet("SELECT 2 AS id, 'a' AS name, 'x' AS amount, DATE '2026-11-01' AS day"),
        "c.parquet": parquet("SELECT 3::BIGINT AS id, 'a' AS name, 1.5::DOUBLE AS amount"),
    }
    one = landing(files, "*.parquet")
    said = one.schema().message
    assert "amount is VARCHAR, declared number in b.parquet" in said
    assert "day is missing in c.parquet" in said
    assert "id" not in said.split("; ")  # any width of integer is an integer
    assert one.rows("SELECT sum(id), sum(amount), count(amount) FROM pay") == [(6, 4.0, 2)]


@pytest.mark.parametrize("name", ["trunc.parquet", "text.parquet", "zero.parquet"])
def test_what_is_no_whole_parquet_file_is_an_error_that_names_it(landing, name):
    def torn(file):
        parquet("SELECT 1 AS id FROM range(1000)")(file)
        whole = file.read_bytes()
        file.write_bytes({"trunc": whole[:-9], "text": b"no parquet " * 50, "zero": b""}[file.stem])

    good = parquet("SELECT 1 AS id")
    found = landing({"a.parquet": good, name: torn}, "*.parquet").catalog()
    assert (found.cause, found.message.split()[0]) == ("query", name)


def with_statistics(*wanted):
    def write(file):
        table = pa.table({"id": pa.array([7, 3], pa.int64()), "amount": pa.array([2**63, 1], pa.uint64())})
        pq.write_table(table, file, write_statistics=list(wanted))

    return write


def within(one, column="id"):
    return one.catalog().column(column).within


def test_the_bounds_of_whole_numbers_are_told_by_the_footers_of_all_parquet_files(landing):
    row = "1 AS amount, 'a' AS name, DATE '2026-01-01' AS day"
    one = landing({"a.parquet": parquet(f"SELECT i AS id, {row} FROM range(200000) t(i)"),
                   "b.parquet": parquet(f"SELECT -5::INTEGER AS id, {row}"),
                   "c.parquet": parquet(f"SELECT NULL::BIGINT AS id, {row}")}, "*.parquet")  # fmt: skip
    assert within(one) == (-5, 199999)


def test_bounds_that_some_footer_does_not_tell_are_not_told(landing):
    assert within(landing({"told/a.parquet": with_statistics("id", "amount")}, "told/*")) == (3, 7)
    assert within(landing({"amount/a.parquet": with_statistics("id", "amount")}, "amount/*"), "amount") is None
    assert within(landing({"untold/a.parquet": with_statistics("amount")}, "untold/*")) is None
    both = {"both/a.parquet": with_statistics("id"), "both/b.parquet": with_statistics("amount")}
    assert within(landing(both, "both/*")) is None
    texts = {"texts/a.parquet": with_statistics("id"), "texts/b.parquet": parquet("SELECT '9' AS id, 1 AS amount")}
    assert within(landing(texts, "texts/*")) is None


def test_a_column_without_nulls_in_any_footer_of_files_that_are_alike_is_never_null(landing):
    rest = "2.5::DOUBLE AS amount, DATE '2026-01-01' AS day"
    whole = parquet(f"SELECT i AS id, CASE WHEN i >= 0 THEN 'a' END AS name, {rest} FROM range(200000) t(i)")
    holed = parquet(f"SELECT i AS id, CASE WHEN i <> 150000 THEN 'a' END AS name, {rest} FROM range(200000) t(i)")
    other = parquet(f"SELECT i AS id, {rest} FROM range(9) t(i)")
    none = parquet(f"SELECT i AS id, CASE WHEN i >= 0 THEN 'a' END AS name, {rest} FROM range(0) t(i)")

    def never(files, pattern):
        one = landing(files, pattern)
        found = one.catalog().never_null
        columns = [fact.name for fact in one.catalog().columns]
        nulls = one.rows(f"SELECT {', '.join(f'count(*) - count({name})' for name in columns)} FROM pay")[0]
        # whatever is said to be never NULL is not
        assert [name for name, many in zip(columns, nulls, strict=True) if many and name in found] == []
        return found

    assert never({"a/a.parquet": whole, "a/b.parquet": whole, "a/c.parquet": none}, "a/*") >= {"id", "name", "amount"}
    assert "name" not in never({"b/a.parquet": whole, "b/b.parquet": holed}, "b/*")
    assert never({"b2/a.parquet": whole, "b2/b.parquet": holed}, "b2/*") >= {"id", "amount"}
    assert never({"c/a.parquet": whole, "c/b.parquet": other}, "c/*") == set()
    assert "id" not in never({"d/a.parquet": with_statistics("amount")}, "d/*")
    # DuckDB calls the second of these id_1, and the third, which holds no NULL, by yet another name
    case = pa.table({"ID": pa.array([1, 2]), "id": pa.array([None, 4]), "id_1": pa.array([5, 6])})
    assert "id_1" not in never({"f/a.parquet": lambda file: pq.write_table(case, file)}, "f/*")
    # by the folder's name it is NULL
    assert "name" not in never({"e/name=__HIVE_DEFAULT_PARTITION__/a.parquet": whole}, "e/*/*")


def test_parquet_without_row_groups_has_no_rows(landing):
    select = "SELECT 1 AS id, 'a' AS name, 2.5 AS amount, DATE '2026-11-01' AS day WHERE false"
    one = landing({"a.parquet": parquet(select)}, "*.parquet")
    assert one.schema().status == "pass"
    assert one.rows("SELECT count(*) FROM pay") == [(0,)]


def test_json_lines_are_read_by_kind(landing):
    lines = '{"id": 1, "name": "a", "amount": 2.5, "day": "2026-11-01"}\n{"id": 2, "name": null, "amount": 3}\n'
    one = landing({"a.jsonl": lines}, "*.jsonl")
    assert one.schema().status == "pass"
    assert one.rows("SELECT sum(id), sum(amount), count(name), count(day) FROM pay") == [(3, 5.5, 1, 1)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", '"7"'),
        ("id", "1.5"),
        ("amount", '"2"'),
        ("name", "7"),
        ("day", "20261101"),
        ("day", '"soon"'),
        ("id", "true"),
    ],
)
def test_a_json_value_of_another_kind_is_a_violation_with_its_line(landing, key, value):
    row = {"id": "1", "name": '"a"', "amount": "2", "day": '"2026-11-01"'}
    text = "".join("{" + ", ".join(f'"{k}": {v}' for k, v in r.items()) + "}\n" for r in (row, {**row, key: value}))
    finding = landing({"a.jsonl": text}, "*.jsonl").schema()
    assert finding.status == "fail"
    assert finding.message.startswith(f"{key} has 1 value")
    assert "(a.jsonl:2)" in finding.message


def test_torn_json_is_an_error_that_names_file_and_line(landing):
    good = '{"id": 1, "name": "a", "amount": 2, "day": null}\n'
    found = landing({"a.jsonl": good, "b.jsonl": good * 3 + '{"id": 2, "na'}, "*.jsonl").catalog()
    assert (found.cause, found.message.split()[0]) == ("query", "b.jsonl:4")


@pytest.mark.parametrize("line", ['{"id": 1, "id": 2, "name": "a"}', "17", '"a"', "[1]"])
def test_a_line_that_is_no_json_object_or_has_a_key_twice_is_named(landing, line):
    good = '{"id": 1, "name": "a", "amount": 2, "day": null}\n'
    one = landing({"a.jsonl": good * 3 + line + "\n" + good}, "*.jsonl")
    found = one.catalog()
    error = found if isinstance(found, Unknown) else refused(one)
    assert (error.cause, error.message.split()[0]) == ("query", "a.jsonl:4")


@pytest.mark.parametrize("name", ["a[1].csv", "a *.csv", "wh?t.csv", 'it\'s "so".csv', "d[ir]/a.csv"])
def test_signs_of_a_pattern_in_a_file_s_name_are_only_themselves(landing, name):
    one = landing({name: HEAD + "1,a,2,\n", "other.csv": HEAD + "x,y\n"}, name)
    assert one.schema().status == "pass"
    assert one.rows("SELECT sum(id) FROM pay") == [(1,)]


@pytest.mark.parametrize(
    ("name", "pack"), [("a.csv.bz2", bz2.compress), ("a.csv.xz", lzma.compress), ("a.xlsx", zipped)]
)
def test_what_is_packed_in_another_way_is_unsupported_by_name(landing, name, pack):
    found = landing({name: pack((HEAD + "1,a,2,\n").encode())}, name).catalog()
    assert (found.cause, found.message.startswith(f"{name} is ")) == ("unsupported", True)


def test_a_json_list_is_unsupported_by_name(landing):
    assert landing({"a.json": "[\n{}]"}, "*.json").catalog().cause == "unsupported"


def test_compressed_files_are_read_and_their_misfits_placed(landing):
    text = HEAD + "1,a,2,\nx,a,2,\n"
    one = landing({"a.csv.gz": gzip.compress(text.encode())}, "*.gz")
    assert "(a.csv.gz:3)" in one.schema().message


def test_a_cut_off_gzip_file_is_an_error_that_names_it(landing):
    whole = gzip.compress((HEAD + "".join(f"{n},a,{n * 7919 % 1000},\n" for n in range(9000))).encode())
    one = landing({"a.csv.gz": whole[: len(whole) // 2]}, "*.gz")
    found = one.catalog()
    error = found if isinstance(found, Unknown) else refused(one)
    assert (error.cause, error.message.startswith("a.csv.gz:")) == ("query", True)


def test_zstd_files_are_read(landing):
    def write(file):
        with duckdb.connect() as connection:
            select = "SELECT 1 AS id, 'a' AS name, 2 AS amount, NULL AS day"
            connection.execute(f"COPY ({select}) TO '{file}' (FORMAT csv, HEADER, COMPRESSION zstd)")

    one = landing({"a.csv.zst": write}, "*.zst")
    assert one.schema().status == "pass"
    assert one.rows("SELECT sum(id) FROM pay") == [(1,)]


def test_folders_named_by_their_values_are_columns(landing):
    columns = {"year": "integer", "country": "string", **COLUMNS}
    files = {
        "year=2025/country=DE/a.csv": HEAD + "1,a,2,\n",
        "year=2026/country=__HIVE_DEFAULT_PARTITION__/b.csv": HEAD + "2,a,2,\n",
    }
    one = landing(files, "**/*.csv", columns=declared(columns))
    assert one.schema().status == "pass"
    assert one.rows("SELECT year, country FROM pay ORDER BY year") == [(2025, "DE"), (2026, None)]


def test_a_folder_is_all_files_below_it_but_bookkeeping(landing):
    files = {"pay/x=1/a.csv": HEAD + "1,a,2,\n", "pay/_SUCCESS": "", "pay/_temporary/b.csv": "torn", "pay/.c.csv": ""}
    one = landing(files, "pay")
    assert one.catalog().exists
    assert one.rows("SELECT count(*) FROM pay") == [(1,)]


def test_a_pattern_that_matches_nothing_is_a_missing_table(landing):
    finding = landing({}, "none/*.csv").schema()
    assert (finding.status, finding.message) == ("fail", "there is no table pay: no file matches none/*.csv")


def test_a_link_is_followed_and_a_link_to_nothing_is_an_error(landing, tmp_path):
    (tmp_path / "real.txt").write_text(HEAD + "1,a,2,\n")
    (tmp_path / "a.csv").symlink_to(tmp_path / "real.txt")
    one = landing({})
    assert one.catalog().exists
    assert one.rows("SELECT count(*) FROM pay") == [(1,)]
    (tmp_path / "b.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(EngineError) as caught:
        landing({})
    assert "b.csv is a link" in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_permission(landing, tmp_path):
    one = landing({"a.csv": HEAD})
    (tmp_path / "a.csv").chmod(0)
    assert one.catalog().cause == "permission"


def test_a_file_that_vanishes_or_changes_is_no_pass(landing, tmp_path):
    one = landing({"a.csv": HEAD + "1,a,2,\n", "b.csv": HEAD + "1,a,2,\n"})
    assert one.catalog().exists
    with open(tmp_path / "b.csv", "a") as stream:
        stream.write("2,b,2,\n")
    assert (refused(one).cause, refused(one).message) == ("changed_during_run", "b.csv changed while it was read")
    (tmp_path / "b.csv").unlink()
    assert (refused(one).cause, refused(one).message) == ("changed_during_run", "b.csv vanished while it was read")


TWO = [
    ContractTable(name="pay", table=T, columns=declared({"id": "integer"})),
    ContractTable(name="pay_eu", table=Table("landing", ("pay_eu",)), columns=declared({"id": "integer"})),
]


@pytest.mark.parametrize(
    ("files", "pattern"),
    [
        (("pay-2026.csv", "pay_eu.csv"), "*.csv"),
        (("pay/1.csv", "pay_eu/1.csv"), "*/*.csv"),
        (("pay.csv", "pay_eu.csv"), "{table}.csv"),
        (("PAY_2026-11-01.csv", "Pay_EU.2.csv"), "*"),
    ],
)
def test_several_tables_are_told_apart_by_the_names_of_files_and_folders(landing, files, pattern):
    one = landing({files[0]: "id\n1\n", files[1]: "id\n2\n3\n"}, pattern, tables=TWO)
    assert one.catalog().exists
    assert one.catalog(TWO[1].table).exists
    assert one.rows("SELECT (SELECT count(*) FROM pay), (SELECT count(*) FROM pay_eu)") == [(1, 2)]


def test_a_file_that_could_be_any_table_is_an_error_with_its_place(landing):
    found = landing({"pay.csv": "id\n1\n", "other.csv": "id\n1\n"}, tables=TWO).catalog()
    assert found.message.startswith(
        "gatekeeper.yaml:7: other.csv belongs by its name to none of the tables pay, pay_eu"
    )


def test_a_table_in_a_schema_and_a_catalog_is_asked_by_its_whole_name(landing):
    table = Table("landing", ("shop", "raw", "pay"))
    one = landing(
        {"a.csv": "id\n1\n"}, tables=[ContractTable(name="pay", table=table, columns=declared({"id": "integer"}))]
    )
    assert one.catalog(table).exists
    assert one.rows("SELECT id FROM shop.raw.pay") == [(1,)]


def test_times_without_a_zone_are_in_the_connections_and_offsets_hold(landing):
    one = landing(
        {"a.csv": "at\n2026-07-01 10:00\n2026-07-01T10:00:00+02:00\n2026-07-01T08:00:00Z\n"},
        columns=declared({"at": "timestamp"}), timezone="Europe/Berlin",
    )  # fmt: skip
    assert one.catalog().exists
    assert one.rows('SELECT DISTINCT CAST("at" AS VARCHAR) FROM pay') == [("2026-07-01 08:00:00+00",)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM '/etc/hostname'", "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('{folder}/../secret.csv')", "SELECT * FROM read_csv('{folder}/other.txt')",
        "COPY (SELECT 1) TO '{folder}/a.csv'", "ATTACH '{folder}/x.duckdb'", "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/hostname']", "INSTALL httpfs", "CREATE VIEW v AS SELECT 1", "DROP VIEW pay",
        "SELECT * FROM read_blob('{folder}/link.txt')",
    ],
)  # fmt: skip
def test_custom_sql_finds_no_way_out_of_the_files(landing, tmp_path, sql):
    (tmp_path / "other.txt").write_text("secret")
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    one = landing({"a.csv": HEAD + "1,a,2,\n"})
    assert one.catalog().exists
    refused(one, sql.format(folder=tmp_path))
    assert (tmp_path / "a.csv").read_text() == HEAD + "1,a,2,\n"


def test_what_is_spilled_to_the_disk_is_taken_away(landing):
    one = landing({"a.csv": HEAD + "1,a,2,\n"})
    folder = Path(one.engine._spill)
    one.engine.close()
    assert not folder.exists()


def test_two_thousand_columns_are_read_in_parts(landing):
    names = [f"c{number}" for number in range(2000)]
    row = ",".join(["1"] * 1999)
    one = landing(
        {"a.csv": f"{','.join(names)}\n{row},1\n{row},x\n"}, columns=declared(dict.fromkeys(names, "integer"))
    )
    finding = one.schema()
    assert finding.message == "c1999 has 1 value that is no whole number (a.csv:3)"


def test_two_contracts_may_describe_one_table(landing):
    twice = [TWO[0], ContractTable(name="again", table=T, columns=declared({"id": "integer"}))]
    assert landing({"anything.csv": "id\n1\n"}, tables=twice).catalog().exists


def test_what_may_be_cells_of_a_file_without_a_header_is_not_shown(landing):
    files = {"a.csv": HEAD + "1,a,2,\n", "b.csv": "7,anna@example.com,3,2026-11-01\n"}
    finding = landing(files).schema()
    assert (finding.status, "b.csv" in finding.message) == ("fail", True)
    assert "anna" not in finding.message
