"""A diagram as data: boxes in clusters, and wires between them. What draws it knows nothing of networks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from resnetdsl.emit.outline import Level


class BoxKind(Enum):
    INPUT = "input"
    RESULT = "result"
    """The network's output or a tap."""
    PART = "part"
    """A closed stage, block or group."""
    LAYER = "layer"
    """An op, with the norm and activation that follow it where they are drawn as one."""
    MERGE = "merge"
    """The addition at the end of a residual."""


class Tone(Enum):
    """What a box does to its operand, for its colour."""

    WEIGHTED = "weighted"
    """It multiplies by weights: a convolution, a linear layer, a block with such."""
    LEARNED = "learned"
    """It has weights and is no layer of the depth: a norm, a scale."""
    RESIZING = "resizing"
    """No weights, another shape: pooling, flatten, upsampling."""
    JOINING = "joining"
    """Several operands."""
    PLAIN = "plain"


class WireKind(Enum):
    MAIN = "main"
    IDENTITY = "identity"
    """A shortcut that passes its tensor on as it is."""
    PROJECTION = "projection"
    """A shortcut that changes its tensor; the label says how."""


@dataclass(frozen=True, slots=True)
class Box:
    """`title` and `details` are its lines, `note` what more there is to know (for hovering over it)."""

    id: int
    kind: BoxKind
    tone: Tone
    title: str
    details: tuple[str, ...]
    copies: int
    cluster: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A frame around boxes and other clusters. `style` is the kind of scope it stands for."""

    id: int
    parent: int | None
    style: str
    title: str
    copies: int


@dataclass(frozen=True, slots=True)
class Wire:
    """From box to box. `shape` is given where the tensor is another than what the source box received."""

    source: int
    target: int
    kind: WireKind = WireKind.MAIN
    label: str = ""
    shape: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What to draw. Boxes and wires are in the order of the graph."""

    title: str
    doc: str
    level: Level
    boxes: tuple[Box, ...]
    clusters: tuple[Cluster, ...]
    wires: tuple[Wire, ...]
