"""A simulated year of eight tables with incidents, ours beside the usual: `python bench/year.py [SEEDS [FIRST [DAYS]]]`.

Every morning at 06:30 in Berlin the gate is asked, by `--as-of`, about a DuckDB warehouse that has weekdays, a season
of the year, growth, holidays, heavy tails, small tables, campaigns, reloads and late facts. An incident stands in the
data for that morning, or the mornings that it lasts, and is then mended. The usual methods judge the same numbers.
Five whole years are written into docs/baselines.md. Some mornings are put to a real `gatekeeper check --as-of`, too.
"""

# ruff: noqa: E501
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import holidays
from sklearn.ensemble import IsolationForest

from gatekeeper.contracts import load_project
from gatekeeper.engines import connect
from gatekeeper.gate.run import Options, World, run, scopes

BERLIN = ZoneInfo("Europe/Berlin")
EACH_SO_OFTEN = 30
WARM = 70
# rows a day, spread of the day's noise, weekend's share, what holidays leave, null share, sigma of log(amount), window
TABLES = {
    "orders": (3000, 0.04, 0.7, 0.5, 0.03, 0.9, "event"),
    "payments": (2500, 0.05, 0.8, 0.6, 0.02, 0.8, "load"),
    "sessions": (6000, 0.06, 1.15, 1.1, 0.10, 1.1, "event"),
    "tickets": (300, 0.07, 0.3, 0.2, 0.05, 0.7, "event"),
    "shipments": (1200, 0.05, 0.15, 0.1, 0.04, 0.6, "load"),
    "refunds": (90, 0.08, 0.6, 0.6, 0.05, 0.9, "event"),
    "leads": (25, 0.10, 0.4, 0.3, 0.08, 0.8, "load"),
    "readings": (1440, 0.01, 1.0, 1.0, 0.01, 0.3, "load"),
}
KINDS = (
    "missing", "late", "partial 10 %", "partial 40 %", "doubled", "null spike", "cents, all", "cents, 15 %",
    "category new", "category gone", "orphans", "column dropped", "column retyped", "event stale", "future",
    "zone shift", "truncated", "constant", "slow drift",
)  # fmt: skip
SHARES = (("web", 45), ("app", 30), ("shop", 12), ("partner", 8), ("phone", 5))


@dataclass
class Incident:
    """What goes wrong, where and when. `due`: the last day on which it counts as caught."""

    kind: str
    table: str
    first: date
    last: date
    due: date
    passes: date
    caught: dict[str, date] = field(default_factory=dict)


def rule(severity="error", **implementation):
    return {"type": "custom", "engine": "gatekeeper", "severity": severity, "implementation": implementation}


def contract(name, window):
    """What its producer promises: keys, values and freshness, and baselines as they come."""
    seen = {"column": "event_at", "day": "yesterday"} if window == "event" else {"column": "loaded_at", "last": "1d"}
    quality = [
        {
            "id": "fresh",
            **rule(
                freshness={"column": "loaded_at", "max_age": "26h", "event": {"column": "event_at", "max_age": "30h"}}
            ),
        },
        {"id": "volume", **rule(volume={"baseline": {}, "window": seen, "arrival": False})},
        {"id": "nulls", **rule(nulls={"column": "email", "baseline": {}, "window": seen, "on_empty": "pass"})},
        {
            "id": "mean",
            **rule(aggregate={"fold": "avg", "column": "amount", "baseline": {}, "window": seen, "on_empty": "pass"}),
        },
        {"id": "channels", **rule(distribution={"column": "channel", "window": seen, "on_empty": "pass"})},
        {"id": "amounts", **rule(distribution={"column": "amount", "window": seen, "on_empty": "pass"})},
        {"id": "hours", **rule(distribution={"column": "event_at", "window": seen, "on_empty": "pass"})},
        {
            "id": "parent",
            **rule(
                references={
                    "columns": ["parent"],
                    "to": {"table": "parents", "columns": ["id"]},
                    "window": seen,
                    "on_empty": "pass",
                }
            ),
        },
    ]
    columns = [("id", "integer"), ("parent", "integer"), ("event_at", "timestamp"), ("loaded_at", "timestamp"),
               ("amount", "number"), ("channel", "string"), ("email", "string")]  # fmt: skip
    properties = [{"name": n, "logicalType": t} for n, t in columns]
    properties[0] |= {"required": True, "unique": True}
    defaults = [
        {"property": "gatekeeper", "value": {"on_empty": "pass", "window": {"column": "loaded_at", "last": "2d"}}}
    ]
    parents = {"name": "parents", "properties": [{"name": "id", "logicalType": "integer"}]}
    table = {"name": name, "properties": properties, "quality": quality, "customProperties": defaults}
    return {"apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "version": "1.0.0", "status": "active",
            "schema": [table, parents]}  # fmt: skip


