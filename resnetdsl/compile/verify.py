"""Is the compiled network the one that was written? Both are run on random inputs and held against each other.

Once with the artifact's own weights, and once with weights that show what untrained ones hide (`made_up.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call

from resnetdsl.compile.engines.base import Runner
from resnetdsl.compile.errors import CompileError, Problem, WeightsError, first_line
from resnetdsl.compile.inputs import InputSpec
from resnetdsl.compile.made_up import make_up, random_input
from resnetdsl.compile.memory import is_lack_of_memory
from resnetdsl.compile.metadata import OWN_WEIGHTS, Agreement, Measurement
from resnetdsl.compile.options import Precision
from resnetdsl.compile.progress import count

MADE_UP_WEIGHTS = "made-up weights and norm statistics"

TOLERANCE = {Precision.FLOAT32: 1e-4, Precision.FLOAT16: 2e-2, Precision.BFLOAT16: 5e-2}
"""Relative to the output's largest value. What differs more is held against float64: see `_excuse`."""

_EXCUSE = 3.0

_REPORT = "no artifact was written; please report this with the spec: it is a bug of PyTorch's compiler or ours"
_FOREIGN = (
    "no artifact was written; a module with hooks or a forward of its own may compute something else than the network: "
    "give its state_dict() as `weights`. If it does not, please report this with the spec"
)
_NUDGES = 3
"""Inputs a rounding away that eager is run on, to see how far rounding alone carries the outputs."""


def flatten(result: object) -> list[Tensor]:
    """The tensors of what a module returned, in torch's own order."""
    match result:
        case Tensor():
            return [result]
        case Mapping():
            return [tensor for value in result.values() for tensor in flatten(value)]
        case Sequence():
            return [tensor for value in result for tensor in flatten(value)]
        case _:
            raise TypeError(f"a network returns tensors, not {type(result).__name__}")


@dataclass(frozen=True, slots=True)
class Reference:
    """The network as its author wrote it, to hold what was compiled against. `outputs` orders what it returns.

    `weights` take the place of the module's own, by the names of its parameters and buffers.
    """

    module: nn.Module
    outputs: tuple[str, ...]
    weights: Mapping[str, Tensor] | None = None
    foreign: bool = False
    """Whether the module is a user's, so that what it raises is a `WeightsError`."""

    def __call__(self, x: Tensor) -> list[Tensor]:
        """The outputs in the graph's order."""
        with torch.no_grad():
            try:
                result = self._run(x)
            except Exception as error:
                if not self.foreign or is_lack_of_memory(error):
                    raise
                size = "x".join(map(str, x.shape))
                raise WeightsError(
                    f"the module that the weights come with fails on an input of {size}: {first_line(error)}",
                    "give its state_dict() as `weights` if it is to be compiled without being run",
                ) from error
        found = [result[name] for name in self.outputs] if isinstance(result, Mapping) else flatten(result)
        if len(found) != len(self.outputs):
            raise ValueError(f"the module returns {len(found)} tensors, its graph has {len(self.outputs)}")
        return found

    def _run(self, x: Tensor) -> object:
        return self.module(x) if self.weights is None else functional_call(self.module, dict(self.weights), (x,))

    def exact(self) -> Reference:
        """In float64."""
        named = (*self.module.named_parameters(), *self.module.named_buffers())
        weights = {name: each.double() if each.is_floating_point() else each for name, each in named}
        return Reference(self.module, self.outputs, weights, self.foreign)


Derive = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
"""From a state dict of the network's module to the weights that a runner takes."""


def verify(
    reference: Reference,
    runner: Runner,
    derive: Derive,
    inputs: InputSpec,
    precision: Precision,
    doubtful: Sequence[tuple[int, ...]] = (),
    seed: int = 0,
    measured: Sequence[Measurement] | None = None,
) -> Agreement:
    """Measure how far a runner is from the network, or raise a `CompileError` if that is too far.

    A measurement that rounding alone accounts for is told as a note, and counts where there is no other.

    The shapes are the ends and the middle of the ranges, and the `doubtful` ones. The runner holds other weights
    than its own afterwards, which proves that it takes them; the module is as it was.

    `measured` is what was measured of the same code with made-up weights before: then only its own weights are tried,
    on the smallest shape, and it keeps them.
    """
    notes: list[str] = []
    rounded: list[Measurement] = []
    shapes = list(dict.fromkeys([*inputs.to_verify(), *doubtful]))
    if measured is not None:
        found = [*_measure(reference, runner, shapes[:1], precision, OWN_WEIGHTS, seed, notes, rounded), *measured]
        return Agreement(tuple(found), TOLERANCE[precision], tuple(notes))
    found = _measure(reference, runner, shapes, precision, OWN_WEIGHTS, seed, notes, rounded)
    if reference.module.state_dict():
        with _made_up(reference.module, inputs, seed):
            runner.swap(derive(_copy(reference.module)))
            found += _measure(reference, runner, shapes, precision, MADE_UP_WEIGHTS, seed + 1, notes, rounded)
    found = found or rounded
    if not found:
        raise CompileError(
            Problem.DISAGREES,
            f"the compiled network cannot be verified: in {precision.value} its outputs overflow even before compiling",
            "use `--dtype bfloat16` or float32, which reach further, or load trained weights with `--weights`",
        )
    return Agreement(tuple(found), TOLERANCE[precision], tuple(notes))


