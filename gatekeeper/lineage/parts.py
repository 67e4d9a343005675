"""The parts of a table's name, as the parser tells them."""

from __future__ import annotations

from sqlglot import exp


def table_parts(table: exp.Table) -> list[tuple[str, bool]] | None:
    """The (text, quoted) parts of a table's name; None where it has none, as table functions."""
    found: list[tuple[str, bool]] = []
    for key in ("catalog", "db", "this"):
        part = table.args.get(key)
        if part is None:
            continue
        if part == "":
            found.append(("", False))
            continue
        while isinstance(part, exp.Dot):
            left, part = part.this, part.expression
            if not isinstance(left, exp.Identifier):
                return None
            found.append((left.name, bool(left.args.get("quoted"))))
        if isinstance(part, exp.Parameter):
            found.append((f"@{part.name}", False))
        elif isinstance(part, exp.Identifier):
            mark = "##" if part.args.get("global_") else "#" if part.args.get("temporary") else ""
            quoted = bool(part.args.get("quoted"))
            # BigQuery's INFORMATION_SCHEMA.TABLES is one identifier to the parser
            names = part.name.split(".") if part.name.startswith("INFORMATION_SCHEMA.") else [part.name]
            found += [(mark + name, quoted) for name in names]
        else:
            return None
    return found or None