class Year:
    """One simulated year on disk."""

    def __init__(self, seed, folder, days=365):
        self.random = random.Random(seed)
        self.folder, self.days = folder, days
        self.start = date(2025, 1, 6) + timedelta(days=self.random.randrange(365))
        self.file = folder / "year.duckdb"
        self.con = duckdb.connect(str(self.file))
        self.free = holidays.country_holidays("DE", years=range(2024, 2028))
        self.campaigns = {}
        for _ in range(max(1, round(5 * days / 365))):
            first, factor = self.random.randrange(days), self.random.uniform(1.15, 1.5)
            self.campaigns |= {first + n: factor for n in range(self.random.randrange(3, 8))}
        self.con.execute(f"select setseed({self.random.random()})")
        self.con.execute("create table parents as select i as id from range(1000) r(i)")
        for name in TABLES:
            self.table(name)
        self.write()
        self.con.close()

    def table(self, name):
        size, noise, weekend, holiday, nulls, sigma, _ = TABLES[name]
        phase, season = self.random.uniform(0, 365), self.random.uniform(0, 0.2)
        growth = self.random.uniform(0, 0.35)
        counts = []
        for number in range(-WARM, self.days + 1):
            day = self.start + timedelta(days=number)
            heavy = self.random.gauss(0, 1) / math.sqrt(self.random.gammavariate(2.5, 1 / 2.5))
            level = (
                size * (1 + season * math.sin(2 * math.pi * (number + phase) / 365)) * (1 + growth) ** (number / 365)
            )
            level *= math.exp(noise * heavy) * (weekend if day.weekday() >= 5 else 1 + 0.08 * math.sin(day.weekday()))
            level *= holiday if day in self.free else 1.0
            if size > 1000 and name != "readings":
                level *= self.campaigns.get(number, 1.0)
            many = round(level) if level > 200 else self.poisson(level)
            started = self.random.uniform(1.5, 4.0)
            counts.append((day, many, 1 + self.random.gauss(0, 0.01), started))
        self.con.execute("create or replace temp table counts(day date, many int, price double, started double)")
        self.con.executemany("insert into counts values (?, ?, ?, ?)", counts)
        channel = "case " + " ".join(
            f"when c < {sum(s for _, s in SHARES[: i + 1])} then '{word}'" for i, (word, _) in enumerate(SHARES)
        ) + " end"  # fmt: skip
        # the hours of a day: quiet nights, a peak in the evening
        self.con.execute(f"""
            create table {name} as
            with r as (
              select day, price, started, random() * 100 as c, random() as u, random() as v, random() as w, random() as h1,
                     random() as h2, random() as h3, random() as lost, random() as late
              from counts, range(many) t(i)
            ), e as (
              select *, day + to_seconds(cast((h1 + h2 + h3) / 3 * 86000 as bigint)) as event_at from r
            )
            select row_number() over (order by day) as id, cast(floor(w * 1000) as integer) as parent, event_at,
                   day + interval 1 day + to_seconds(cast(started * 3600 as bigint))
                     + case when late < 0.02 then to_days(1 + cast(floor(late * 100) as integer)) else interval 0 day end as loaded_at,
                   round(40 * price * exp({sigma} * sqrt(-2 * ln(1 - u)) * cos(2 * pi() * v)), 2) as amount,
                   {channel} as channel, case when lost < {nulls} then null else 'x' end as email
            from e order by loaded_at""")

    def poisson(self, mean):
        limit, many, product = math.exp(-mean / 8), 0, 1.0
        for _ in range(8):
            product = 1.0
            while (product := product * self.random.random()) > limit:
                many += 1
        return many

    def write(self):
        project = {"version": 1, "contracts": ["*.odcs.yaml"], "outputs": ["*.yaml.out"],
                   "connections": {"w": {"url": "duckdb:///year.duckdb", "timezone": "Europe/Berlin"}}}  # fmt: skip
        output = {"kind": "Output", "version": 1, "id": "board", "inputs": [{"contract": name} for name in TABLES]}
        (self.folder / "gatekeeper.yaml").write_text(json.dumps(project))
        (self.folder / "board.yaml.out").write_text(json.dumps(output))
        for name, keys in TABLES.items():
            (self.folder / f"{name}.odcs.yaml").write_text(json.dumps(contract(name, keys[-1])))

    def incidents(self):
        """Two of each kind, each on a table that shows it at all, none in the shadow of another."""
        taken, made = set(), []
        big = [name for name, keys in TABLES.items() if keys[0] >= 1000]
        for kind in [*KINDS, *KINDS][: max(4, round(37 * self.days / 365))]:
            length = 40 if kind == "slow drift" else 1
            for _ in range(2000):
                first = self.random.randrange(7, self.days - length - 2)
                span = set(range(first - 2, first + length + 2))
                if not span & taken:
                    break
            else:
                continue
            taken |= span
            table = self.random.choice(
                big if kind.startswith(("partial", "cents", "cat", "zone", "slow", "doubled", "null")) else list(TABLES)
            )
            day = self.start + timedelta(days=first)
            passes = day + timedelta(days=20 if kind == "slow drift" else 0)
            due = passes + timedelta(days=14 if kind == "slow drift" else 0)
            made.append(Incident(kind, table, day, day + timedelta(days=length - 1), due, passes))
        return sorted(made, key=lambda one: one.first)

    def inject(self, con, one, today):
        """The incident as the gate of `today` meets it."""
        t = one.table
        since = f"timestamp '{today - timedelta(days=1)}'"
        mine = f"event_at >= {since} and event_at < timestamp '{today}' and loaded_at < timestamp '{today}' + interval 1 day"
        con.execute(f"create table if not exists kept as select * from {t}")
        newest = f"(select max(id) from {t})"
        match one.kind:
            case "missing":
                con.execute(f"delete from {t} where {mine}")
            case "late":
                con.execute(f"update {t} set loaded_at = timestamp '{today}' + interval 9 hour where {mine}")
            case "partial 10 %" | "partial 40 %":
                con.execute(f"delete from {t} where {mine} and random() < {int(one.kind[8:10]) / 100}")
            case "doubled":
                # a load that ran twice: with the same keys, and once with new ones
                same = self.doubled = not getattr(self, "doubled", False)
                con.execute(
                    f"insert into {t} select id + {0 if same else newest}, * exclude (id) from {t} where {mine}"
                )
            case "null spike":
                con.execute(f"update {t} set email = null where {mine} and random() < 0.35")
            case "cents, all":
                con.execute(f"update {t} set amount = amount * 100 where {mine}")
            case "cents, 15 %":
                con.execute(f"update {t} set amount = amount * 100 where {mine} and random() < 0.15")
            case "category new":
                con.execute(f"update {t} set channel = 'kiosk' where {mine} and random() < 0.06")
            case "category gone":
                con.execute(f"update {t} set channel = 'web' where {mine} and channel = 'partner'")
            case "orphans":
                con.execute(f"update {t} set parent = 5000 where {mine} and id % 20 = 0")
            case "column dropped":
                con.execute(f"alter table {t} drop column channel")
            case "column retyped":
                con.execute(f"alter table {t} alter amount type varchar")
            case "event stale":
                con.execute(f"update {t} set event_at = event_at - interval 3 day where {mine}")
            case "future":
                con.execute(f"update {t} set event_at = event_at + interval 3 day where {mine}")
            case "zone shift":
                con.execute(f"update {t} set event_at = event_at + interval 2 hour where {mine}")
            case "truncated":
                con.execute(f"update {t} set amount = least(amount, 20) where {mine}")
            case "constant":
                con.execute(f"update {t} set amount = 1 where {mine}")
            case "slow drift":
                con.execute(
                    f"update {t} set amount = amount * {1 + 0.01 * ((today - one.first).days + 1)} where {mine}"
                )

    def mend(self, con, one):
        """The table as it was before the incident."""
        con.execute(f"drop table {one.table}; create table {one.table} as select * from kept; drop table kept")

    def reload(self, con, today):
        """Two weeks of a table are loaded anew, as they were."""
        name = self.random.choice(list(TABLES))
        con.execute(f"update {name} set loaded_at = timestamp '{today}' + interval 3 hour where event_at >= "
                         f"timestamp '{today - timedelta(days=15)}' and loaded_at < timestamp '{today}' + interval 6 hour")  # fmt: skip
        return name


