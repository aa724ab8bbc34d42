"""How a weight of a lowered graph comes from the checkpoint: a small expression, kept as data in the artifact.

`batch_norm` folded into `conv1` makes the lowered leaf `conv1.weight` the expression

    multiply(leaf conv1.weight, reshape(multiply(leaf bn1.weight, rsqrt(leaf bn1.running_var, 1e-05)), (64, 1, 1, 1)))

Other weights of the same network are put through the same expressions, so that an artifact takes them without being
compiled again. Everything is computed in float64 and rounded once, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from resnetdsl.compile.computed import Arguments, Kinds, arguments_of, compute, fault
from resnetdsl.ir.graph import Value

Number = int | float
Argument = Number | tuple[int, ...]
"""What a function takes beside its operands: an epsilon, a shape."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A weight of the checkpoint, by its whole name."""

    name: str


@dataclass(frozen=True, slots=True)
class Full:
    """A tensor of one value."""

    shape: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of `FUNCTIONS` on other recipes."""

    function: str
    operands: tuple[Recipe, ...] = ()
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """What an op of the language makes of other recipes: its output of that number. See `computed.py`."""

    op: str
    attrs: Arguments
    kinds: Kinds
    operands: tuple[Recipe, ...]
    output: int = 0


Recipe = Leaf | Full | Apply | Computed


def _kernel_identity(channels: int, groups: int, kernel: tuple[int, int]) -> Tensor:
    """The weight of a grouped convolution that passes its input on: a one in the middle of the right channel."""
    inside = channels // groups
    weight = torch.zeros((channels, inside, *kernel), dtype=torch.float64)
    each = torch.arange(channels)
    height, width = kernel
    weight[each, each % inside, height // 2, width // 2] = 1.0
    return weight


def _standardise(weight: Tensor, eps: float) -> Tensor:
    """Mean 0 and variance 1 for each output channel, as batch norm in training has it: the biased variance."""
    flat = weight.flatten(1)
    variance, mean = torch.var_mean(flat, dim=1, unbiased=False, keepdim=True)
    return ((flat - mean) * torch.rsqrt(variance + eps)).reshape(weight.shape)


# clamp(scale x + shift, low, high) is factor clamp(x, a, b) + shift' for the four that follow here.


def _rectified_scale(scale: Tensor) -> Tensor:
    return scale.masked_fill(_none(scale), 0.0)


def _rectified_shift(scale: Tensor, shift: Tensor, low: float, high: float = math.inf) -> Tensor:
    return torch.where(_none(scale), shift.clamp(low, high), shift)


def _rectified_low(scale: Tensor, shift: Tensor, low: float, high: float = math.inf) -> Tensor:
    return torch.minimum((low - shift) / scale, (high - shift) / scale).masked_fill(_none(scale), 0.0)


def _rectified_high(scale: Tensor, shift: Tensor, low: float, high: float = math.inf) -> Tensor:
    return torch.maximum((low - shift) / scale, (high - shift) / scale).masked_fill(_none(scale), 0.0)


def _none(scale: Tensor) -> Tensor:
    """Factors so small that the bounds would be more than float32 holds."""
    return scale.abs() < 1e-30


FUNCTIONS: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {
        "add": torch.add,
        "subtract": torch.subtract,
        "multiply": torch.multiply,
        "reciprocal": torch.reciprocal,
        "rsqrt": lambda x, eps: torch.rsqrt(x + eps),
        "reshape": lambda x, shape: x.reshape(shape),
        "sum": lambda x, dims: x.sum(dims),
        "slice": lambda x, start, stop: x[start:stop],
        "concat": lambda *parts: torch.cat(parts, dim=0),
        "pad": torch.nn.functional.pad,
        "kernel_identity": _kernel_identity,
        "standardise": _standardise,
        "rectified_scale": _rectified_scale,
        "rectified_shift": _rectified_shift,
        "rectified_low": _rectified_low,
        "rectified_high": _rectified_high,
    }
)
"""Functions of operands, then of arguments. The names are part of the artifact's format."""


def evaluate(recipe: Recipe, weights: Mapping[str, Tensor], known: dict[int, Tensor] | None = None) -> Tensor:
    """The tensor, on the CPU, in float64 where it is floating; a KeyError where a leaf is not in `weights`.

    `known` has vectors that were evaluated before, by the identity of their recipe: a norm's factor is part of several.
    """
    known = {} if known is None else known
    if (found := known.get(id(recipe))) is None:
        found = _evaluated(recipe, weights, known)
        if found.dim() == 1:
            known[id(recipe)] = found
    return found


def _evaluated(recipe: Recipe, weights: Mapping[str, Tensor], known: dict[int, Tensor]) -> Tensor:
    match recipe:
        case Leaf(name):
            found = weights[name].detach().cpu()  # where the other operands are
            return found.double() if found.is_floating_point() else found
        case Full(shape, value):
            return torch.full(shape, value, dtype=torch.float64)
        case Apply(function, operands, arguments):
            return FUNCTIONS[function](*(evaluate(each, weights, known) for each in operands), *arguments)
        case Computed(op, attrs, kinds, operands, output):
            return compute(op, attrs, kinds, output, [evaluate(each, weights, known) for each in operands])


