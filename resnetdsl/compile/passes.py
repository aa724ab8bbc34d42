"""Which passes are done: those that are not left out by the user, by us for all engines, or for the one at hand."""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.compile.engines.base import Engine
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.lower.pipeline import PASSES
from resnetdsl.compile.options import Precision


@dataclass(frozen=True, slots=True)
class Passes:
    """The passes that the user leaves out and asks for, and the type to compute in.

    A `CompileError` where one is none, or both.
    """

    without: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    precision: Precision = Precision.FLOAT32

    def __post_init__(self) -> None:
        known = [each.name for each in PASSES]
        for name in (*self.without, *self.also):
            if name not in known:
                raise CompileError(
                    Problem.BAD_OPTION, f"there is no pass `{name}`", f"the passes are {', '.join(known)}"
                )
            if name in self.without and name in self.also:
                raise CompileError(
                    Problem.BAD_OPTION, f"the pass `{name}` is asked for and left out", "leave one of the two away"
                )

    def left_out(self, using: Engine | None = None) -> dict[str, str]:
        """What is left out, for an engine or for any, each with the reason."""
        unpaid = {each.name: each.unpaid for each in PASSES if each.unpaid}
        if self.precision in {Precision.FLOAT16, Precision.INT8}:
            unpaid |= {each.name: f"in {self.precision.value} {each.narrow}" for each in PASSES if each.narrow}
        if using is not None:
            unpaid |= {name: f"on {using.name} it does not pay: {why}" for name, why in using.unpaid.items()}
        found = {name: f"{why}; `--with {name}` has it done" for name, why in unpaid.items() if name not in self.also}
        return found | dict.fromkeys(self.without, "not wanted")