MEASURES = {"rows": "count(*)", "nulls": "avg(cast(email is null as int))", "mean": "avg(amount)"}


def numbers(con, name, morning):
    """What the usual methods see of a table that morning."""
    seen = "event_at" if TABLES[name][-1] == "event" else "loaded_at"
    day = morning.replace(hour=0, minute=0) if seen == "event_at" else morning
    columns = ", ".join(MEASURES.values())
    try:
        found = con.execute(
            f"select {columns} from {name} where {seen} >= ? and {seen} < ? and loaded_at <= ?",
            [day - timedelta(days=1), day, morning],
        ).fetchone()
    except duckdb.Error:
        return {}
    return {what: value for what, value in zip(MEASURES, found, strict=True) if value is not None}


def z_scores(past, now, sigmas):
    return len(past) >= 7 and abs(now - statistics.mean(past)) > sigmas * (statistics.stdev(past) or 1e-9)


def robust(past, now, off):
    middle = statistics.median(past) if past else 0
    return len(past) >= 4 and abs(now - middle) > off * 1.4826 * (
        statistics.median(abs(v - middle) for v in past) or 1e-9
    )


def alike(past, today):
    return [value for day, value in past if day.weekday() == today.weekday()][-8:]


METHODS = {
    "z-scores, 14 days": lambda past, day, now: z_scores([v for _, v in past[-14:]], now, 3),
    "z-scores by weekday": lambda past, day, now: (
        len(alike(past, day)) >= 4
        and abs(now - statistics.mean(alike(past, day))) > 3 * (statistics.stdev(alike(past, day)) or 1e-9)
    ),
    "median, MAD by weekday": lambda past, day, now: robust(alike(past, day), now, 3),
    "the same, wide": lambda past, day, now: robust(alike(past, day), now, 8),
}
FOREST = "isolation forest, 1 %"
# a forest is grown from the days before, as soon as these are so many, and anew after every week
ENOUGH, WEEK = 28, 7
CONTRACT_ALONE = ("volume", "nulls", "mean", "channels", "amounts", "hours")


