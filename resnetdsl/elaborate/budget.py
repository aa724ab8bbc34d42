"""The bounds that make every spec end in a moment, whatever it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

NODES: Final = 200_000
"""Ops of one network. The largest networks in use have a few thousand."""

DEPTH: Final = 100
"""Blocks inside blocks; recursion over static arguments ends here."""

LIST: Final = 100_000
"""Elements of a list, those of the lists in it included."""

TEXT: Final = 10_000
"""Characters of a string."""

NESTING: Final = 1_000
"""Layers inside layers, such as sums of sums; blocks are bounded by DEPTH."""

WORK: Final = 500_000
"""Expressions evaluated for one network."""

NUMBER: Final = 2**63
"""The largest magnitude of a number; torch's sizes end here too."""

SIZE: Final = 2**31 - 1
"""The largest whole number that an op takes: torch's kernels count in 32 bits here and there."""

VALUES: Final = 2**44
"""Numbers in one tensor or weight; torch cannot even describe one of 2**63 bytes."""

FRAMES: Final = 60_000
"""Python frames that DEPTH blocks of the deepest syntax that the parser lets through may need."""


@contextmanager
def roomy() -> Iterator[None]:
    """Room for as many Python frames as the bounds above let an evaluation need."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class OverBudget(Exception):  # noqa: N818 - it ends one network's elaboration and is no error of ours
    """Raised after the fact has been reported: nothing more can be said about this network."""


@dataclass(slots=True)
class Meter:
    """What one network has used up so far."""

    work: int = 0
    depth: int = 0
    nesting: int = 0
    spent: bool = False
    """Whether the end has been reported; once is enough."""
