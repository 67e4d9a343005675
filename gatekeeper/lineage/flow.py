"""What is found in a statement: what it reads and writes, and why that may not be all."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from gatekeeper.lineage.names import Name


@dataclass(slots=True)
class Flow:
    """What is found in a tree: (name, offset) of what it reads and writes; reasons that lower its state."""

    reads: list[tuple[Name, int]] = field(default_factory=list)
    writes: list[tuple[Name, int]] = field(default_factory=list)
    session: set[Name] = field(default_factory=set)
    drops: set[Name] = field(default_factory=set)
    likely: set[str] = field(default_factory=set)
    guess: set[str] = field(default_factory=set)
    dynamic: list[str] = field(default_factory=list)
    """Texts of SQL that table functions send elsewhere."""
    seen: set[int] = field(default_factory=set)
    """Where names of tables and CTEs stand, for the comparison with the scan."""

    def add(self, other: Flow) -> None:
        """Take over what another tree has."""
        self.reads += other.reads
        self.writes += other.writes
        self.session |= other.session
        self.drops |= other.drops
        self.likely |= other.likely
        self.guess |= other.guess
        self.dynamic += other.dynamic
        self.seen |= other.seen


def offset(node: exp.Expr) -> int:
    """Where the first of the name's parts stands in the text; -1 if that was lost."""
    starts = [part.meta["start"] for part in node.find_all(exp.Identifier, exp.Var) if "start" in part.meta]
    return min(starts, default=-1)