class Forests:
    """An isolation forest a table, over its rows, nulls, mean and weekday. Source: Liu, Ting, Zhou (ICDM 2008)."""

    def __init__(self):
        self.grown = {}

    def blame(self, seen, past, today):
        """The tables whose day is rarer than a hundredth of those that the forest has seen."""
        return {name for name in TABLES if all((name, what) in seen for what in MEASURES) and self.is_rare(
            name, [*(seen[name, what] for what in MEASURES), today.weekday()], past)}  # fmt: skip

    def is_rare(self, name, now, past):
        measured = [dict(past[name, what]) for what in MEASURES]
        days = [day for day in measured[0] if all(day in each for each in measured)]
        if len(days) < ENOUGH:
            return False
        forest, of = self.grown.get(name, (None, -WEEK))
        if len(days) >= of + WEEK:
            forest, of = IsolationForest(contamination=0.01, random_state=1), len(days)
            forest.fit([[*(each[day] for each in measured), day.weekday()] for day in days])
            self.grown[name] = forest, of
        return forest.predict([now])[0] < 0


def blames(method, findings, seen, past, day, forests):
    """The tables on which a method would close the gate."""
    if method == "ours":
        return {id.partition("#")[0] for id in findings}
    base = {id.partition("#")[0] for id in findings if id.partition("#")[2] not in CONTRACT_ALONE}
    if method == "contract alone":
        return base
    if method.startswith("Elementary"):
        # of the last 14 days, three deviations, on rows and nulls; a day in a thousand is ignored
        return base | {t for t, what in seen if what != "mean" and z_scores([v for _, v in past[t, what][-14:]], seen[t, what], 3)
                       and abs(seen[t, what] / (statistics.mean(v for _, v in past[t, what][-14:]) or 1) - 1) > 0.25}  # fmt: skip
    if method == FOREST:
        return base | forests.blame(seen, past, day)
    return base | {t for t, what in seen if METHODS[method](past[t, what], day, seen[t, what])}