def _measure(
    reference: Reference,
    runner: Runner,
    shapes: Sequence[tuple[int, ...]],
    precision: Precision,
    weights: str,
    seed: int,
    notes: list[str],
    rounded: list[Measurement],
) -> list[Measurement]:
    found = []
    for done, shape in enumerate(shapes):
        count(done, len(shapes), f"sizes with {weights}")
        x = random_input(shape, reference.module, seed)
        expected = reference(x)
        with torch.no_grad():
            actual = runner.run([x.clone()])
        if [t.shape for t in expected] != [t.shape for t in actual]:
            sides = (", ".join(str(tuple(t.shape)) for t in side) for side in (actual, expected))
            raise CompileError(
                Problem.DISAGREES, "the compiled network returns {} where eager returns {}".format(*sides)
            )
        if not all(torch.isfinite(tensor).all() for tensor in expected):
            notes.append(
                f"not compared with {weights} on {'x'.join(map(str, shape))}: the eager outputs are not all finite"
            )
            continue
        absolute = max(_distance(a, e) for a, e in zip(actual, expected, strict=True))
        relative = _relative(actual, expected, expected)
        measured = Measurement(shape, weights, absolute, relative)
        if relative <= TOLERANCE[precision]:
            found.append(measured)
        elif (own := _excuse(reference, x, actual, expected)) is not None:
            rounded.append(measured)
            notes.append(
                f"with {weights} on {'x'.join(map(str, shape))} it differs from eager by {relative:.1e} of the largest "
                f"output, and eager from float64 by {own:.1e}: rounding alone does that"
            )
        else:
            raise CompileError(
                Problem.DISAGREES,
                f"the compiled network differs from eager by {relative:.2g} of its largest output "
                f"({absolute:.2g}), with {weights} and an input of {'x'.join(map(str, shape))}; "
                f"{TOLERANCE[precision]:.0e} is tolerated",
                _FOREIGN if reference.foreign else _REPORT,
            )
    return found


def _excuse(reference: Reference, x: Tensor, actual: list[Tensor], expected: list[Tensor]) -> float | None:
    """How far eager is from the truth, if compiled is about as near. Very deep nets amplify the rounding of both alike.

    How near eager is, is chance: of 1001 layers it comes twice as near with one input as with the next. So where it
    seems to be nearer by far, it is run on neighbours of the input as well, until it is not.
    """
    truth = reference.exact()(x.double())
    off = _relative(actual, truth, truth)
    near_by = (reference(_nudged(x, seed)) for seed in range(_NUDGES))
    distances = (_relative(each, truth, truth) for each in chain([expected], near_by))
    return next((distance for distance in distances if off <= _EXCUSE * distance), None)


def _nudged(x: Tensor, seed: int) -> Tensor:
    """The input with each value one unit in the last place, about, larger or smaller."""
    signs = torch.randint(0, 2, x.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return x * (1 + signs.to(x.device, x.dtype) * torch.finfo(x.dtype).eps)


def _distance(a: Tensor, b: Tensor) -> float:
    """The largest difference; infinite where one is not finite. Empty tensors do not differ."""
    if a.numel() == 0:
        return 0.0
    worst = float((a.double() - b.double()).abs().max())
    return worst if worst == worst else float("inf")  # noqa: PLR0124 - a NaN is no agreement


def _relative(some: list[Tensor], others: list[Tensor], scale: list[Tensor]) -> float:
    """The largest difference of any output, over the largest value of that output."""
    worst = 0.0
    for a, b, s in zip(some, others, scale, strict=True):
        largest = float(s.double().abs().max()) if s.numel() else 0.0
        distance = _distance(a, b)
        worst = max(worst, distance / largest if largest else distance)
    return worst


@contextmanager
def _made_up(module: nn.Module, inputs: InputSpec, seed: int) -> Iterator[None]:
    """The network with weights and statistics as a trained one has them; afterwards it has its own again."""
    own = _copy(module)
    try:
        make_up(module, inputs.to_verify()[0][1:], seed)
        yield
    finally:
        for name, tensor in module.state_dict().items():
            tensor.copy_(own[name])


def _copy(module: nn.Module) -> dict[str, Tensor]:
    """A module's weights as they are now."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}
