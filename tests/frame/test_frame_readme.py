"""The ingestion script that the README shows: loaded where the contract holds, stopped where it doesn't."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from junitparser import JUnitXml

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S))


def ingest(folder, *rows):
    loaded = datetime.now(timezone.utc) - timedelta(hours=1)
    lines = [f"{row},{loaded:%Y-%m-%d %H:%M:%S}" for row in rows]
    (folder / "orders.csv").write_text("\n".join(["order_id,amount,loaded_at", *lines, ""]), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "ingest.py"], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip


def test_the_readme_s_script_loads_what_holds_and_nothing_else(tmp_path):
    for name in ("contracts/orders.odcs.yaml", "outputs/revenue.yaml", "gatekeeper.yaml", "ingest.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(BLOCKS[name], encoding="utf-8")
    assert len(BLOCKS["ingest.py"].splitlines()) <= 15
    bad = ingest(tmp_path, "1,10.5", "1,20.0")
    assert (bad.returncode, (tmp_path / "orders.parquet").exists()) == (1, False), bad.stderr
    assert bad.stderr.startswith("not loaded: orders: blocked: orders#orders.order_id.unique: 2 of 2 rows share")
    red = JUnitXml.fromfile(str(tmp_path / "ingest.xml"))
    assert red.failures == 2  # the rule, and the verdict
    good = ingest(tmp_path, "1,10.5", "2,20.0")
    assert (good.returncode, good.stderr) == (0, ""), good.stderr
    assert (tmp_path / "orders.parquet").exists()
    green = JUnitXml.fromfile(str(tmp_path / "ingest.xml"))
    assert (green.failures, green.errors) == (0, 0)
    assert "orders.orders" in {case.classname for suite in green for case in suite}