def agrees(folder, at, report):
    """Raises: AssertionError unless the command line finds the same."""
    line = [sys.executable, "-m", "gatekeeper", "check", "--as-of", at.isoformat(), "--json", "told.json"]
    ran = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    told = json.loads((folder / "told.json").read_text())
    found = {rule["id"]: (rule["status"], rule["measured"]) for rule in told["rules"]}
    for rule in report.rules:
        status, measured = found[rule.id]
        # sums of floats depend on the order in which threads add them up
        same = measured == rule.measured or math.isclose(measured, rule.measured, rel_tol=1e-9)
        assert (status, same) == (rule.status, True), (at, rule.id, found[rule.id], rule.measured)
    assert (told["verdict"], ran.returncode) == (report.verdict, report.exit_code), (at, ran.stderr)


def simulate(seed, days, loud=False):
    """Caught, all, and false blocks of each method, and the seconds of a gate."""
    with tempfile.TemporaryDirectory() as name:
        year = Year(seed, Path(name), days)
        methods = ["contract alone", *METHODS, "Elementary's rule", FOREST, "ours"]
        incidents, past, wrong, seconds = year.incidents(), defaultdict(list), defaultdict(list), []
        reloads = set(year.random.sample(range(days), max(1, round(4 * days / 365))))
        project = load_project(year.folder / "gatekeeper.yaml")
        world = World(connect=lambda connection: connect(connection, environ={}, root=year.folder))
        forests = Forests()
        for number in range(1, days):
            today = year.start + timedelta(days=number)
            morning = datetime.combine(today, clock(6, 30))
            active = next((one for one in incidents if one.first <= today <= one.last), None)
            with duckdb.connect(str(year.file)) as con:
                if number in reloads and active is None:
                    year.reload(con, today)
                if active:
                    year.inject(con, active, today)
                seen = {(t, w): v for t in TABLES for w, v in numbers(con, t, morning).items()}
            began = time.perf_counter()
            options = Options(as_of=morning.replace(tzinfo=BERLIN))
            report = run(project, scopes(project, "check", [], "refresh"), "check", options, world)
            seconds.append(time.perf_counter() - began)
            findings = {r.id: r for r in report.rules if r.status in ("fail", "late", "error")}
            if number % EACH_SO_OFTEN == 0 or (active and active.first == today and number % 5 == 0):
                agrees(year.folder, options.as_of, report)
            for method in methods:
                blamed = blames(method, findings, seen, past, today, forests)
                if active and active.table in blamed and active.passes <= today <= active.due:
                    active.caught.setdefault(method, today)
                if not active and blamed:
                    wrong[method].append(today)
                    if loud and method == "ours":
                        for one in findings.values():
                            print(f"  {today:%a %d %b} false: {one.id} {one.status} {one.message}; {one.expected}")
            if loud and active and today in (active.first, active.due):
                mine = [f for f in findings if f.startswith(active.table)]
                print(f"  {today:%a %d %b} {active.kind} on {active.table}: {', '.join(mine) or 'NOT CAUGHT'}")
            if active and today == active.last:
                with duckdb.connect(str(year.file)) as con:
                    year.mend(con, active)
            for key, value in seen.items():
                past[key].append((today, value))
        caught = {m: sum(m in one.caught for one in incidents) for m in methods}
        missed = [f"{one.kind} on {one.table}" for one in incidents if "ours" not in one.caught]
        return {m: (caught[m], len(incidents), len(wrong[m])) for m in methods}, missed, statistics.median(seconds)


