"""dbt models rendered without dbt: every reference is found, and nothing that stands for something unknown is a table."""

from __future__ import annotations

import pytest
from dbt_folder import branches, file, folder, main, project, reads, sources


def test_refs_and_sources_are_the_relations_that_dbt_would_build(tmp_path):
    dbt = project(
        tmp_path,
        stg="{{ config(alias='orders_clean', schema='staging') }} select * from {{ source('raw', 'orders') }}",
        m="with o as (\n  select * from {{ ref('stg') }}\n)\nselect * from o join other.fx on true",
    )
    assert reads(dbt, "stg.sql") == {"wh.raw.orders"}
    assert main(dbt, "stg.sql").writes == {"wh.base_staging.orders_clean"}
    assert reads(dbt) == {"wh.base_staging.orders_clean", "wh.other.fx"}
    places = {str(use.name): (use.line, use.column) for use in main(dbt).read_uses}
    assert places == {"wh.base_staging.orders_clean": (2, 20), "wh.other.fx": (4, 22)}
    assert sources(dbt, "base", "m") == {"wh.raw.orders", "wh.other.fx"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("{% for t in ['a', 'b'] %}select * from {{ ref(t) }} {{ 'union all' if not loop.last }} {% endfor %}", "a b"),
        ("{% for k, v in var('names').items() %}select * from {{ ref(v) }}{{ ' union all ' if not loop.last }}"
         "{% endfor %}", "a b"),
        ("select * from {{ both('a') }} join {{ ref('b') }} on true", "a b"),
        ("{{ pick(ref('a')) }}", "a"),
        ("{% set r = ref('a') %}select '{{ r.identifier }}' as x, '{{ r.schema }}' as s from {{ r }}", "a"),
        ("-- depends_on: {{ ref('b') }}\nselect * from {{ ref('a') }}", "a b"),
        ("select * from {% call wrapped() %}select * from {{ ref('a') }}{% endcall %} q", "a"),
        ("{% set q %}select 1 from {{ ref('b') }}{% endset %}{% set found = run_query(q).columns[0].values() %}"
         "select {% for v in found %}'{{ v }}' as x{% endfor %} from {{ ref('a') }}", "a b"),
        ("{{ dbt_utils.union_relations(relations=[ref('a'), ref('b')]) }}", "a b"),
        ("select {{ dbt_utils.star(from=ref('a'), except=['x']) }} from {{ ref('a') }}", "a"),
        ("select {{ dbt_utils.pivot('c', dbt_utils.get_column_values(ref('b'), 'c')) }} from {{ ref('a') }}", "a b"),
        ("with s as ({{ dbt_utils.date_spine('day', \"cast('2020-01-01' as date)\", 'current_date') }}) "
         "select * from s join {{ ref('a') }} on true", "a"),
        ("select {{ dbt_utils.generate_surrogate_key(['x', 'y']) }} from {{ ref('a') }}", "a"),
        ("select {{ dbt.dateadd('day', 1, 'x') }}, cast(y as {{ dbt.type_string() }}) from {{ ref('a') }}", "a"),
        ("{{ audit_helper.compare_relations(a_relation=ref('a'), b_relation=ref('b')) }}", "a b"),
        ("{{ config(post_hook=\"insert into log.x select 1 from {{ ref('b') }}\") }}select * from {{ ref('a') }}",
         "a b"),
        ("select * from {{ ref('a') }} {# {{ ref('b') }} #} {% raw %}where '{{ ref(\"b\") }}' = ''{% endraw %}", "a"),
        ("{% for c in adapter.get_columns_in_relation(ref('b')) %}{% set n = c.name %}{% endfor %}"
         "select * from {{ ref('shop', 'a') }}", "a b"),
        ("select * from {{ context['ref']('a') }} where 1 = {{ modules.datetime.date(2020, 1, 1).year }}", "a"),
    ],
)  # fmt: skip
def test_a_reference_is_found_however_it_is_reached(tmp_path, sql, expected):
    macros = (
        "{% macro both(n) %}{{ return(ref(n)) }}{% endmacro %}"
        "{% macro pick(r) %}{{ return(adapter.dispatch('pick')(r)) }}{% endmacro %}"
        "{% macro default__pick(r) %}select * from elsewhere.x{% endmacro %}"
        "{% macro postgres__pick(r) %}select * from {{ r }}{% endmacro %}"
        "{% macro wrapped() %}({{ caller() }}){% endmacro %}"
    )
    dbt = folder(tmp_path, {
        "dbt_project.yml": "name: shop\nprofile: shop\nvars: {names: {x: a, y: b}}\n",
        "models/a.sql": "select 1 as x", "models/b.sql": "select 2 as x", "models/m.sql": sql, "macros/all.sql": macros,
    })  # fmt: skip
    assert reads(dbt) == {f"wh.base.{name}" for name in expected.split()}
    assert main(dbt).state in ("certain", "likely")
    assert branches(dbt) == set()


