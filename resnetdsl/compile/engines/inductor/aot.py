"""A whole graph compiled ahead of time by AOTInductor: one package without weights."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch import Tensor
from torch._C._aoti import AOTIModelPackageLoader

from resnetdsl.compile.cuda_toolchain import cuda_found
from resnetdsl.compile.engines.base import Built, Job, Runner, Setting, Weights
from resnetdsl.compile.engines.cuda_graphs import CudaGraphs, kernel_choice
from resnetdsl.compile.engines.inductor.watch import watched
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem
from resnetdsl.compile.files import OwnFolder, no_space
from resnetdsl.compile.inputs import VERIFY_ELEMENTS, InputSpec
from resnetdsl.compile.memory import GpuMemory, is_lack_of_memory
from resnetdsl.compile.options import Layout, Mode
from resnetdsl.compile.toolchain import find_compiler, first_complaint, writable_cache

_FILE = "model.pt2"
_CXX_FAILED = "C++ compile error"
"""What PyTorch says where the compiler says no."""


def build(job: Job, folder: Path) -> Built:
    """Compile a job's whole graph into a package in the folder."""
    compiler = find_compiler()
    name = job.lowered.graph.name
    inputs = job.setting.input
    cuda = cuda_found(job.scratch) if job.setting.device == "cuda" else nullcontext()
    with writable_cache(job.scratch / "cache"), _temporary_files(job.scratch), cuda:
        import torch._inductor
        from torch._inductor.package.package import package_aoti

        job.progress("exporting")
        with _backend(Problem.EXPORT_FAILED, f"PyTorch cannot export `{name}` for {inputs}"), torch.no_grad():
            program = job.program()
            if job.setting.layout is Layout.CHANNELS_LAST:
                program.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            example = laid(job.example(), job.setting.layout)
            exported = torch.export.export(program, (example,), dynamic_shapes=(_dynamic(inputs),))
            doubtful = _doubtful(exported, inputs)
        job.progress("compiling")
        work = job.scratch / "build"
        work.mkdir(exist_ok=True)
        settings = options(job.setting, compiler, work)
        failed = _backend(Problem.BACKEND_FAILED, f"PyTorch cannot compile `{name}`")
        with failed, watched(work), torch.no_grad():
            args, kwargs = exported.example_inputs
            # The guards would be compiled too; the artifact checks its inputs itself, with better words.
            graph_module = exported.module(check_guards=False)
            files = torch._inductor.aot_compile(graph_module, args, kwargs, options=settings)
            package_aoti(str(folder / _FILE), files)  # type: ignore[arg-type]
    return Built(doubtful)


def options(setting: Setting, compiler: str, folder: Path) -> dict[str, object]:
    """Inductor's options for a setting."""
    found: dict[str, object] = {
        "aot_inductor.package": True,
        "aot_inductor.output_path": str(folder),
        "aot_inductor.package_constants_in_so": False,
        # Precompiled, torch's headers take 280 MB and longer than they save in a dozen compilations.
        "aot_inductor.precompile_headers": False,
        # Else it writes small weights into its code, where they cannot be swapped.
        "always_keep_tensor_constants": True,
        "cpp.cxx": (None, compiler),
    }
    if setting.layout is Layout.CHANNELS_LAST:
        # Weights lie so already; Inductor's own guess would leave small and grouped convolutions as they are.
        found["force_layout_optimization"] = True
    if setting.device == "cuda":
        # Kernels are chosen by measuring them, and a convolution of 1x1 may be a matrix product with its epilogue.
        found |= {"max_autotune": True, "conv_1x1_as_mm": True, "coordinate_descent_tuning": True}
    return found


def laid(tensor: Tensor, layout: Layout | None) -> Tensor:
    """An input or a weight as the code was compiled to find it."""
    last = layout is Layout.CHANNELS_LAST and tensor.dim() == 4
    return tensor.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def open(folder: Path, weights: Weights, setting: Setting) -> Runner:
    """The package of a folder, with its weights; on a GPU where latency counts, replayed as CUDA graphs."""
    cuda = setting.device == "cuda"
    package = Package(folder / _FILE, weights, setting, cuda=cuda)
    if cuda and setting.mode is Mode.LATENCY:
        return CudaGraphs(package, channels_last=setting.layout is Layout.CHANNELS_LAST)
    return package


class Package:
    """A loaded package.

    On a GPU (`cuda`) it is run by one thread at a time, without PyTorch's own way of seeing to that: this cannot be
    recorded in a CUDA graph, and has the host wait at each run until the one before it is done. Convolutions that are
    left to cuDNN are chosen in the process that runs them.
    """

    def __init__(self, path: Path, weights: Weights, setting: Setting, *, cuda: bool = False) -> None:
        """Map the package's code into this process.

        This is the loader below `torch._inductor.aoti_load_package`, which would first import the whole compiler
        (three seconds, and a cache folder) and unpickle whatever else a package holds.
        """
        self._layout = setting.layout
        self._kernels = kernel_choice(setting) if cuda else nullcontext()
        self._lock = threading.Lock() if cuda else nullcontext()
        self._memory = GpuMemory() if cuda else None
        self._folder = OwnFolder()  # the loader unpacks into one that it leaves behind where it fails
        try:
            with _temporary_files(self._folder.path):
                self._loader = AOTIModelPackageLoader(str(path), "model", cuda, 1, -1)
            self.swap(weights)
        except (RuntimeError, OSError) as error:
            self._folder.remove()
            if is_lack_of_memory(error):
                raise
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ArtifactError(
                Problem.BAD_ARTIFACT, f"PyTorch cannot load the code: {reason[0]}", "compile it again on this machine"
            ) from error

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        with self._lock, self._kernels:
            try:
                return self._loader.boxed_run([laid(x, self._layout) for x in inputs])
            except RuntimeError as error:
                if self._memory is not None:
                    self._memory.explain(error)
                raise

    def swap(self, weights: Weights) -> None:
        names = self._loader.get_constant_fqns()
        by_name = {name: weights.get(name) for name in names}
        held = {name: laid(weight, self._layout) for name, weight in by_name.items() if weight is not None}
        self._loader.load_constants(held, False, True, True)  # waits until nobody runs with those before
        self._held = held


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
def _temporary_files(folder: Path) -> Iterator[None]:
    """Have compilers put theirs where they go with ours: one that is killed leaves what it was writing."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


@contextmanager
def _backend(problem: Problem, message: str) -> Iterator[None]:
    """Say what failed, in a line, for whatever torch's exporter and compiler raise; the rest is the cause's."""
    try:
        yield
    except (RuntimeError, AssertionError, ValueError, OSError) as error:
        if is_lack_of_memory(error):
            raise
        text = str(error)
        if "No space left on device" in text or "Disk quota exceeded" in text:
            raise no_space(Path("the temporary files")) from error
        if _CXX_FAILED in text:
            said = first_complaint(text.partition("Output:")[2]) or "without a word"
            raise CompileError(
                Problem.BROKEN_COMPILER,
                f"{message}: the C++ compiler failed: {said}",
                "it may have been ended for want of memory; set CXX to another, or use `--backend onednn`, which needs "
                "none",
            ) from error
        raise CompileError(
            problem,
            f"{message}: {first_complaint(text) or type(error).__name__}",
            "if the spec passes `resnetdsl check`, please report it: RESNETDSL_DEBUG=1 shows the whole of it",
        ) from error
