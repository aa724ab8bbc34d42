"""A compiled network on disk: an AOTInductor package (.pt2) with one more member that says what it is.

A package is native code and is trusted like a program. Nothing in it is unpickled: a package that
holds more than AOTInductor's own files is refused.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import torch
from torch import Tensor
from torch._C._aoti import AOTIModelPackageLoader

from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.metadata import Machine, Metadata
from resnetdsl.compile.verify import Compiled

SUFFIX = ".pt2"
MEMBER = "extra/resnetdsl.json"
MOST_METADATA = 256 * 2**20

# Below the archive's one top folder. Anything else (`data/weights`, `data/models`) would be unpickled on loading.
_MEMBERS = re.compile(
    r"data/aotinductor/model/[^/]+|archive_format|archive_version|byteorder|version|\.data/[a-z_]+|" + re.escape(MEMBER)
)


class Artifact:
    """A loaded artifact. Call it with a tensor as you would the module that it was compiled from."""

    def __init__(self, metadata: Metadata, compiled: Compiled, path: Path | None = None) -> None:
        self.metadata = metadata
        self.path = path
        self._compiled = compiled
        self._dtype: torch.dtype = getattr(torch, metadata.precision.value)

    def __call__(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """The output; a dictionary by name where the network has taps."""
        outputs = self.run(x)
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def run(self, x: Tensor) -> dict[str, Tensor]:
        """All outputs by name. An input that the artifact was not compiled for is an `ArtifactError`."""
        self._check(x)
        # The code was compiled for this layout and would read any other as garbage.
        results = self._compiled.boxed_run([x.detach().contiguous()])
        return dict(zip(self.metadata.outputs, results, strict=True))

    def __repr__(self) -> str:
        meta = self.metadata
        return f"<Artifact {meta.network}: {meta.input}, {meta.precision.value} on {meta.device}>"

    def _check(self, x: Tensor) -> None:
        meta = self.metadata
        if not isinstance(x, Tensor):
            raise ArtifactError(Problem.BAD_INPUT, f"`{meta.network}` takes a tensor, not `{type(x).__name__}`")
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


def load_artifact(path: str | Path, *, any_torch: bool = False) -> Artifact:
    """Load what `resnetdsl compile` wrote. `any_torch` tries it under another PyTorch than that it was made with."""
    path = Path(path)
    metadata = read_metadata(path)
    _check_here(metadata, any_torch)
    return Artifact(metadata, load_package(path), path)


def load_package(path: Path) -> Compiled:
    """Map the package's code into this process.

    This is the loader below `torch._inductor.aoti_load_package`, which would first import the whole compiler
    (three seconds, and a cache folder) and unpickle whatever else a package holds.
    """
    try:
        return AOTIModelPackageLoader(str(path), "model", False, 1, -1)
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ArtifactError(
            Problem.BAD_ARTIFACT, f"PyTorch cannot load `{path}`: {reason[0]}", "compile it again on this machine"
        ) from error


def read_metadata(path: Path) -> Metadata:
    """What an artifact says of itself, after a check that it is whole. None of its code is run."""
    try:
        with zipfile.ZipFile(path) as archive:
            return Metadata.from_json(_metadata_text(archive, path))
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ArtifactError(
            Problem.BAD_ARTIFACT,
            f"`{path}` is no artifact, or not all of one: {error}",
            "copy it again, or compile it again with `resnetdsl compile`",
        ) from error
    except OSError as error:
        raise ArtifactError(
            Problem.BAD_ARTIFACT, f"cannot read `{path}`: {(error.strerror or str(error)).lower()}"
        ) from error


def _metadata_text(archive: zipfile.ZipFile, path: Path) -> str:
    roots = {name.partition("/")[0] for name in archive.namelist()}
    found = [info for info in archive.infolist() if info.filename.partition("/")[2] == MEMBER]
    if len(found) != 1 or len(roots) != 1:
        raise ArtifactError(
            Problem.BAD_ARTIFACT,
            f"`{path}` was not made by resnetdsl",
            "make one with `resnetdsl compile`; other packages load with torch._inductor.aoti_load_package",
        )
    for name in archive.namelist():
        if _MEMBERS.fullmatch(name.partition("/")[2]) is None:
            raise ArtifactError(Problem.BAD_ARTIFACT, f"`{path}` holds what no artifact holds: {name!r}")
    # A damaged library would take the process down with it, so every byte is held against its checksum first.
    if (damaged := archive.testzip()) is not None:
        raise zipfile.BadZipFile(f"{damaged} is damaged")
    if found[0].file_size > MOST_METADATA:
        raise ArtifactError(Problem.BAD_ARTIFACT, f"`{path}` has {found[0].file_size} bytes of metadata")
    return archive.read(found[0]).decode("utf-8", errors="replace")


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
    if lacking := sorted(set(made.flags) - set(here.flags)):
        raise ArtifactError(
            Problem.OTHER_MACHINE,
            f"the artifact uses instructions that this processor lacks: {', '.join(lacking)}",
            again,
        )
    if not any_torch and _release(metadata.torch) != _release(torch.__version__):
        raise ArtifactError(
            Problem.OTHER_TORCH,
            f"the artifact was compiled with PyTorch {metadata.torch}, this is {torch.__version__}",
            f"{again}, install PyTorch {_release(metadata.torch)}, or try it as it is with any_torch=True",
        )


def _release(version: str) -> str:
    """`2.13` of `2.13.0+cpu`: what may differ below that leaves compiled code valid."""
    return ".".join(version.split("+", maxsplit=1)[0].split(".")[:2])
