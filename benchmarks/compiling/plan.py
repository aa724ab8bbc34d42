"""What is measured, the most telling first: when the time is over, the rest is left for the next call.

A unit runs in a process of its own. Its `seconds` are what it takes on two cores, for the decision whether it still
fits; they are no promise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Section = Literal["cold", "start", "run", "precision", "int8", "training", "memory"]
SECTIONS: tuple[Section, ...] = ("cold", "start", "run", "precision", "int8", "training", "memory")

STARTS = 7
"""Processes that each artifact is loaded in."""

BACKENDS = ("onednn", "onnxruntime", "openvino", "auto")
LIGHT = ("onnxruntime", "openvino")
FROZEN = ("torch.compile (freezing)", *LIGHT)
ALL_PEERS = ("timm eager", "torch.compile", *FROZEN)


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work. `n` is the parameter of a network that is one of many depths."""

    section: Section
    net: str
    seconds: float
    batch: int = 1
    n: int | None = None
    contestant: str = ""
    peers: tuple[str, ...] = ()
    warm: bool = False
    size: int | None = None

    @property
    def key(self) -> str:
        return "/".join(filter(None, (self.section, self.title, f"b{self.batch}", self.contestant)))

    @property
    def title(self) -> str:
        """The network's name; that of the 1001 layers with fewer of them says how many."""
        return self.net if self.n is None else f"preresnet{9 * self.n + 2}"

    def data(self) -> dict[str, object]:
        return asdict(self)


OURS = "resnetdsl onednn"

INT8 = (
    "mobilenetv2_100",
    "efficientnet_b0",
    "regnety_004",
    "convnext_atto",
    "densenet121",
    "resnetv2_50",
    "resnet18",
)
"""What int8 gains least with, and two that are plain."""

PLAN: tuple[Unit, ...] = (
    Unit("run", "resnet50", 150, 1, peers=ALL_PEERS),
    Unit("run", "resnet50", 150, 16, peers=FROZEN),
    Unit("cold", "resnet50", 20, contestant=OURS, warm=True),
    Unit("cold", "resnet50", 80, contestant="torch.compile", warm=True),
    Unit("cold", "preresnet1001", 15, n=3, contestant=OURS, warm=True),
    Unit("cold", "preresnet1001", 30, contestant=OURS, warm=True),
    Unit("start", "resnet50", 40),
    Unit("precision", "resnet50", 100),
    *(Unit("int8", net, 60) for net in INT8),
    Unit("run", "mobilenetv2_100", 80, 1, peers=FROZEN),
    Unit("run", "resnet18", 50, 1, peers=FROZEN),
    Unit("training", "resnet18", 100, 8, size=64),
    Unit("memory", "resnet50", 40, 16, size=128),
    Unit("run", "resnext50_32x4d", 80, 1, peers=FROZEN),
    Unit("run", "resnet18", 40, 16, peers=LIGHT),
    Unit("run", "mobilenetv2_100", 50, 16, peers=LIGHT),
    Unit("cold", "preresnet1001", 270, contestant="torch.compile"),
    Unit("run", "preresnet1001", 170, 1, peers=LIGHT),
    Unit("run", "resnet152", 70, 1, peers=LIGHT),
    Unit("run", "resnext50_32x4d", 70, 16, peers=LIGHT),
    Unit("run", "resnet152", 130, 16, peers=LIGHT),
    Unit("training", "resnet50", 180, 8, size=64),
    Unit("run", "preresnet1001", 200, 16, peers=LIGHT),
)

QUICK: tuple[Unit, ...] = (
    Unit("run", "resnet20", 30, 2, peers=LIGHT),
    Unit("cold", "resnet20", 30, contestant=OURS, warm=True),
    Unit("start", "resnet20", 30),
    Unit("precision", "resnet20", 30),
    Unit("int8", "resnet20", 30),
    Unit("training", "resnet20", 30, 2),
    Unit("memory", "resnet20", 20, 4),
)
"""The same machinery on a network that takes seconds: to see that it runs."""


def chosen(
    plan: tuple[Unit, ...], sections: tuple[str, ...], nets: tuple[str, ...], batches: tuple[int, ...]
) -> list[Unit]:
    """The units of these sections, networks and batch sizes; an empty choice is all."""
    return [
        unit
        for unit in plan
        if (not sections or unit.section in sections)
        and (not nets or unit.title in nets)
        and (not batches or unit.batch in batches)
    ]
