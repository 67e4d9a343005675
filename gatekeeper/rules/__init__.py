"""The kinds of rules, one file each. A kind never imports another.

`RULES` holds those that can be written in a file; the others are derived from what the standard or an
output declares.
"""

from __future__ import annotations

from gatekeeper.model.rule import Rule
from gatekeeper.registry import Registry

RULES: Registry[type[Rule]] = Registry("rule", "gatekeeper.rules", __path__)
