"""Inductor: torch's own compiler, ahead of time. The files are one AOTInductor package without weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch._C._aoti import AOTIModelPackageLoader

from resnetdsl.compile.engines.base import Built, Job, Setting, Weights
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem
from resnetdsl.compile.files import no_space
from resnetdsl.compile.inputs import VERIFY_ELEMENTS, InputSpec
from resnetdsl.compile.options import Precision
from resnetdsl.compile.toolchain import find_compiler, writable_cache

_FILE = "model.pt2"


class Inductor:
    name = "inductor"

    def lacking(self, device: str, precision: Precision) -> str | None:
        try:
            find_compiler()
        except CompileError as error:
            return f"{error.message}; {error.help}"
        return None

    def versions(self) -> Mapping[str, str]:
        return {"torch": torch.__version__}

    def build(self, job: Job, folder: Path) -> Built:
        compiler = find_compiler()
        name = job.lowered.graph.name
        inputs = job.setting.input
        with writable_cache(job.scratch / "cache"):
            import torch._inductor
            from torch._inductor.package.package import package_aoti

            job.progress("exporting")
            with _backend(Problem.EXPORT_FAILED, f"PyTorch cannot export `{name}` for {inputs}"), torch.no_grad():
                exported = torch.export.export(job.program(), (job.example(),), dynamic_shapes=(_dynamic(inputs),))
                doubtful = _doubtful(exported, inputs)
            job.progress("compiling")
            settings = {
                "aot_inductor.package": True,
                "aot_inductor.output_path": str(job.scratch / "build"),
                "aot_inductor.package_constants_in_so": False,
                # Precompiled, torch's headers take 280 MB and longer than they save in a dozen compilations.
                "aot_inductor.precompile_headers": False,
                # Else it writes small weights into its code, where they cannot be swapped.
                "always_keep_tensor_constants": True,
                "cpp.cxx": (None, compiler),
            }
            (job.scratch / "build").mkdir(exist_ok=True)
            with _backend(Problem.BACKEND_FAILED, f"PyTorch cannot compile `{name}`"), torch.no_grad():
                args, kwargs = exported.example_inputs
                # The guards would be compiled too; the artifact checks its inputs itself, with better words.
                graph_module = exported.module(check_guards=False)
                files = torch._inductor.aot_compile(graph_module, args, kwargs, options=settings)
                package_aoti(str(folder / _FILE), files)  # type: ignore[arg-type]
        return Built(doubtful)

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Package:
        return Package(folder / _FILE, weights)


class Package:
    """A loaded package."""

    def __init__(self, path: Path, weights: Weights) -> None:
        """Map the package's code into this process.

        This is the loader below `torch._inductor.aoti_load_package`, which would first import the whole compiler
        (three seconds, and a cache folder) and unpickle whatever else a package holds.
        """
        try:
            self._loader = AOTIModelPackageLoader(str(path), "model", False, 1, -1)
            self.swap(weights)
        except (RuntimeError, OSError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ArtifactError(
                Problem.BAD_ARTIFACT, f"PyTorch cannot load the code: {reason[0]}", "compile it again on this machine"
            ) from error

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        return self._loader.boxed_run(inputs)

    def swap(self, weights: Weights) -> None:
        names = self._loader.get_constant_fqns()
        self._held = {name: weights[name] for name in names if name in weights}
        self._loader.load_constants(self._held, False, True, True)


def _doubtful(exported: torch.export.ExportedProgram, inputs: InputSpec) -> list[tuple[int, ...]]:
    """Shapes within the ranges that the exporter made no promise for: the first, middle and last of each reason.

    It assumes, for one, that no feature map shrinks to a single column; most often the code is right for that too.
    """
    guards = getattr(exported.module(), "_guards_fn", None)
    by_reason: dict[str, list[tuple[int, ...]]] = {}
    if guards is not None:
        for shape in inputs.grid():
            try:
                guards(torch.empty(shape, device="meta"))
            except AssertionError as reason:
                by_reason.setdefault(str(reason), []).append(shape)
    found = [shapes[i] for shapes in by_reason.values() for i in (0, len(shapes) // 2, -1)]
    return [shape for shape in dict.fromkeys(found) if math.prod(shape) <= VERIFY_ELEMENTS]


def _dynamic(inputs: InputSpec) -> dict[int, object]:
    """The free dimensions as torch.export wants them: one of a step of 32 is 32 times a free whole number."""
    free: dict[int, object] = {}
    for place, dim in enumerate(inputs.dims):
        if dim.fixed:
            continue
        offset = dim.low % dim.step
        root = torch.export.Dim(dim.name, min=dim.low // dim.step, max=dim.high // dim.step)
        scaled = dim.step * root if dim.step > 1 else root
        free[place] = scaled + offset if offset else scaled
    return free


@contextmanager
def _backend(problem: Problem, message: str) -> Iterator[None]:
    """Say what failed, in a line, for whatever torch's exporter and compiler raise; the rest is the cause's."""
    try:
        yield
    except (RuntimeError, AssertionError, ValueError, OSError) as error:
        text = str(error)
        if "No space left on device" in text or "Disk quota exceeded" in text:
            raise no_space(Path("the temporary files")) from error
        lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
        telling = next((line for line in lines if "error" in line.lower()), lines[0])
        raise CompileError(
            problem,
            f"{message}: {telling}",
            "if the spec passes `resnetdsl check`, please report it: RESNETDSL_DEBUG=1 shows the whole of it",
        ) from error
