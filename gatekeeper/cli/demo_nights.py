"""The nights of the example: what each does to the warehouse, and how it must end."""

from __future__ import annotations

import shutil
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from gatekeeper.cli.demo_folder import DOLLARS, LABEL, Edit

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ZONE = "Europe/Berlin"
WAREHOUSE = "warehouse.duckdb"


class Night(Struct, frozen=True, kw_only=True):
    """A night: `changes` are made to the good morning's warehouse, `edits` to the files while it is played.

    `exits`: of each gate that is asked, in order.
    """

    name: str
    title: str
    story: str
    exits: tuple[int, ...]
    verdict: str
    changes: str = ""
    edits: tuple[Edit, ...] = ()
    extracts: tuple[tuple[str, str], ...] = ()
    """Files that come before a load, with what they hold: they are checked, and the outputs are not asked."""

    @property
    def warehouse(self) -> str:
        """The database of this night, in the demo's folder."""
        return f"nights/{self.name}.duckdb" if self.changes else WAREHOUSE


_LATE_CRM = """
update crm.accounts set loaded_at = getvariable('morning') - interval '22 hours';
update crm.opportunities set loaded_at = getvariable('morning') - interval '22 hours';
"""

NIGHTS = (
    Night(
        name="1-good-night",
        title="A good night",
        story="The payment file came at 04:45, the CRM export at 05:10.",
        exits=(0, 0),
        verdict="open",
    ),
    Night(
        name="2-crm-late",
        title="The night of the story",
        story="The CRM export hasn't come; yesterday's is 22 hours old. Each source alone is fresh within its\n"
        "24 hours. Only same_day sees that revenue and pipeline would be of two days.",
        exits=(75,),
        verdict="not_ready",
        changes=_LATE_CRM,
    ),
    Night(
        name="3-labelled",
        title="The same night, the pipeline under a label",
        story="Finance has decided: better an open page that says what is old. One line of the output changes.",
        exits=(0, 0),
        verdict="open",
        changes=_LATE_CRM,
        edits=(LABEL,),
    ),
    Night(
        name="4-half-a-load",
        title="Half a load",
        story="The payment file was cut off: it came on time, with a fifth of its rows.",
        exits=(1,),
        verdict="blocked",
        changes="""
delete from psp.payments
where paid_on = (select max(paid_on) from psp.payments) and cast(right(payment_id, 8) as integer) % 5 <> 0;
""",
    ),
    Night(
        name="5-renamed-column",
        title="A renamed column",
        story="Somebody tidied up in the CRM: the field amount_eur of an opportunity is now called value_eur.",
        exits=(1,),
        verdict="blocked",
        changes="alter table crm.opportunities rename column amount_eur to value_eur;",
    ),
    Night(
        name="6-hidden-table",
        title="A table that nobody named",
        story="All data is there. But sales wants dollars, and somebody has joined a currency table into the\n"
        "pipeline's SQL: a table that no input of the dashboard declares, so nobody checks whether it is there,\n"
        "fresh or right.",
        exits=(1,),
        verdict="blocked",
        edits=DOLLARS,
    ),
    Night(
        name="7-cents",
        title="Cents for euros, before they are loaded",
        story="The day's extract of payments lies in the landing folder. The provider has changed its export: where\n"
        "people paid by PayPal or SEPA, the amounts are in cents. The same contract is asked of the files.",
        exits=(1,),
        verdict="blocked",
        extracts=(
            (
                "landing/payments.parquet",
                """select * replace (if(method in ('paypal', 'sepa'), amount_eur * 100, amount_eur) as amount_eur)
                from psp.payments where paid_on = (select max(paid_on) from psp.payments)""",
            ),
            (
                "landing/batches.parquet",
                "select * from psp.batches where business_day = (select max(business_day) from psp.batches)",
            ),
        ),
    ),
)


def last_morning(now: datetime) -> datetime:
    """The last 06:00 in Berlin that has been: no clock change falls between the loads and then."""
    zone = ZoneInfo(ZONE)
    today = now.astimezone(zone).date()
    for day in (today, today - timedelta(days=1)):
        morning = datetime.combine(day, time(6), zone)
        # aware times of one zone compare by their wall clocks, so compare in UTC
        if morning.astimezone(timezone.utc) <= now:
            break
    return morning


def build(folder: Path, morning: datetime) -> None:
    """The warehouse of each night. 0.4 s for the first; the others are copies with their changes."""
    import duckdb

    first = folder / WAREHOUSE
    for stale in (first, *(folder / "nights").glob("*.duckdb*")):
        stale.unlink(missing_ok=True)
    with duckdb.connect(str(first)) as warehouse:
        _set_morning(warehouse, morning)
        warehouse.execute(Path(__file__).with_name("demo_warehouse.sql").read_text(encoding="utf-8"))
    for night in NIGHTS:
        if night.changes:
            shutil.copyfile(first, folder / night.warehouse)
            with duckdb.connect(str(folder / night.warehouse)) as warehouse:
                _set_morning(warehouse, morning)
                warehouse.execute(night.changes)


def write_extracts(folder: Path, night: Night) -> list[str]:
    """The night's files, as a provider would send them. Their paths in the folder."""
    import duckdb

    with duckdb.connect(str(folder / WAREHOUSE), read_only=True) as warehouse:
        for name, select in night.extracts:
            (folder / name).parent.mkdir(exist_ok=True)
            place = str(folder / name).replace("'", "''")
            warehouse.execute(f"copy ({select}) to '{place}' (format parquet)")
    return [name for name, _ in night.extracts]


def run_sql(folder: Path, night: Night) -> list[str]:
    """What stands for dbt here: run the example's SQL in the night's warehouse. The files that were run."""
    import duckdb

    files = sorted((folder / "sql").glob("*.sql"))
    with duckdb.connect(str(folder / night.warehouse)) as warehouse:
        for file in files:
            warehouse.execute(file.read_text(encoding="utf-8"))
    return [file.relative_to(folder).as_posix() for file in files]


def _set_morning(warehouse: DuckDBPyConnection, morning: datetime) -> None:
    warehouse.execute("set variable morning = cast(? as timestamptz)", [morning.isoformat()])
