"""What is measured on a GPU, the most telling first: when the time is over, the rest is left for the next call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Section = Literal["ceilings", "run", "profile", "training"]

EAGER = "eager"
BEST_PEER = "timm, max-autotune, channels last, pure half"
OURS = "resnetdsl"
MAIN = (EAGER, BEST_PEER, OURS)
"""Those whom the targets are about."""

PEERS = (
    EAGER,
    "timm, torch.compile, autocast",
    "timm, torch.compile, channels last, pure half",
    "timm, max-autotune, channels last, autocast",
    "onnxruntime",
    OURS,
)
VARIANTS = (
    EAGER,
    OURS,
    "resnetdsl, the other mode",
    "resnetdsl, contiguous",
    "resnetdsl, nothing folded",
    "resnetdsl inductor",
)
"""Ours, with each choice taken the other way: what wins here is what should be the default."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work, in a process of its own. `seconds` are what it takes on an H100: a guess, and no promise."""

    section: Section
    batch: int
    seconds: float
    contestants: tuple[str, ...] = ()
    title: str = ""

    @property
    def key(self) -> str:
        return "/".join(filter(None, (self.section, f"b{self.batch}" if self.batch else "", self.title)))

    def data(self) -> dict[str, object]:
        return asdict(self)


def plan(batches: Sequence[int], training: int) -> tuple[Unit, ...]:
    """The units for these batch sizes, of which the least and the largest count most."""
    ends = list(dict.fromkeys((min(batches), max(batches))))
    between = [batch for batch in batches if batch not in ends]
    all_of_them = [*reversed(ends), *between]
    return (
        Unit("ceilings", 0, 30),
        *(Unit("run", batch, 240, MAIN, "main") for batch in ends),
        *(Unit("profile", batch, 60) for batch in reversed(ends)),
        Unit("training", training, 200),
        *(Unit("run", batch, 200, MAIN, "main") for batch in between),
        *(Unit("run", batch, 300, VARIANTS, "variants") for batch in all_of_them),
        *(Unit("run", batch, 400, PEERS, "peers") for batch in all_of_them),
    )
