"""Several tensors into one, and one into several."""

from __future__ import annotations

from dataclasses import replace

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import integer, integers, text
from resnetdsl.ops.axes import any_batched, bad_combination, dim, letter, no_such_axis, word
from resnetdsl.ops.base import Attrs, Call, Expression, Fault, Inference, Kind, Op, Param, Types
from resnetdsl.ops.onnx import TO_THE_END, Onnx


def _axis(doc: str) -> Param:
    return Param("axis", Kind.TEXT, "c", doc=doc)


def place_of(attrs: Attrs, x: TensorType) -> int | None:
    """Where the attribute `axis` stands in this type; None if it does not."""
    axis = letter(text(attrs, "axis"))
    return x.axes.index(axis) if len(axis) == 1 and axis in x.axes else None


def with_size(x: TensorType, place: int, size: int) -> TensorType:
    return replace(x, shape=(*x.shape[:place], size, *x.shape[place + 1 :]))


def with_batch(inputs: Types) -> list[str]:
    """The operands' texts; a weight is repeated for the batch where others have one."""
    batch = next((at for at, x in enumerate(inputs) if x.batched), None)
    if batch is None:
        return [f"{{{at}}}" for at in range(len(inputs))]
    return [
        f"{{{at}}}" if x.batched else f"{{{at}}}.expand({{{batch}}}.shape[0]{', -1' * len(x.axes)})"
        for at, x in enumerate(inputs)
    ]


def _listed(inputs: Types) -> str:
    """The operands between the brackets of `torch.cat`."""
    mixed = any_batched(inputs) and not all(x.batched for x in inputs)
    return ", ".join(with_batch(inputs)) if mixed else "{all}"


def _onnx_operands(inputs: Types, g: Onnx) -> tuple[str, ...]:
    """The operands; a weight is repeated for the batch where others have one."""
    batch = next((name for name, x in zip(g.operands, inputs, strict=True) if x.batched), None)
    return tuple(
        name if x.batched or batch is None else g.repeat(name, len(x.axes), batch)
        for name, x in zip(g.operands, inputs, strict=True)
    )


def _disagreement(op: str, inputs: Types, free: int | None) -> Fault | None:
    """The first operand that differs from the first in another dimension than the free one."""
    first = inputs[0]
    for other in inputs[1:]:
        if len(other.axes) != len(first.axes) or any(
            a != b and "?" not in {a, b} for a, b in zip(first.axes, other.axes, strict=True)
        ):
            return Fault("E0306", {"op": op, "wanted": first.axes, "got": other.axes or "a single number"})
        for at, (a, b) in enumerate(zip(first.shape, other.shape, strict=True)):
            if a != b and at != free:
                data = {"op": op, "left": str(first), "right": str(other), "axis": word(first.axes, at)}
                return Fault("E0302", data)
    return None


