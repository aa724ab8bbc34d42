"""A compiled network, loaded: it runs, and takes other weights.

An artifact may hold native code and is trusted like a program. Nothing in it is unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from resnetdsl.collector import seldom
from resnetdsl.compile import container
from resnetdsl.compile.container import SUFFIX, read_metadata
from resnetdsl.compile.engines.base import Runner
from resnetdsl.compile.engines.registry import engine
from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.files import OwnFolder
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.memory import enough_memory
from resnetdsl.compile.metadata import Metadata
from resnetdsl.compile.options import Precision
from resnetdsl.compile.surroundings import as_it_is, usual
from resnetdsl.compile.swap import other_weights
from resnetdsl.compile.weights import Weights

__all__ = ["SUFFIX", "Artifact", "load_artifact", "read_metadata"]


class Artifact:
    """A loaded artifact. Call it with a tensor as you would the module that it was compiled from."""

    def __init__(
        self,
        metadata: Metadata,
        runner: Runner,
        path: Path | None = None,
        *,
        folder: OwnFolder | None = None,
        weights: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.metadata = metadata
        self.path = path
        self._runner = runner
        self._folder = folder
        self._weights = dict(weights or {})
        self._dtype = metadata.setting.dtype
        self._place = current_place(metadata.setting.torch_device)

    def __call__(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """The output; a dictionary by name where the network has taps."""
        outputs = self.run(x)
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def run(self, x: Tensor) -> dict[str, Tensor]:
        """All outputs by name. An input that the artifact was not compiled for is an `ArtifactError`."""
        self._check(x)
        with enough_memory(f"run `{self.metadata.network}` on this input", ArtifactError), self._there():
            plain = x.detach().resolve_neg()
            # On a GPU the engine brings it into order, with the copy that it makes anyway.
            results = self._runner.run([plain if plain.is_cuda else plain.contiguous()])
        names = self.metadata.outputs
        if len(names) != len(results):
            raise ArtifactError(
                Problem.BAD_ARTIFACT, f"its code has {len(results)} outputs, it is to have {len(names)}"
            )
        return dict(zip(names, results, strict=True))

    @usual()
    def load_weights(self, source: Weights) -> None:
        """Run with other weights of the same network from now on, without compiling.

        `source` is a state dict of the network's module, or a checkpoint: .safetensors, .pth, .pt. Names, shapes and
        types are checked first; a `WeightsError` with a table says what does not fit, and the weights stay.
        """
        with self._there():
            weights, origin = other_weights(self.metadata, source)
            self._runner.swap(weights)
        self._weights = weights
        self.metadata = self.metadata.with_weights(origin)

    def save(self, path: str | Path) -> None:
        """Write the artifact with the weights that it has now."""
        if self._folder is None:
            raise ArtifactError(Problem.CANNOT_WRITE, "this artifact was not loaded from a file")
        container.write(Path(path), self.metadata, self._weights, self._folder.path)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """It holds native code and a folder of its own: a copy, also one in another process, is loaded anew."""
        raise TypeError("an artifact is not copied or pickled: save it, and use `load_artifact` where it is wanted")

    def __repr__(self) -> str:
        meta = self.metadata
        return f"<Artifact {meta.network}: {meta.input}, {meta.precision.value} on {meta.device} by {meta.engine}>"

    @contextmanager
    def _there(self) -> Iterator[None]:
        """Kernels go to the current device, whatever device their operands are on; and nothing is cast on the way."""
        place = self._place
        with torch.cuda.device(place) if place.type == "cuda" else nullcontext(), as_it_is(place.type):
            yield

    def _check(self, x: Tensor) -> None:
        meta = self.metadata
        if not isinstance(x, Tensor):
            raise ArtifactError(Problem.BAD_INPUT, f"`{meta.network}` takes a tensor, not `{type(x).__name__}`")
        if x.layout is not torch.strided or x.is_nested:
            kind = "nested" if x.is_nested else str(x.layout)
            help = "x.to_padded_tensor(0.0), or one tensor after the other" if x.is_nested else "x.to_dense()"
            raise ArtifactError(Problem.BAD_INPUT, f"`{meta.network}` takes a dense tensor, this one is {kind}", help)
        if (wrong := meta.input.problem(x.shape)) is not None:
            raise ArtifactError(
                Problem.BAD_INPUT,
                f"`{meta.network}` was compiled for {meta.input}; {wrong}",
                "compile it with the sizes that you need: `--batch LO..HI`, and ranges in the spec's `input`",
            )
        if x.dtype != self._dtype:
            raise ArtifactError(
                Problem.BAD_INPUT,
                f"`{meta.network}` was compiled for {self._dtype}, this tensor is {x.dtype}",
                f"convert it: x.to({self._dtype})",
            )
        if x.device.type != meta.device:
            raise ArtifactError(
                Problem.BAD_INPUT,
                f"`{meta.network}` was compiled for {meta.device}, this tensor is on {x.device}",
                f'move it: x.to("{meta.device}")',
            )
        if x.device != self._place:
            raise ArtifactError(
                Problem.BAD_INPUT,
                f"`{meta.network}` was loaded on {self._place}, this tensor is on {x.device}",
                f'move it: x.to("{self._place}"), or load the artifact in `with torch.cuda.device({x.device.index}):`',
            )


def current_place(device: torch.device) -> torch.device:
    """A device with its number, as tensors name theirs."""
    return torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" else device


@seldom
@usual()
def load_artifact(path: str | Path, *, any_torch: bool = False) -> Artifact:
    """Load what `resnetdsl compile` wrote. `any_torch` tries it under other versions of PyTorch and of its engine."""
    path = Path(path)
    folder = OwnFolder()
    try:
        with enough_memory(f"load `{path}`", ArtifactError):
            found = container.Unpacked(path)
            metadata = found.metadata()
            _check_here(metadata, any_torch)
            found.code(folder.path)
            weights = found.weights(metadata.setting.torch_device)
            _check_whole(metadata, weights, path)
            runner = engine(metadata.engine).open(folder.path, weights, metadata.setting)
    except BaseException:
        folder.remove()
        raise
    return Artifact(metadata, runner, path, folder=folder, weights=weights)


def _check_whole(metadata: Metadata, weights: Mapping[str, Tensor], path: Path) -> None:
    if weights.keys() != metadata.recipes.keys():
        raise ArtifactError(Problem.BAD_ARTIFACT, f"`{path}` lacks weights that its code takes")


def _check_here(metadata: Metadata, any_torch: bool) -> None:
    """Refuse to run code on a machine that it was not compiled for: it would crash, or compute something else."""
    here = Machine.this(metadata.device)
    made = metadata.machine
    again = "compile it again on this machine with `resnetdsl compile`"
    if (made.system, made.machine) != (here.system, here.machine):
        raise ArtifactError(
            Problem.OTHER_MACHINE,
            f"the artifact is for {made.system} on {made.machine}, this is {here.system} on {here.machine}",
            again,
        )
    if metadata.device == "cuda" and not torch.cuda.is_available():
        raise ArtifactError(
            Problem.NO_CUDA, "the artifact is for CUDA, and PyTorch finds no CUDA device here", "compile it for the CPU"
        )
    if made.gpu != here.gpu:
        raise ArtifactError(
            Problem.OTHER_MACHINE,
            f"the artifact is for a GPU of compute capability {made.gpu}, this one has {here.gpu}",
            again,
        )
    using = engine(metadata.engine)
    # On a processor narrower types are fast, and in int8 right, by certain instructions alone.
    anywhere = using.portable and (metadata.device == "cuda" or metadata.setting.precision is Precision.FLOAT32)
    if not anywhere and (lacking := sorted(set(made.flags) - set(here.flags))):
        raise ArtifactError(
            Problem.OTHER_MACHINE,
            f"the artifact uses instructions that this processor lacks: {', '.join(lacking)}",
            again,
        )
    if any_torch:
        return
    installed = using.versions()
    for library, version in metadata.versions.items():
        now = installed.get(library, "")
        if _release(version) != _release(now):
            raise ArtifactError(
                Problem.OTHER_TORCH,
                f"the artifact was compiled with {library} {version}, here is {now or 'none'}",
                f"{again}, install {library} {_release(version)}, or try it as it is with any_torch=True",
            )


def _release(version: str) -> str:
    """`2.13` of `2.13.0+cpu`: what may differ below that leaves compiled code valid."""
    return ".".join(version.split("+", maxsplit=1)[0].split(".")[:2])
