"""What an op is. Everything that anyone needs to know of one is said in one place, by its class.

The front end reads `params`, `infer`, `weights` and `macs` and never imports torch; torch appears only
as text, in `call` and `initialise`. No backend asks which op it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.onnx import Onnx

Attrs = Mapping[str, Value]
Types = tuple[TensorType, ...]


class Kind(Enum):
    """What an argument may be; the elaborator converts to the Python value on the right, or complains."""

    INT = "a whole number"  # int
    FLOAT = "a number"  # float
    BOOL = "true or false"  # bool
    CHOICE = "one of a few words"  # str, one of Param.choices
    SIZE = "a whole number or a pair"  # (int, int): 3 and 3x3 are both (3, 3)
    PADDING = "a whole number, a pair, four numbers or a word"  # (top, bottom, left, right) or a str of Param.choices
    INTS = "a list of whole numbers"  # tuple[int, ...]
    TEXT = "a string"  # str
    INIT = "a number or the name of an initialisation"  # float or a str of Param.choices


REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of an op. `default` is given in the normalised form; None is allowed where it is the default."""

    name: str
    kind: Kind
    default: object = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """A leaf of the checkpoint, in torch's order. A buffer (`trainable=False`) is no parameter."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class Fault:
    """A defect of an op's operands or attributes: a code of the catalogue and what fills its words.

    `param` is the argument at fault, for the elaborator to point at its text; None points at the op.
    """

    code: str
    data: Mapping[str, object] = field(default_factory=dict)
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Inference:
    """The output types, or None where nothing sensible can be said; and what is wrong.

    With a fault, `outputs` may still hold what the user evidently meant, so that mistakes after this
    one are found in the same run.
    """

    outputs: Types | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """How far an output element sees, for receptive fields. None as kernel: the whole plane."""

    kernel: tuple[int, int] | None = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Module:
    """`nn.Conv2d(64, 128, kernel_size=3)` as data; `{helper}` names a file of ops/helpers with its class."""

    target: str
    args: tuple[Value, ...] = ()
    kwargs: tuple[tuple[str, Value], ...] = ()
    helper: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A Python expression over operands: `{0} + {1}`, `torch.cat([{all}], dim=1)`.

    `{0}`... are the operands' variables, `{all}` all of them with commas. A helper is a file of
    ops/helpers whose function the text calls. Batch and, where the op allows, height and width must not be
    written as constants: the source serves every size.
    """

    template: str
    helper: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A weight of the enclosing module itself: `self.gamma = nn.Parameter(<value>)`."""

    value: str


Call = Module | Expression | Parameter


@dataclass(frozen=True, slots=True)
class InitCall:
    """`nn.init.<function>(<module>.<weight>, **kwargs)`."""

    weight: str
    function: str
    kwargs: tuple[tuple[str, Value], ...] = ()


class Op(ABC):
    """One primitive. `arity` is its number of operands, None for any (one or more)."""

    name: str
    doc: str
    params: tuple[Param, ...] = ()
    arity: int | None = 1
    makes_list: bool = False
    """Whether its result is a list even where that has one tensor, as that of `split` with `parts = 1`."""
    wants_vector: bool = False
    """Whether a Cx1x1 image is flattened for it, as everyone writes between a global pool and a classifier."""

    @abstractmethod
    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        """Output types, strides included. Called only when every attribute has its kind and range."""

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        return ()

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        """Multiply-accumulates per sample: convolutions and matrix products only, as papers count them."""
        return 0

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return Window()

    def strides(self, attrs: Attrs) -> tuple[int, int]:
        """How many pixels apart its windows stand, each way; (1, 1) for what has none."""
        return (1, 1)

    def dilated(self, attrs: Attrs, keep: tuple[int, int], by: tuple[int, int]) -> Attrs:
        """The same layer where its stride is `keep`, a part of its own, and its input's pixels lie `by` apart.

        Its windows read the pixels that they would read of the smaller image, and what a stride has not taken stays:
        its output has a window for each pixel. Layers without windows are what they are.
        """
        return attrs

    @abstractmethod
    def call(self, attrs: Attrs, inputs: Types) -> Call:
        """How torch does it, as text and data."""

    @abstractmethod
    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str | tuple[str, ...]:
        """How ONNX does it: writes it to `g` and gives the names of the results. NotInOnnxError where it cannot."""

    def initialise(self, attrs: Attrs) -> tuple[InitCall, ...]:
        """What must be done after torch's own initialisation; empty where torch's is right."""
        return ()
