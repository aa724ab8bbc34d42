"""A diagram as data: boxes in clusters, and wires between them. What draws it knows nothing of networks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from resnetdsl.analysis.costs import Totals
from resnetdsl.emit.outline import Level
from resnetdsl.ir.graph import ScopeKind
from resnetdsl.source import Span


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
    LINK = "link"
    """A letter that stands for a tensor of another column."""


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


class Mark(Enum):
    """What became of a part between two networks."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Step:
    """One scope of a trail: what it is, its module path, the text that asked for it and the name it is defined by."""

    kind: ScopeKind
    name: str
    path: str
    call: Span | None
    definition: Span | None


@dataclass(frozen=True, slots=True)
class About:
    """What there is to know of a box or frame; numbers are one copy's.

    `path` is the module path, `copies` those of all copies that are drawn as one. `trail` leads from the network down
    to what is drawn, `span` is the spec text that made it. `bytes` is what its ops write at float32, batch of one;
    `field` the receptive field of the last op, in the last copy.
    """

    path: str
    copies: tuple[str, ...]
    trail: tuple[Step, ...]
    span: Span | None
    doc: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sums: Totals
    bytes: int
    field: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Shortcuts inside a closed box: how many of a kind there are in one copy of it."""

    kind: WireKind
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Box:
    """`title` and `details` are its lines. What is asked to be opened is called by `key`, if `opens`.

    A key is the module path where that is enough to tell two things apart, and stays the same from level to level.
    """

    id: int
    key: str
    kind: BoxKind
    tone: Tone
    title: str
    details: tuple[str, ...]
    copies: int
    cluster: int | None
    about: About
    opens: bool = False
    skips: tuple[Skip, ...] = ()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A frame around boxes and other clusters: an open part, closed again by its `key`. `style` is its scope's kind."""

    id: int
    key: str
    parent: int | None
    style: str
    title: str
    copies: int
    about: About
    mark: Mark | None = None


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
    marked: bool = False
    """Whether it is one side of a comparison: then only what is marked has a colour."""
    folded: bool = True
    """Whether equal copies are drawn once."""
