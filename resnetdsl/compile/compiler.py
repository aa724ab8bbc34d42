"""Checked graph and module to an artifact: export, compile ahead of time, verify, and only then write."""

from __future__ import annotations

import copy
import math
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from resnetdsl.compile.artifact import MEMBER, SUFFIX, load_package
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.files import cannot_write, check_output, no_space, whole_file, work_folder
from resnetdsl.compile.inputs import VERIFY_ELEMENTS, InputSpec, input_spec
from resnetdsl.compile.metadata import Agreement, Machine, Metadata
from resnetdsl.compile.options import CompileOptions, Precision, Provenance
from resnetdsl.compile.toolchain import find_compiler, find_device, writable_cache
from resnetdsl.compile.verify import output_names, verify
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.version import VERSION

_ROOT = "model"
"""The archive's top folder."""

_OVERHEAD = 32 * 2**20
"""Bytes that a package may take beyond its weights."""

Progress = Callable[[str], None]
Built = tuple[Path, list[tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class CompileResult:
    """The artifact that was written, what it says of itself, and the seconds that each phase took."""

    path: Path
    metadata: Metadata
    seconds: Mapping[str, float]

    @property
    def agreement(self) -> Agreement:
        return self.metadata.agreement


def compile_module(
    module: nn.Module,
    graph: CheckedGraph,
    options: CompileOptions,
    *,
    provenance: Provenance | None = None,
    progress: Progress | None = None,
) -> CompileResult:
    """Compile a network's module to `options.output`. The module itself is left as it was.

    `progress` hears the name of each phase as it starts. Whatever goes wrong for a reason outside this
    program is a `CompileError`; then, as after Ctrl-C, the output is as it was and no temporary file is left.
    """
    clock = _Clock(progress or (lambda _: None))
    clock.start("checking the toolchain")
    size = _bytes(module, options.precision)
    check_output(options.output, SUFFIX, size + _OVERHEAD)
    device = find_device(options.device)
    compiler = find_compiler()
    inputs = input_spec(graph, options.batch)
    with work_folder() as work, writable_cache(work / "cache"), _quiet():
        # The library and, while it is linked, the weights as an object file and as assembly.
        check_output(work / f"{_ROOT}{SUFFIX}", SUFFIX, 3 * size + _OVERHEAD)
        ready = copy.deepcopy(module).eval().requires_grad_(False)
        ready.to(device, getattr(torch, options.precision.value))
        outputs = output_names(ready, inputs, tuple(output.name for output in graph.outputs))
        package, doubtful = _build(ready, graph.name, inputs, compiler, work, clock)
        clock.start("verifying")
        agreement = verify(ready, load_package(package), inputs, options.precision, doubtful)
        clock.start("writing")
        metadata = Metadata(
            network=graph.name,
            input=inputs,
            outputs=outputs,
            device=device.type,
            precision=options.precision,
            provenance=provenance or Provenance(),
            torch=torch.__version__,
            resnetdsl=VERSION,
            machine=Machine.this(device.type),
            agreement=agreement,
        )
        _write(package, metadata, options.output)
    return CompileResult(options.output, metadata, clock.stop())


def _build(module: nn.Module, network: str, inputs: InputSpec, compiler: str, work: Path, clock: _Clock) -> Built:
    """The package, in the work folder, and the shapes that it is to be verified with beside the usual."""
    import torch._inductor
    from torch._inductor.package.package import package_aoti

    clock.start("exporting")
    parameter = next(module.parameters(), torch.empty(0))
    example = torch.zeros(inputs.example, dtype=parameter.dtype, device=parameter.device)
    with _backend(Problem.EXPORT_FAILED, f"PyTorch cannot export `{network}` for {inputs}"), torch.no_grad():
        exported = torch.export.export(module, (example,), dynamic_shapes=(_dynamic(inputs),))
        doubtful = _doubtful(exported, inputs)
    clock.start("compiling")
    settings = {
        "aot_inductor.package": True,
        "aot_inductor.output_path": str(work / "build"),
        # Precompiled, torch's headers take 280 MB and longer than they save in a dozen compilations.
        "aot_inductor.precompile_headers": False,
        "cpp.cxx": (None, compiler),
    }
    (work / "build").mkdir()
    package = work / f"{_ROOT}{SUFFIX}"
    with _backend(Problem.BACKEND_FAILED, f"PyTorch cannot compile `{network}`"), torch.no_grad():
        args, kwargs = exported.example_inputs
        # The guards would be compiled too; the artifact checks its inputs itself, with better words.
        graph_module = exported.module(check_guards=False)
        files = torch._inductor.aot_compile(graph_module, args, kwargs, options=settings)
        package_aoti(str(package), files)  # type: ignore[arg-type]
    return package, doubtful


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


def _write(package: Path, metadata: Metadata, output: Path) -> None:
    """The package with its metadata added, to where it was asked for."""
    try:
        with zipfile.ZipFile(package, "a") as archive:
            # `ZipInfo` has a fixed date: an artifact does not tell when it was made.
            archive.writestr(zipfile.ZipInfo(f"{_ROOT}/{MEMBER}"), metadata.to_json())
    except OSError as error:
        raise cannot_write(package, error) from error
    with whole_file(output) as temporary, package.open("rb") as source, temporary.open("wb") as target:
        while block := source.read(2**20):
            target.write(block)


def _bytes(module: nn.Module, precision: Precision) -> int:
    """How much the weights will take."""
    width: int = getattr(torch, precision.value).itemsize
    count = sum(tensor.numel() for tensor in module.state_dict().values())
    return int(count) * width


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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's warnings about its own insides from the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"torch\.|copyreg")
        yield


class _Clock:
    """Tells the phases as they start and how long each took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._seconds: dict[str, float] = {}
        self._phase = ""
        self._since = 0.0

    def start(self, phase: str) -> None:
        self.stop()
        self._phase = phase
        self._progress(phase)

    def stop(self) -> dict[str, float]:
        now = time.perf_counter()
        if self._phase:
            self._seconds[self._phase] = now - self._since
        self._phase, self._since = "", now
        return self._seconds
