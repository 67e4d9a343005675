"""A dbt project's folder without dbt: its settings, sources, seeds, snapshots, versions, packages and Python models."""

from __future__ import annotations

import pytest
from dbt_folder import branches, file, folder, main, project, reads

from gatekeeper.lineage.dbt import read_dbt
from gatekeeper.model.project import DbtPlace


def test_settings_count_from_the_widest_to_the_nearest(tmp_path):
    dbt = folder(tmp_path, {
        "dbt_project.yml": "name: shop\nprofile: shop\nmodels:\n  shop:\n    +schema: wide\n    marts:\n      schema: mart\n"
                           "      deep: {+alias: \"{{ 'renamed' }}\"}\n",
        "models/a.sql": "select 1 as x",
        "models/marts/b.sql": "select 1 as x",
        "models/marts/deep/c.sql": "select 1 as x",
        "models/marts/deep/d.sql": "{{ config(schema='own', alias=var('none', 'nick')) }} select 1 as x",
        "models/marts/e.sql": "select 1 as x",
        "models/e.yml": "models: [{name: e, config: {schema: said, database: other}}]",
    })  # fmt: skip
    assert {each.target for each in dbt.files} == {
        ("wh", "base_wide", "a"), ("wh", "base_mart", "b"), ("wh", "base_mart", "renamed"), ("wh", "base_own", "nick"),
        ("other", "base_said", "e"),
    }  # fmt: skip


def test_the_project_s_own_names_of_schemas_count(tmp_path):
    macro = (
        "{% macro generate_schema_name(custom_schema_name, node) -%}"
        "{%- if custom_schema_name is none -%}{{ target.schema }}{%- else -%}{{ custom_schema_name | trim }}{%- endif -%}"
        "{%- endmacro %}"
    )
    dbt = folder(tmp_path, {"macros/s.sql": macro, "models/m.sql": "{{ config(schema='marts') }} select 1 as x"})
    assert file(dbt, "m.sql").target == ("wh", "marts", "m")


def test_without_a_profile_nothing_is_made_up(tmp_path):
    dbt = folder(tmp_path, {
        "profiles.yml": "other: {}\n",
        "models/a.sql": "select * from {{ source('raw', 'orders') }}",
        "models/m.sql": "{{ config(schema='marts') }} select * from {{ ref('a') }}",
    })  # fmt: skip
    assert file(dbt, "a.sql").target == ("a",)
    assert file(dbt, "m.sql").target == ("marts", "m")
    assert (reads(dbt), reads(dbt, "a.sql")) == ({"a"}, {"raw.orders"})


def test_sources_are_where_their_file_says(tmp_path):
    dbt = folder(tmp_path, {
        "dbt_project.yml": "name: shop\nprofile: shop\nvars: {raw_schema: landing}\n",
        "models/sources.yml": "sources:\n  - name: app\n    schema: \"{{ var('raw_schema') }}\"\n    database: lake\n"
                              "    tables:\n      - name: orders\n        identifier: Orders_2024\n      - name: users\n"
                              "  - name: plain\n    tables: [{name: t}]\n",
        "models/m.sql": "select * from {{ source('app', 'orders') }}, {{ source('app', 'users') }}, "
                        "{{ source('plain', 't') }}",
    })  # fmt: skip
    assert reads(dbt) == {"lake.landing.Orders_2024", "lake.landing.users", "wh.plain.t"}


def test_seeds_and_snapshots_are_built(tmp_path):
    dbt = folder(tmp_path, {
        "seeds/rates.csv": "a\n1\n",
        "snapshots/s.sql": "{% snapshot old %}\n{{ config(target_schema='past') }}\nselect * from {{ ref('rates') }}\n"
                           "{% endsnapshot %}\n{% snapshot older %}select * from {{ ref('old') }}{% endsnapshot %}",
        "snapshots/y.yml": "snapshots: [{name: oldest, relation: \"source('raw', 'late')\", config: {alias: o}}]",
        "models/m.sql": "select * from {{ ref('rates') }} join {{ ref('older') }} on true",
    })  # fmt: skip
    assert file(dbt, "rates.csv").target == ("wh", "base", "rates")
    script = file(dbt, "s.sql").script
    assert [(set(each.writes), set(each.reads)) for each in script.statements] == [
        ({"wh.past.old"}, {"wh.base.rates"}), ({"wh.base.older"}, {"wh.past.old"}),
    ]  # fmt: skip
    assert script.statements[0].read_uses[0].line == 3
    assert (file(dbt, "y.yml").target, reads(dbt, "y.yml")) == (("wh", "base", "o"), {"wh.raw.late"})
    assert reads(dbt) == {"wh.base.rates", "wh.base.older"}


def test_a_version_of_a_model_is_a_table_of_its_own(tmp_path):
    dbt = folder(tmp_path, {
        "models/v.yml": "models: [{name: d, latest_version: 2, versions: [{v: 1, defined_in: d_old}, {v: 2}, "
                        "{v: 10, config: {alias: ten}}]}]",
        "models/d_old.sql": "select 1 as x", "models/d_v2.sql": "select 2 as x", "models/d_v10.sql": "select 3 as x",
        "models/m.sql": "select * from {{ ref('d') }}, {{ ref('d', v=1) }}, {{ ref('d', version='10') }}",
    })  # fmt: skip
    assert reads(dbt) == {"wh.base.d_v1", "wh.base.d_v2", "wh.base.ten"}