@pytest.mark.parametrize(
    ("sql", "always", "sometimes"),
    [
        ("select * from {{ ref('a') }} {% if is_incremental() %} where x > (select max(x) from {{ ref('b') }}) "
         "and y > (select max(y) from {{ this }}){% endif %}", "a", "b"),
        ("{% if target.name == 'prod' %}select * from {{ ref('a') }}{% else %}select * from {{ ref('b') }}{% endif %}",
         "b", "a"),
        ("{% set live = target.name in ['prod', 'live'] %}select * from {{ ref('a' if live else 'b') }}", "b", "a"),
        ("{% if var('extra', false) %}select * from {{ ref('b') }}{% else %}select * from {{ ref('a') }}{% endif %}",
         "a", "b"),
        ("select * from {{ ref('a') }}{% if var('mode', 'x') == 'y' %} join {{ ref('b') }} using (x){% endif %}",
         "a", "b"),
        ("{% if execute %}select * from {{ ref('a') }}{% else %}select * from {{ ref('b') }}{% endif %}", "a", "b"),
        ("{% if env_var('STAGE', 'dev') == 'live' and var('extra', false) %}select * from {{ ref('b') }}"
         "{% else %}select * from {{ ref('a') }}{% endif %}", "a", "b"),
        ("select * from {{ ref('a') }}{% if false %} join {{ ref('b') }} on true{% endif %}", "a", "b"),
        ("{% set found = run_query('select 1') %}{% if found %}select * from {{ ref('a') }}{% else %}"
         "select * from {{ ref('b') }}{% endif %}", "a", "b"),
    ],
)  # fmt: skip
def test_both_sides_of_a_branch_are_read_and_the_one_not_taken_is_marked(tmp_path, sql, always, sometimes):
    dbt = project(tmp_path, a="select 1 as x", b="select 2 as x", m=sql)
    assert reads(dbt) == {f"wh.base.{always}"}
    assert branches(dbt) == {f"wh.base.{sometimes}"}
    assert main(dbt).state == "certain"


def test_a_table_in_plain_words_is_found_in_a_branch_too(tmp_path):
    sql = "{% if target.name == 'prod' %}\nselect * from live.x\n{% else %}\nselect * from test.x\n{% endif %}"
    dbt = project(tmp_path, m=sql)
    assert reads(dbt) == {"wh.test.x"}
    assert branches(dbt) == {"wh.live.x"}


def test_a_variable_that_turns_two_branches_turns_both_at_once(tmp_path):
    # the query `extra` is no table, although one branch alone would make it look like one
    sql = (
        "with o as (select * from {{ ref('a') }}) {% if var('on', true) %}, extra as (select * from {{ ref('b') }})"
        "{% endif %} select * from o {% if var('on', true) %} join extra using (x){% endif %}"
    )
    dbt = project(tmp_path, a="select 1 as x", b="select 2 as x", m=sql)
    assert (reads(dbt), branches(dbt)) == ({"wh.base.a", "wh.base.b"}, set())