class Concat(Op):
    name = "concat"
    doc = "Tensors one after the other along an axis, the channels unless said otherwise."
    params = (_axis("The axis along which the sizes add up: c, h, w, n or ?."),)
    arity = None

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        first = inputs[0]
        at = place_of(attrs, first)
        if at is None:
            return Inference((first,), (no_such_axis(first, text(attrs, "axis"), "axis"),))
        fault = _disagreement(self.name, inputs, at)
        total = sum(x.shape[at] for x in inputs if len(x.axes) > at)
        result = replace(with_size(first, at, total), batched=any_batched(inputs))
        return Inference((result,), (fault,) if fault else ())

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        at = place_of(attrs, inputs[0]) or 0
        whole = replace(inputs[0], batched=any_batched(inputs))
        return Expression(f"torch.cat([{_listed(inputs)}], dim={dim(whole, at)})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        at = place_of(attrs, inputs[0]) or 0
        whole = replace(inputs[0], batched=any_batched(inputs))
        return g("Concat", *_onnx_operands(inputs, g), axis=dim(whole, at))


class Stack(Op):
    name = "stack"
    doc = "Tensors of one shape, stacked along a new axis `?` in front of theirs."
    arity = None

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        first = inputs[0]
        fault = _disagreement(self.name, inputs, None)
        result = TensorType((len(inputs), *first.shape), "?" + first.axes, first.stride, any_batched(inputs))
        return Inference((result,), (fault,) if fault else ())

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression(f"torch.stack([{_listed(inputs)}], dim={1 if any_batched(inputs) else 0})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        axis = 1 if any_batched(inputs) else 0
        return g("Concat", *(g.insert(each, (axis,)) for each in _onnx_operands(inputs, g)), axis=axis)


class Split(Op):
    name = "split"
    doc = "One tensor into a list of several along an axis: of given sizes, or so many equal parts."
    params = (
        Param("sizes", Kind.INTS, None, minimum=1, doc="The size of each part; they add up to the axis."),
        Param("parts", Kind.INT, None, minimum=1, maximum=100_000, doc="The number of equal parts."),
        _axis("The axis that is split: c, h, w, n or ?."),
    )
    makes_list = True

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        at = place_of(attrs, x)
        if at is None:
            return Inference(None, (no_such_axis(x, text(attrs, "axis"), "axis"),))
        if (attrs["sizes"] is None) == (attrs["parts"] is None):
            return Inference(None, (bad_combination("`split` needs either `sizes` or `parts`"),))
        faults = self._faults(attrs, x, at)
        if attrs["parts"] is not None and integer(attrs, "parts") > max(x.shape[at], 1000):
            return Inference(None, faults)  # a list of so many guesses is of no use
        return Inference(tuple(with_size(x, at, size) for size in self._sizes(attrs, x, at)), faults)

    @staticmethod
    def _faults(attrs: Attrs, x: TensorType, at: int) -> tuple[Fault, ...]:
        total = x.shape[at]
        if attrs["parts"] is not None:
            parts = integer(attrs, "parts")
            data: dict[str, object] = {"what": f"the {word(x.axes, at)} to split", "value": total, "by": parts}
            return (Fault("E0316", data, "parts"),) if total % parts else ()
        sizes = integers(attrs, "sizes")
        if sum(sizes) == total and all(size > 0 for size in sizes):
            return ()
        return (Fault("E0310", {"sizes": sizes, "total": total, "axis": word(x.axes, at)}, "sizes"),)

    @staticmethod
    def _sizes(attrs: Attrs, x: TensorType, at: int) -> tuple[int, ...]:
        """The size of each part. Where they do not add up: what was asked for, and nothing smaller than 1."""
        if attrs["parts"] is not None:
            parts = integer(attrs, "parts")
            return (max(x.shape[at] // parts, 1),) * parts
        return tuple(max(size, 1) for size in integers(attrs, "sizes"))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        (x,) = inputs
        at = place_of(attrs, x) or 0
        sizes = self._sizes(attrs, x, at)
        if len(sizes) == 1:  # One output is a tensor, not a tuple of one.
            return Expression("{0}")
        if len(set(sizes)) == 1:
            return Expression(f"torch.chunk({{0}}, {len(sizes)}, dim={dim(x, at)})")
        return Expression(f"torch.split({{0}}, {list(sizes)}, dim={dim(x, at)})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> tuple[str, ...]:
        (x,) = inputs
        at = place_of(attrs, x) or 0
        sizes = self._sizes(attrs, x, at)
        if len(sizes) == 1:
            return (g.x,)
        return g.several("Split", len(sizes), g.x, g.ints(*sizes), axis=dim(x, at))


class Slice(Op):
    name = "slice"
    doc = "A part of one axis, as in Python: from `start` up to `stop`, every `step`-th; negative counts from the end."
    params = (
        Param("start", Kind.INT, 0, doc="Where it begins."),
        Param("stop", Kind.INT, None, doc="Where it ends, itself not included; the end where it is not given."),
        Param("step", Kind.INT, 1, minimum=1, doc="2 takes every other one."),
        _axis("The axis that is cut: c, h, w, n or ?."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        at = place_of(attrs, x)
        if at is None:
            return Inference((x,), (no_such_axis(x, text(attrs, "axis"), "axis"),))
        size, step = x.shape[at], integer(attrs, "step")
        first = self._from_start(integer(attrs, "start"), size)
        end = size if attrs["stop"] is None else self._from_start(integer(attrs, "stop"), size)
        if not 0 <= first < end <= size:
            fault = Fault(
                "E0311",
                {"start": attrs["start"], "stop": size if attrs["stop"] is None else attrs["stop"], "size": size},
            )
            return Inference((x,), (fault,))
        result = with_size(x, at, (end - first + step - 1) // step)
        down, across = x.stride
        stride = (down * step if x.axes[at] == "h" else down, across * step if x.axes[at] == "w" else across)
        return Inference((replace(result, stride=stride),))

    @staticmethod
    def _from_start(index: int, size: int) -> int:
        return index + size if index < 0 else index

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        (x,) = inputs
        start, stop, step = integer(attrs, "start"), attrs["stop"], integer(attrs, "step")
        cut = f"{start or ''}:{'' if stop is None else stop}" + (f":{step}" if step != 1 else "")
        before = [":"] * dim(x, place_of(attrs, x) or 0)
        return Expression(f"{{0}}[{', '.join([*before, cut])}]")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        (x,) = inputs
        start, step = integer(attrs, "start"), integer(attrs, "step")
        stop = TO_THE_END if attrs["stop"] is None else integer(attrs, "stop")
        axis = dim(x, place_of(attrs, x) or 0)
        return g("Slice", g.x, g.ints(start), g.ints(stop), g.ints(axis), g.ints(step))


OPS = (Concat(), Stack(), Split(), Slice())