def test_installed_packages_have_their_own_models_macros_and_variables(tmp_path):
    dbt = folder(tmp_path, {
        "dbt_project.yml": "name: shop\nprofile: shop\nvars: {pkg: {table: \"{{ source('raw', 'late') }}\"}}\n"
                           "models: {pkg: {+schema: packed}}\n",
        "dbt_packages/pkg/dbt_project.yml": "name: pkg\nvars: {table: none, limit: 7}\nmodels: {pkg: {+enabled: true}}",
        "dbt_packages/pkg/macros/m.sql": "{% macro pick(t) %}select * from {{ t }} limit {{ var('limit') }}{% endmacro %}",
        "dbt_packages/pkg/models/p.sql": "{{ pick(var('table')) }}",
        "models/m.sql": "{{ pkg.pick(ref('pkg', 'p')) }}",
    })  # fmt: skip
    assert (reads(dbt), reads(dbt, "p.sql")) == ({"wh.base_packed.p"}, {"wh.raw.late"})
    assert main(dbt, "p.sql").state == "certain"


def test_python_models_are_read_by_their_syntax(tmp_path):
    dbt = folder(tmp_path, {
        "models/a.sql": "select 1 as x",
        "models/p.py": "def model(dbt, session):\n    dbt.config(materialized='table', alias='py')\n"
                       "    a = dbt.ref('a')\n    b = dbt.source('raw', 'orders')\n    c = session.table('x.y')\n"
                       "    return session.sql('select * from x.z')\n",
        "models/q.py": "def model(dbt, session):\n    return dbt.ref('a' + suffix)\n",
        "models/own.py": "def model(dbt, session):\n    return session.sql(f'select max(x) from {dbt.this} join x.w')\n",
        "models/r.py": "def model(dbt session): return",
    })  # fmt: skip
    assert reads(dbt, "p.py") == {"wh.base.a", "wh.raw.orders", "x.y", "x.z"}
    assert (file(dbt, "p.py").target, main(dbt, "p.py").state) == (("wh", "base", "py"), "certain")
    assert [main(dbt, name).state for name in ("q.py", "r.py")] == ["guess", "guess"]
    assert (reads(dbt, "own.py"), main(dbt, "own.py").state) == ({"x.w"}, "certain")


def test_exposures_show_the_tables_that_they_rely_on(tmp_path):
    dbt = folder(tmp_path, {
        "models/m.sql": "select 1 as x",
        "models/x.yml": "exposures:\n  - name: board\n    label: The board\n    type: dashboard\n    owner: {email: a@b.c}\n"
                        "    depends_on:\n      - ref('m')\n      - source('raw', 'rates')\n      - ref('gone')\n",
    })  # fmt: skip
    (board,) = dbt.exposures
    assert (board.name, board.title, board.owner) == ("board", "The board", "a@b.c")
    assert board.tables == (("wh", "base", "m"), ("wh", "raw", "rates"))
    assert "no model, seed or snapshot 'gone'" in board.missing[0]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("models/bad.yml", "models:\n  - name: [\n", "models/bad.yml:3:1"),
        ("models/list.yml", "- a\n", "models/list.yml:1:1"),
        ("models/tab.yml", "models:\n\t- name: x\n", "models/tab.yml:2:1"),
        ("dbt_project.yml", "name: {\n", "dbt_project.yml:2:1"),
        ("dbt_project.yml", "", None),
        ("models/x.sql", "\x00\x01", None),
        ("models/x.sql", "", None),
        ("models/x.sql", "{{ config(materialized='ephemeral') }}select * from {{ ref('x') }}", None),
        (
            "models/sources.yml",
            "sources: [1, {tables: 3}, {name: a, tables: [2, {}]}, {name: 4}]\nmodels: {a: b}\n",
            None,
        ),
        ("macros/bad.sql", "{% macro a( %}{% endmacro %}{% macro b() %}1{% endmacro %}{% endif %}", None),
    ],
)
def test_no_file_brings_it_down_and_what_is_broken_has_its_place(tmp_path, name, text, place):
    dbt = folder(tmp_path, {"models/m.sql": "select {{ b() }} as x from {{ ref('x') }}", name: text})
    said = [str(why) for each in dbt.files for why in each.unread()]
    assert said
    if place is not None:
        assert any(each.startswith(place) for each in said)


def test_a_folder_without_a_project_says_so(tmp_path):
    (lost,) = read_dbt(tmp_path, DbtPlace(project="nowhere")).files
    assert str(next(lost.unread())).startswith("nowhere/dbt_project.yml: it can't be read")


def test_two_models_of_one_name_are_both_read(tmp_path):
    dbt = project(tmp_path, **{"a/m": "select * from one.x", "b/m": "{{ config(schema='s') }}select * from two.x"})
    assert (reads(dbt, "a/m.sql"), reads(dbt, "b/m.sql")) == ({"wh.one.x"}, {"wh.two.x"})
    assert branches(dbt, "a/m.sql") == set()
