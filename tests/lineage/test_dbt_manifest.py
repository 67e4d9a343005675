"""dbt's manifest: versions 9 to 12, compiled or not, stale, or no manifest at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from dbt_folder import branches, file, main, reads, write

from gatekeeper.lineage.dbt import Dbt, read_dbt
from gatekeeper.model.project import DbtPlace


def node(name: str, code: str, reads: list[str], compiled: str | None = None, **more: object) -> tuple[str, dict]:
    return f"model.shop.{name}", {
        "resource_type": "model", "name": name, "package_name": "shop", "database": "wh", "schema": "base",
        "alias": name, "relation_name": f'"wh"."base"."{name}"', "raw_code": code, "language": "sql",
        "original_file_path": f"models/{name}.sql", "depends_on": {"nodes": reads, "macros": []},
        "config": {"materialized": "table", "enabled": True}, **({"compiled_code": compiled} if compiled else {}),
        "checksum": {"name": "sha256", "checksum": hashlib.sha256(code.strip().encode()).hexdigest()}, **more,
    }  # fmt: skip


def source(table: str) -> tuple[str, dict]:
    return f"source.shop.raw.{table}", {
        "resource_type": "source", "name": table, "source_name": "raw", "package_name": "shop", "database": "wh",
        "schema": "raw", "identifier": table, "relation_name": f'"wh"."raw"."{table}"', "original_file_path": "models/s.yml",
    }  # fmt: skip


def manifest(version: int = 12, **more: object) -> dict:
    nodes = dict([
        node("e", "select * from {{ source('raw', 'rates') }}", ["source.shop.raw.rates"],
             'select * from "wh"."raw"."rates"', relation_name=None, config={"materialized": "ephemeral"}),
        node("a", "select * from {{ source('raw', 'orders') }}", ["source.shop.raw.orders"],
             'select * from "wh"."raw"."orders"'),
        node("m", "select *\nfrom {{ ref('a') }}\njoin {{ ref('e') }} on true\njoin other.x on true",
             ["model.shop.a", "model.shop.e"],
             'with __dbt__cte__e as (\nselect * from "wh"."raw"."rates"\n) select *\nfrom "wh"."base"."a"\n'
             'join __dbt__cte__e on true\njoin other.x on true'),
    ])  # fmt: skip
    return {
        "metadata": {"dbt_schema_version": f"https://schemas.getdbt.com/dbt/manifest/v{version}.json",
                     "adapter_type": "postgres", "project_name": "shop"},
        "nodes": nodes, "sources": dict([source("orders"), source("rates")]), "macros": {}, "disabled": {},
        "exposures": {"exposure.shop.board": {"name": "board", "type": "dashboard", "owner": {"name": "Ana"},
                                              "original_file_path": "models/x.yml",
                                              "depends_on": {"nodes": ["model.shop.m"]}}}, **more,
    }  # fmt: skip


def read(root: Path, value: object, with_files: bool = False, **changed: str) -> Dbt:
    (root / "target").mkdir(exist_ok=True)
    (root / "target/manifest.json").write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    if with_files:
        assert isinstance(value, dict)
        texts = {each["original_file_path"]: each["raw_code"] for each in value["nodes"].values()}
        write(root, texts | {"models/sources.yml": ""} | {f"models/{name}.sql": text for name, text in changed.items()})
    return read_dbt(root, DbtPlace(manifest="target/manifest.json"))


def lost(dbt: Dbt) -> str:
    (only,) = dbt.files
    return str(next(only.unread()))


@pytest.mark.parametrize("version", [9, 10, 11, 12])
def test_each_version_tells_what_every_model_reads(tmp_path, version):
    dbt = read(tmp_path, manifest(version), with_files=True)
    assert [each.name for each in dbt.files] == ["models/a.sql", "models/m.sql"]
    assert reads(dbt) == {"wh.base.a", "wh.raw.rates", "wh.other.x"}
    assert {(str(use.name), use.line) for use in main(dbt).read_uses} == {
        ("wh.base.a", 2), ("wh.raw.rates", 3), ("wh.other.x", 4),
    }  # fmt: skip
    assert main(dbt).state == "certain"
    assert dbt.exposures[0].tables == (("wh", "base", "m"),)
    assert dbt.notes == ()


@pytest.mark.parametrize("version", [7, 13])
def test_another_version_is_read_with_a_warning_if_its_shape_holds(tmp_path, version):
    dbt = read(tmp_path, manifest(version), with_files=True)
    assert reads(dbt) == {"wh.base.a", "wh.raw.rates", "wh.other.x"}
    assert [f"version {version}" in note for note in dbt.notes] == [True]


def test_a_manifest_that_was_only_parsed_is_rendered(tmp_path):
    value = manifest()
    for entry in value["nodes"].values():
        entry.pop("compiled_code")
    dbt = read(tmp_path, value, with_files=True)
    assert reads(dbt) == {"wh.base.a", "wh.raw.rates", "wh.other.x"}
    assert main(dbt).state == "certain"


def test_a_model_that_changed_is_read_from_its_file_and_said(tmp_path):
    dbt = read(tmp_path, manifest(), with_files=True, m="select * from {{ ref('a') }} join late.y using (x)")
    assert reads(dbt) == {"wh.base.a", "wh.late.y"}
    assert (main(dbt).state, main(dbt).reasons) == ("likely", ("stale-manifest",))
    assert [note.startswith("models/m.sql: the file has changed") for note in dbt.notes] == [True]
    assert main(dbt, "a.sql").state == "certain"


def test_a_model_that_changed_beyond_reading_is_a_guess(tmp_path):
    dbt = read(tmp_path, manifest(), with_files=True, m="select * from {{ ref('a') }} {% if %}")
    assert main(dbt).state == "guess"
    assert reads(dbt) == {"wh.base.a"}


def test_a_model_that_is_new_is_read_and_said(tmp_path):
    dbt = read(tmp_path, manifest(), with_files=True, fresh="select * from {{ ref('m') }}")
    assert (reads(dbt, "fresh.sql"), main(dbt, "fresh.sql").reasons) == ({"wh.base.m"}, ("stale-manifest",))
    assert main(dbt, "fresh.sql").writes == {"wh.base.fresh"}


def test_a_model_whose_file_is_gone_is_not_silent(tmp_path):
    value = manifest()
    read(tmp_path, value, with_files=True)
    (tmp_path / "models/m.sql").unlink()
    dbt = read_dbt(tmp_path, DbtPlace(manifest="target/manifest.json"))
    assert main(dbt).state == "guess"
    assert "the file is gone" in str(next(file(dbt, "m.sql").unread()))


def test_a_macro_that_changed_makes_its_models_stale(tmp_path):
    text = "{% macro pick(t) %}select * from {{ t }}{% endmacro %}"
    macro = {"name": "pick", "package_name": "shop", "macro_sql": text, "original_file_path": "macros/pick.sql",
             "depends_on": {"macros": []}}  # fmt: skip
    value = manifest(macros={"macro.shop.pick": macro})
    one = dict([node("p", "{{ pick(ref('a')) }}", ["model.shop.a"], 'select * from "wh"."base"."a"')])
    one["model.shop.p"]["depends_on"]["macros"] = ["macro.shop.pick"]
    value["nodes"] |= one
    (tmp_path / "macros").mkdir()
    (tmp_path / "macros/pick.sql").write_text(text, encoding="utf-8")
    assert main(read(tmp_path, value, with_files=True), "p.sql").reasons == ()
    (tmp_path / "macros/pick.sql").write_text(text.replace("{{ t }}", "{{ t }} join more.z on true"), encoding="utf-8")
    dbt = read(tmp_path, value, with_files=True)
    assert reads(dbt, "p.sql") == {"wh.base.a", "wh.more.z"}
    assert main(dbt, "p.sql").reasons == ("stale-manifest",)


def test_without_the_project_around_it_nobody_can_tell_whether_it_is_stale(tmp_path):
    dbt = read(tmp_path, manifest())
    assert reads(dbt) == {"wh.base.a", "wh.raw.rates", "wh.other.x"}
    assert ["whether it is stale" in note for note in dbt.notes] == [True]
    assert branches(dbt) == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"nodes": {},\n  oops}', "target/manifest.json:2:3: it is no JSON"),
        ("[]", "target/manifest.json:1:1: it holds no object"),
        ("3", "target/manifest.json:1:1: it holds no object"),
        ("{}", "target/manifest.json:1:1: it has no `nodes`"),
        ('{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json"}, "nodes": []}',
         "its schema is https://schemas.getdbt.com/dbt/catalog/v1.json"),
        ("[" * 200_000, "target/manifest.json:1:1: it is nested too deeply"),
        ("", "target/manifest.json:1:1: it is no JSON"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_says_where_and_what_to_do(tmp_path, text, said):
    message = lost(read(tmp_path, text))
    assert said in message
    assert "run `dbt compile`" in message


def test_bytes_that_are_no_text_have_a_place(tmp_path):
    (tmp_path / "m.json").write_bytes(b'{"nodes":\n "\xff"}')
    assert str(next(read_dbt(tmp_path, DbtPlace(manifest="m.json")).files[0].unread())).startswith("m.json:2:3: ")


def test_a_manifest_that_is_not_there_says_how_to_make_it(tmp_path):
    said = str(next(read_dbt(tmp_path, DbtPlace(manifest="target/manifest.json")).files[0].unread()))
    assert said.startswith("target/manifest.json: there is no such file; run `dbt compile`")


@pytest.mark.parametrize("key", ["metadata", "sources", "macros", "disabled", "exposures", "parent_map"])
def test_a_part_that_is_missing_or_broken_brings_nothing_down(tmp_path, key):
    for broken in (None, [], 3, {"x": None}, {"x": 3}, {"x": {"resource_type": "model"}}):
        value = {**manifest(), key: broken}
        assert file(read(tmp_path, value), "m.sql").script is not None
    value = manifest()
    value.pop(key, None)
    assert file(read(tmp_path, value), "m.sql").script is not None


def test_a_node_that_lacks_almost_everything_brings_nothing_down(tmp_path):
    value = manifest()
    value["nodes"] |= {"model.shop.z": {"resource_type": "model"}, "x": 3, "y": {}, "test.t": {"resource_type": "test"},
                       "model.shop.w": {"resource_type": "model", "depends_on": 3, "config": [], "fqn": 4, "columns": 1,
                                        "relation_name": 5, "raw_code": 6, "checksum": 7}}  # fmt: skip
    assert reads(read(tmp_path, value)) == {"wh.base.a", "wh.raw.rates", "wh.other.x"}
