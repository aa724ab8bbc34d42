"""Many numbers into one along some axes: mean, sum, length, extremes, variance."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, text
from resnetdsl.ops.axes import bad_combination, dim, letter, no_such_axis
from resnetdsl.ops.base import Attrs, Call, Expression, Fault, Inference, Kind, Op, Param, Types, Window
from resnetdsl.ops.onnx import ONNX_FLOAT, Onnx

_AXES = Param("axes", Kind.TEXT, "hw", doc="The letters of the axes that are reduced: `hw` for the plane of an image.")
_KEEP = Param("keep", Kind.BOOL, True, doc="Whether the axes stay, with size 1, or go.")
_UNBIASED = Param("unbiased", Kind.BOOL, False, doc="Whether to divide by one less than the number of values.")


class Reduction(Op):
    """One of torch's reductions over dimensions, and of ONNX's, which has none for the variance."""

    def __init__(self, name: str, function: str, operator: str, doc: str, *more: Param) -> None:
        self.name = name
        self.doc = doc
        self.params = (_AXES, _KEEP, *more)
        self._function = function
        self._operator = operator

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        axes = letter(text(attrs, "axes"))
        absent = next((axis for axis in axes if axis not in x.axes), None)
        if absent is not None:
            return Inference(None, (no_such_axis(x, absent, "axes"),))
        if not axes or len(set(axes)) < len(axes):
            return Inference(None, (bad_combination("`axes` must name one axis or more, each once", "axes"),))
        places = self._places(attrs, x)
        faults = self._faults(attrs, x, places)
        if flag(attrs, "keep"):
            shape = tuple(1 if at in places else size for at, size in enumerate(x.shape))
            return Inference((replace(x, shape=shape),), faults)
        left = [at for at in range(len(x.axes)) if at not in places]
        shape = tuple(x.shape[at] for at in left)
        return Inference((replace(x, shape=shape, axes="".join(x.axes[at] for at in left)),), faults)

    @staticmethod
    def _faults(attrs: Attrs, x: TensorType, places: list[int]) -> tuple[Fault, ...]:
        if attrs.get("unbiased") and prod(x.shape[at] for at in places) == 1:
            return (bad_combination("the unbiased variance of a single value does not exist", "unbiased"),)
        return ()

    @staticmethod
    def _places(attrs: Attrs, x: TensorType) -> list[int]:
        return sorted(x.axes.index(axis) for axis in letter(text(attrs, "axes")))

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return Window(None) if set(letter(text(attrs, "axes"))) & set("hwn") else Window()

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        (x,) = inputs
        dims = [dim(x, at) for at in self._places(attrs, x)]
        written = str(dims[0]) if len(dims) == 1 else f"({', '.join(map(str, dims))})"
        correction = f", correction={int(flag(attrs, 'unbiased'))}" if "unbiased" in attrs else ""
        keep = ", keepdim=True" if flag(attrs, "keep") else ""
        return Expression(f"torch.{self._function}({{0}}, dim={written}{correction}{keep})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        (x,) = inputs
        axes = g.ints(*(dim(x, at) for at in self._places(attrs, x)))
        keep = int(flag(attrs, "keep"))
        if self._operator:
            return g(self._operator, g.x, axes, keepdims=keep)
        off = g("Sub", g.x, g("ReduceMean", g.x, axes, keepdims=1))
        square = g("Mul", off, off)
        if not flag(attrs, "unbiased"):
            return g("ReduceMean", square, axes, keepdims=keep)
        count = g("Cast", g("ReduceProd", g("Gather", g.shape(g.x), axes, axis=0), keepdims=0), to=ONNX_FLOAT)
        return g("Div", g("ReduceSum", square, axes, keepdims=keep), g("Sub", count, g.number(1.0)))


OPS = (
    Reduction("reduce_mean", "mean", "ReduceMean", "The mean along some axes."),
    Reduction("reduce_sum", "sum", "ReduceSum", "The sum along some axes."),
    Reduction(
        "reduce_norm",
        "linalg.vector_norm",
        "ReduceL2",
        "The length along some axes: the root of the summed squares.",
    ),
    Reduction("reduce_max", "amax", "ReduceMax", "The greatest value along some axes."),
    Reduction("reduce_min", "amin", "ReduceMin", "The least value along some axes."),
    Reduction("reduce_var", "var", "", "The variance along some axes.", _UNBIASED),
)
