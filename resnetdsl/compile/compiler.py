"""Checked graph and weights to an artifact: lower, build, open, verify, and only then write."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from resnetdsl.compile import container
from resnetdsl.compile.cache import Cache
from resnetdsl.compile.choose import choose, entrants
from resnetdsl.compile.container import SUFFIX
from resnetdsl.compile.engines.base import Engine, Setting
from resnetdsl.compile.engines.registry import engine_for
from resnetdsl.compile.errors import WeightsError, first_line
from resnetdsl.compile.files import check_output, work_folder
from resnetdsl.compile.int8 import Int8
from resnetdsl.compile.lower.lowered import Note
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.make import Made, Subject, make
from resnetdsl.compile.memory import enough_memory, is_lack_of_memory
from resnetdsl.compile.metadata import Agreement, Metadata, Trial
from resnetdsl.compile.options import CompileOptions, Precision, Provenance
from resnetdsl.compile.passes import Passes
from resnetdsl.compile.plan import check_serves, decide
from resnetdsl.compile.surroundings import usual
from resnetdsl.compile.verify import Reference
from resnetdsl.compile.weights import check_fit, leaves_of
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.version import VERSION

_OVERHEAD = 32 * 2**20
"""Bytes that an artifact may take beyond its weights."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CompileResult:
    """The artifact that was written, what it says of itself, and the seconds that each phase took.

    `steps` is what the passes did and did not do, `notes` what else people should know; `cached` says that the code
    was not built but found.
    """

    path: Path
    metadata: Metadata
    seconds: Mapping[str, float]
    steps: tuple[Note, ...] = ()
    notes: tuple[str, ...] = ()
    cached: bool = False

    @property
    def agreement(self) -> Agreement:
        return self.metadata.agreement


@usual()
def compile_module(
    module: nn.Module,
    graph: CheckedGraph,
    options: CompileOptions,
    *,
    provenance: Provenance | None = None,
    progress: Progress | None = None,
    own: bool = False,
) -> CompileResult:
    """Compile a network with its module's weights to `options.output`. The module itself is left as it was, but where
    it is our `own`, which nobody wants any more: to copy a thousand layers takes as long as to lower them.

    `progress` hears the name of each phase as it starts. Whatever goes wrong for a reason outside this
    program is a `CompileError`; then, as after Ctrl-C, the output is as it was and no temporary file is left.
    """
    clock = _Clock(progress or (lambda _: None))
    clock.start("checking the toolchain")
    if not isinstance(module, nn.Module):
        raise WeightsError(f"the weights come with a module, not with a `{type(module).__name__}`")
    module = bare(module)
    if isinstance(module, torch.jit.ScriptModule):
        raise WeightsError(
            "the weights come with a TorchScript module, which cannot be held against what is compiled",
            "give the module that it was made of, or save its state_dict() and give that as `weights`",
        )
    state = check_fit(leaves_of(graph), module.state_dict(), "the module", graph.name)
    size = _bytes(module, options.precision)
    check_output(options.output, SUFFIX, size + _OVERHEAD)
    setting, using = check_options(graph, options)
    cache = Cache.open() if options.cache else Cache.none()
    with work_folder() as work, _quiet(), _threads(options.threads), enough_memory(f"compile `{graph.name}`"):
        # The code and, while it is linked, what the engine makes of the weights.
        check_output(work / f"model{SUFFIX}", SUFFIX, 3 * size + _OVERHEAD)
        clock.start("lowering")
        passes = Passes(options.without, options.also, options.precision)
        names = tuple(output.name for output in graph.outputs)
        if own:
            state = {name: tensor.clone() for name, tensor in state.items()}
        ready = module if own else _copied(module)
        ready.eval().requires_grad_(False).to(setting.torch_device, setting.dtype)
        network = Subject(graph, passes, Reference(ready, names, foreign=not own), state)
        network.lowered(using)
        int8 = None
        if setting.precision is Precision.INT8:
            int8 = Int8(network, setting, options.calibration, work, cache, clock.start)
            int8.prepare(entrants(setting)[0] if using is None else [using])

        def attempt(using: Engine, told: Progress) -> Made:
            return int8.make(using, told) if int8 else make(using, network, setting, work, cache, told)

        trials: tuple[Trial, ...] = ()
        if using is None:
            using, made, trials = choose(graph.name, setting, attempt, clock.start)
        else:
            made = attempt(using, clock.start)
        if int8 is not None:
            made = int8.against_float32(using, made)
        clock.start("writing")
        metadata = Metadata(
            network=graph.name,
            setting=made.setting,
            outputs=names,
            provenance=provenance or Provenance(),
            engine=using.name,
            versions=using.versions(),
            resnetdsl=VERSION,
            machine=Machine.this(setting.device),
            agreement=made.agreement,
            checkpoint=leaves_of(graph),
            recipes={} if made.quantised else made.lowered.recipes,
            trials=trials,
            quantised=made.quantised,
        )
        container.write(options.output, metadata, made.weights, made.code)
    notes = (*((cache.trouble,) if cache.trouble else ()), *made.notes)
    return CompileResult(options.output, metadata, clock.stop(), made.lowered.notes, notes, made.cached)


def check_options(graph: CheckedGraph, options: CompileOptions) -> tuple[Setting, Engine | None]:
    """What is built for, and the engine, None where the fastest is to be found.

    Whatever can be refused of the options alone is refused here: before any work, with a `CompileError`.
    """
    check_output(options.output, SUFFIX, _OVERHEAD)
    setting = decide(graph, options)
    using = engine_for(options.backend, setting.device, setting.precision, setting.layout)
    check_serves(graph, setting, options, using)
    return setting, using


def bare(module: nn.Module) -> nn.Module:
    """The module itself, without what `torch.compile` and data parallelism wrap it in."""
    while True:
        match module:
            case nn.Module(_orig_mod=nn.Module() as inner):  # its class comes with all of torch._dynamo
                module = inner
            case nn.DataParallel() | nn.parallel.DistributedDataParallel():
                module = module.module
            case _:
                return module


def _copied(module: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(module)
    except Exception as error:
        if is_lack_of_memory(error):
            raise
        raise WeightsError(
            f"the module cannot be copied: {first_line(error)}", "give its state_dict() as `weights`"
        ) from error


def _bytes(module: nn.Module, precision: Precision) -> int:
    """How much the weights will take."""
    width: int = getattr(torch, precision.tensors).itemsize
    count = sum(tensor.numel() for tensor in module.state_dict().values())
    return int(count) * width


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's warnings about its own insides from the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"torch\.|copyreg")
        yield


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Compile and measure for so many threads; engines ask PyTorch for their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