def test_ephemeral_models_are_folded_into_their_readers(tmp_path):
    dbt = project(
        tmp_path,
        one="{{ config(materialized='ephemeral') }}select id from {{ source('raw', 'rates') }}",
        two="{{ config(materialized='ephemeral') }}with x as (select * from {{ ref('one') }}) select * from x",
        m="with y as (select * from {{ ref('two') }})\nselect * from y",
    )
    assert [each.name for each in dbt.files] == ["models/m.sql"]
    assert reads(dbt) == {"wh.raw.rates"}
    assert main(dbt).read_uses[0].line == 1


def test_a_macro_that_nobody_has_is_a_guess_with_its_name(tmp_path):
    dbt = project(tmp_path, a="select 1 as x", m="select * from {{ ref('a') }}\n{{ somebody.where_clause('x') }}")
    assert reads(dbt) == {"wh.base.a"}
    assert (main(dbt).state, main(dbt).reasons) == ("guess", ("unknown-macro",))
    assert "somebody.where_clause" in str(next(file(dbt, "m.sql").unread()))


def test_a_table_that_is_known_only_when_it_runs_is_no_table_and_not_silent(tmp_path):
    sql = "{% for r in dbt_utils.get_relations_by_pattern('x%', 'y') %}select * from {{ r }}{% endfor %}"
    dbt = project(tmp_path, m=sql, n="select * from {{ env_var('SCHEMA') }}.t")
    for name in ("m.sql", "n.sql"):
        assert reads(dbt, name) == set()
        assert (main(dbt, name).state, main(dbt, name).reasons) == ("guess", ("dynamic-name",))


def test_a_reference_to_nothing_is_said_and_is_no_table(tmp_path):
    dbt = project(
        tmp_path, off="{{ config(enabled=false) }}select 1", m="select * from {{ ref('gone') }}, {{ ref('off') }}"
    )
    assert reads(dbt) == set()
    assert main(dbt).reasons == ("unresolved-ref",)
    assert "no model, seed or snapshot 'gone'" in str(next(file(dbt, "m.sql").unread()))


@pytest.mark.parametrize(
    "sql",
    [
        "{% for i in range(1000000000) %}x{% endfor %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
        "{{ 'a' * 10000000000 }}",
        "{{ 9 ** 99999999 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ 'x' | center(9999999999) }}",
        "{{ 'x'.ljust(9999999999) }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{{ again() }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% include '/etc/passwd' %}",
        "{% if x %}",
        "{{ ref() }}",
        "{{ 1 / 0 }}",
        "{% unheard_of %}",
        "{{ (((" + "(" * 3000,
    ],
)
def test_a_template_that_can_not_be_rendered_keeps_its_references_and_is_a_guess(tmp_path, sql):
    dbt = folder(tmp_path, {
        "models/a.sql": "select 1 as x",
        "models/m.sql": f"select * from {{{{ ref('a') }}}}\nwhere {sql}",
        "macros/again.sql": "{% macro again() %}{{ again() }}{% endmacro %}",
    })  # fmt: skip
    assert reads(dbt) >= {"wh.base.a"}
    assert main(dbt).state == "guess"
    assert any("m.sql" in str(why) for why in file(dbt, "m.sql").unread())


def test_neither_the_environment_nor_the_profile_s_secrets_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("MINE", "secret_schema")
    dbt = project(tmp_path, m="select * from {{ env_var('MINE', 'plain') }}.t, {{ target.password }}.u")
    assert reads(dbt) == {"wh.plain.t"}
    assert "hunter2" not in str(dbt.files)
    assert "secret_schema" not in str(dbt.files)


def test_what_a_model_came_by_is_told_for_a_cache(tmp_path):
    dbt = folder(tmp_path, {
        "models/m.sql": "select {{ one() }} as x",
        "macros/m.sql": "{% macro one() %}{{ two() }}{% endmacro %}{% macro two() %}2{% endmacro %}"
                        "{% macro three() %}3{% endmacro %}",
    })  # fmt: skip
    assert dict(dbt.macros)["models/m.sql"] == (("shop", "one"), ("shop", "two"))
