"""A dbt project in the graph: models are scripts, exposures are outputs that nobody gates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sql_project import contract, output, outputs_of, write

from gatekeeper.contracts import load_project
from gatekeeper.lineage.graph import Graph
from gatekeeper.lineage.lists import covered, undeclared, unresolved
from gatekeeper.lineage.picture import picture
from gatekeeper.lineage.project import graph_of
from gatekeeper.model.project import Project

FILES = {
    "dbt_project.yml": "name: shop\nversion: '1'\n",
    "models/schema.yml": """
version: 2
sources:
  - {name: raw, schema: raw, tables: [{name: orders}, {name: rates}]}
exposures:
  - {name: board, label: The board, type: dashboard, owner: {name: Ana}, depends_on: [ref('revenue')]}
""",
    "models/staged.sql": "select id, amount as net from {{ source('raw', 'orders') }}",
    "models/revenue.sql": "select staged.net, rates.rate\nfrom {{ ref('staged') }}\njoin {{ source('raw', 'rates') }} on true",
}


def shop(folder: Path, **more: str) -> tuple[Project, Graph]:
    raw = contract("raw", raw__orders=["id", "amount"])
    file = write(folder, [raw], [output("page", ["raw"], tables=["main.revenue"])], {})
    settings = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**settings, "sql": {"paths": [], "dialect": "duckdb"}, "dbt": {"project": "shop"}}))
    for name, text in {**FILES, **more}.items():
        (folder / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "shop" / name).write_text(text, encoding="utf-8")
    project = load_project(file)
    graph = graph_of(project)
    assert graph is not None
    return project, graph


def test_a_source_that_no_input_covers_is_found_below_the_models(tmp_path):
    project, graph = shop(tmp_path)
    page = project.outputs["page"]
    (hidden,) = undeclared(project, graph, page, covered(page))
    (read,) = hidden.reads
    assert (hidden.table, read.file, read.line) == ("raw.rates", "shop/models/revenue.sql", 3)
    assert unresolved(project, graph, page) == ()


def test_a_model_that_can_not_be_read_closes_what_it_feeds_and_nothing_else(tmp_path):
    _, graph = shop(tmp_path, **{"models/apart.sql": "{% if %} select"})
    assert [why.writes for why in graph.unread] == [(("main", "apart"),)]
    assert graph.unread_for([("main", "revenue")]) == []
    assert len(graph.unread_for([("main", "apart")])) == 1


@pytest.mark.parametrize("column", ["amount"])
def test_an_exposure_is_contaminated_like_an_output(column, tmp_path):
    project, graph = shop(tmp_path)
    assert outputs_of(project, graph, "raw.orders", column) == {"page": (), "board": ()}
    assert outputs_of(project, graph, "raw.orders", "id") == {}


def test_an_exposure_is_drawn_with_its_owner(tmp_path):
    project, graph = shop(tmp_path)
    item = picture(project, graph).items["output:board"]
    assert (item.kind, item.title, item.owner, item.file) == ("output", "The board", "Ana", "shop/models/schema.yml")