def wilson(caught, of):
    """The 95 % interval of a share. Source: Wilson, JASA 22 (1927)."""
    z, share = 1.96, caught / of
    middle, half = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return [100 * (middle + way * half) / (1 + z * z / of) for way in (-1, 1)]


def poisson(count):
    """The 95 % interval of a count. Sources: Garwood, Biometrika 28 (1936); Wilson, Hilferty, PNAS 17 (1931)."""

    def end(of, way):
        return of * (1 - 1 / (9 * of) + way * 1.96 / (3 * math.sqrt(of))) ** 3 if of else 0.0

    return end(count, -1), end(count + 1, 1)


def table(every, days):
    """Each method's line: what it caught on the first day, and how often it was wrong in a year."""
    lines = ["| method | caught on the first day, % | false blocks a year |", "|---|---|---|"]
    for method, results in every.items():
        caught, of, wrong = (sum(column) for column in zip(*results, strict=True))
        years = len(results) * days / 365
        low, high = wilson(caught, of)
        least, most = (end / years for end in poisson(wrong))
        lines.append(
            f"| {method} | {100 * caught / of:.0f} ({low:.0f} to {high:.0f}) | {wrong / years:.1f} ({least:.1f} to {most:.1f}) |"
        )
    return lines


def written(lines, of):
    """The table in docs/baselines.md, between its marks."""
    page = Path(__file__).parent.parent / "docs" / "baselines.md"
    before, mark, rest = page.read_text().partition("<!-- measured: year -->\n")
    after = rest.partition("<!-- end -->")
    page.write_text(before + mark + "\n".join([of, "", *lines]) + "\n" + "".join(after[1:]))


def main(seeds=5, first=1, days=365):
    every, lost = defaultdict(list), []
    years = range(first, first + seeds)
    with ProcessPoolExecutor() as processes:
        made = processes.map(partial(simulate, days=days, loud="-v" in sys.argv), years)
        for seed, (found, missed, seconds) in zip(years, made, strict=True):
            for method, result in found.items():
                every[method].append(result)
            caught, of, wrong = found["ours"]
            lost += missed
            print(
                f"seed {seed}: {caught} of {of} caught, {wrong} false; a gate {seconds:.2f} s; missed: {', '.join(missed) or 'none'}",
                flush=True,
            )
    lines = table(every, days)
    print("", *lines, sep="\n")
    if (seeds, days) == (5, 365):
        of = f"Seeds {first} to {first + seeds - 1}; shares with Wilson's interval, counts with Garwood's. Missed by ours: "
        written(lines, f"{of}{', '.join(sorted(lost)) or 'none'}.")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word.isdigit()))