def evaluate_all(
    recipes: Mapping[str, Recipe], weights: Mapping[str, Tensor], dtype: torch.dtype, device: torch.device
) -> dict[str, Tensor]:
    """The weights of a lowered graph, by name, contiguous; what is not floating keeps its type."""
    found: dict[str, Tensor] = {}
    known: dict[int, Tensor] = {}
    for name, recipe in recipes.items():
        match recipe:
            case Leaf(leaf):  # the common case needs no float64
                tensor = weights[leaf].detach()
            case _:
                tensor = evaluate(recipe, weights, known)
        kept = dtype if tensor.is_floating_point() else tensor.dtype
        # Always a copy: an artifact's weights are not the module's.
        found[name] = tensor.to(device=device, dtype=kept, copy=True).contiguous()
    return found


def leaves(recipe: Recipe) -> Iterator[str]:
    """The leaves of the checkpoint that it reads, with repetitions."""
    match recipe:
        case Leaf(name):
            yield name
        case Full():
            pass
        case Apply() | Computed():
            for each in recipe.operands:
                yield from leaves(each)


def length(recipe: Recipe) -> int:
    """How many leaves and functions it is written with."""
    match recipe:
        case Leaf() | Full():
            return 1
        case Apply() | Computed():
            return 1 + sum(map(length, recipe.operands))


# --- shorthands for the passes ---


def add(left: Recipe, right: Recipe) -> Recipe:
    return Apply("add", (left, right))


def subtract(left: Recipe, right: Recipe) -> Recipe:
    return Apply("subtract", (left, right))


def multiply(left: Recipe, right: Recipe) -> Recipe:
    return Apply("multiply", (left, right))


def reshape(recipe: Recipe, *shape: int) -> Recipe:
    return Apply("reshape", (recipe,), (shape,))


# --- in and out of JSON ---


def to_json(recipe: Recipe) -> object:
    """`["leaf", name]`, `["full", shape, value]`, `[function, operands, arguments]` with lists as shapes, or
    `["op", name, arguments, kinds, operands, output]`.
    """
    match recipe:
        case Leaf(name):
            return ["leaf", name]
        case Full(shape, value):
            return ["full", list(shape), value]
        case Apply(function, operands, arguments):
            plain = [list(each) if isinstance(each, tuple) else each for each in arguments]
            return [function, [to_json(each) for each in operands], plain]
        case Computed(op, attrs, kinds, operands, output):
            kinds_ = [[list(shape), axes] for shape, axes in kinds]
            return ["op", op, {name: _plain(value) for name, value in attrs}, kinds_, [*map(to_json, operands)], output]


def from_json(found: object) -> Recipe:
    """The recipe; a ValueError for anything that `to_json` does not write."""
    match found:
        case ["leaf", str(name)]:
            return Leaf(name)
        case ["full", list(shape), int() | float() as value]:
            return Full(_shape(shape), float(value))
        case [str(function), list(operands), list(arguments)] if function in FUNCTIONS:
            return Apply(function, tuple(map(from_json, operands)), tuple(map(_argument, arguments)))
        case ["op", str(op), dict(attrs), list(kinds), list(operands), int(output)] if len(kinds) == len(operands):
            made = Computed(
                op,
                arguments_of({str(name): _value(value) for name, value in attrs.items()}),
                tuple(map(_kind, kinds)),
                tuple(map(from_json, operands)),
                output,
            )
            if (why := fault(made.op, made.attrs, made.kinds, made.output)) is None:
                return made
            raise ValueError(f"a recipe that cannot be: {why}")
    raise ValueError(f"no recipe: {str(found)[:80]}")


def _argument(found: object) -> Argument:
    match found:
        case list():
            return _shape(found)
        case int() | float() if not isinstance(found, bool) and math.isfinite(found):
            return found
    raise ValueError(f"no argument of a recipe: {str(found)[:80]}")


def _shape(found: list[object]) -> tuple[int, ...]:
    if not all(type(each) is int for each in found):
        raise ValueError(f"no shape: {str(found)[:80]}")
    return tuple(each for each in found if isinstance(each, int))


def _plain(value: Value) -> object:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _value(found: object) -> Value:
    match found:
        case list():
            return tuple(map(_value, found))
        case None | bool() | int() | float() | str():
            return found
        case _:
            raise ValueError(f"no argument of an op: {str(found)[:80]}")


def _kind(found: object) -> tuple[tuple[int, ...], str]:
    match found:
        case [list(shape), str(axes)] if len(shape) == len(axes) and all(type(n) is int and n > 0 for n in shape):
            return _shape(shape), axes
    raise ValueError(f"no kind of tensor: {str(found)[:80]}")
