"""The bounds that make every spec end in a moment, whatever it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NODES: Final = 200_000
"""Ops of one network. The largest networks in use have a few thousand."""

DEPTH: Final = 100
"""Blocks inside blocks; recursion over static arguments ends here."""

LIST: Final = 100_000
"""Elements of a list."""

WORK: Final = 500_000
"""Expressions evaluated for one network."""

NUMBER: Final = 2**63
"""The largest magnitude of a number; torch's sizes end here too."""

FRAMES: Final = 60_000
"""Python frames that DEPTH blocks of the deepest syntax that the parser lets through may need."""


class OverBudget(Exception):  # noqa: N818 - it ends one network's elaboration and is no error of ours
    """Raised after the fact has been reported: nothing more can be said about this network."""


@dataclass(slots=True)
class Meter:
    """What one network has used up so far."""

    work: int = 0
    depth: int = 0
