"""What an engine is: it builds files from a lowered graph, and opens them again to run.

The files hold code and no weights: two jobs that differ in the values of their weights alone build the same files, so
that these are cached and their weights swapped. Weights come in when the files are opened, and again at each `swap`.
What an engine makes of them (packed, in other layouts) is its own business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from resnetdsl.compile.inputs import InputSpec
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.compile.options import Layout, Mode, Precision
from resnetdsl.compile.program import Program

Weights = Mapping[str, Tensor]
"""The leaves of a lowered graph by name, on the setting's device and of its type."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """What something is built for. It is kept in the artifact, so that `open` knows it too."""

    device: str
    """`cpu` or `cuda`."""
    precision: Precision
    mode: Mode
    layout: Layout | None
    """How the images inside lie in memory, None where the engine has ways of its own. Inputs and outputs may lie as
    they like.
    """
    input: InputSpec

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.device)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights, inputs and outputs."""
        found: torch.dtype = getattr(torch, self.precision.tensors)
        return found


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to build. `scratch` is a folder for temporary files; `progress` hears of phases as they start."""

    lowered: Lowered
    weights: Weights
    setting: Setting
    scratch: Path
    progress: Progress = lambda _: None
    quantised: bytes | None = None
    """For int8: the whole network with its weights, as an ONNX model. `weights` are then empty."""

    def program(self) -> Program:
        """The graph as a module on the setting's device, which returns a list of tensors."""
        program = Program(self.lowered, self.weights)
        return program.to(self.setting.torch_device, self.setting.dtype)

    def example(self) -> Tensor:
        """An input of zeros, of the shape to trace with. On a GPU kernels are chosen by it, so it is what counts."""
        shape = self.setting.input.example
        if self.setting.device == "cuda" and self.setting.mode is Mode.THROUGHPUT:
            shape = (self.setting.input.dims[0].high, *shape[1:])
        return torch.zeros(shape, dtype=self.setting.dtype, device=self.setting.torch_device)


@dataclass(frozen=True, slots=True)
class Built:
    """What is to be known of a build beside its files: shapes to verify beyond the usual, and remarks for people."""

    doubtful: Sequence[tuple[int, ...]] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layouts:
    """The layouts that an engine can be asked for, the usual one first, and why that; none where it decides itself."""

    choices: tuple[Layout, ...]
    why: str

    @property
    def usual(self) -> Layout | None:
        return self.choices[0] if self.choices else None


class Runner(Protocol):
    """Opened files. Sizes and types of the inputs have been checked against the setting."""

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        """The outputs in the graph's order, which are the caller's to keep. On a CPU the input is contiguous."""
        ...

    def swap(self, weights: Weights) -> None:
        """Run with these from now on: all of them, of the same shapes and types."""
        ...


class Engine(Protocol):
    """One way to run a network. Engines have no state."""

    @property
    def name(self) -> str:
        """As the command line has it: `onednn`."""
        ...

    @property
    def quick(self) -> bool:
        """Whether it makes a network within seconds, so that it may be tried without being asked for."""
        ...

    @property
    def portable(self) -> bool:
        """Whether its files have no instructions of a processor in them: those are found when they are opened."""
        ...

    def lacking(self, device: str, precision: Precision) -> str | None:
        """Why it cannot be used here for this, in words that end with what to do; None if it can."""
        ...

    def layouts(self, device: str) -> Layouts:
        """How it can have images lie in memory, and why so."""
        ...

    @property
    def unpaid(self) -> Mapping[str, str]:
        """Passes that make networks slower here, each with why: left out unless they are asked for."""
        ...

    def versions(self) -> Mapping[str, str]:
        """The libraries that the built files depend on. Files are opened only where these are the same."""
        ...

    def build(self, job: Job, folder: Path) -> Built:
        """Write the files into an empty folder. What goes wrong outside this program is a `CompileError`."""
        ...

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Runner:
        """Make the files runnable. They have been held against their checksums and stay as long as the runner."""
        ...
