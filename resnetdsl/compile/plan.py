"""What a compilation will do, before it does it: `compile --plan`, and the graph after each pass for `--emit`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from resnetdsl.compile.cache import Cache
from resnetdsl.compile.calibration import sample_files
from resnetdsl.compile.choose import check_served, entrants
from resnetdsl.compile.engines.base import Engine, Setting
from resnetdsl.compile.engines.registry import engine_for
from resnetdsl.compile.errors import CompileError
from resnetdsl.compile.inputs import input_spec
from resnetdsl.compile.key import key
from resnetdsl.compile.lower.lowered import Lowered, Note, missed, unlowered, weights_of
from resnetdsl.compile.lower.pipeline import PASSES, lower
from resnetdsl.compile.make import settled
from resnetdsl.compile.options import Backend, CompileOptions, Precision
from resnetdsl.compile.passes import Passes
from resnetdsl.compile.toolchain import find_device
from resnetdsl.ir.dump import dump
from resnetdsl.ir.graph import CheckedGraph, Graph

_PLACES = 3
"""How many places of one kind are named."""

_LETTERS = 160
"""How long their names may be together."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The graph after a pass."""

    name: str
    doc: str
    lowered: Lowered


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done to a network, and what not and why not."""

    graph: CheckedGraph
    setting: Setting
    options: CompileOptions
    stages: tuple[Stage, ...]
    using: Engine | None
    """None where the fastest is to be found, and where the one that is asked for cannot serve."""
    refused: CompileError | None
    """Why `compile` would end at once, where it would."""
    left_out: Mapping[str, str]

    @property
    def lowered(self) -> Lowered:
        """What an engine is given."""
        return self.stages[-1].lowered

    @property
    def notes(self) -> tuple[Note, ...]:
        return self.lowered.notes

    def emit(self) -> Iterator[tuple[str, str]]:
        """A name and the YAML of the graph as it was checked, then after each pass."""
        for number, stage in enumerate(self.stages):
            yield f"{number:02}-{stage.name}", f"# {stage.doc}\n{dump(stage.lowered.graph)}"

    def __str__(self) -> str:
        return "\n".join(self.lines(100)) + "\n"

    def lines(self, width: int) -> Iterator[str]:
        """The plan as text: the decisions, what the passes do, and what they do not and why."""
        yield f"{self.graph.name}: {_size(self.graph)} become {_size(self.lowered.graph)}"
        yield ""
        decisions = [*self._decisions()]
        indent = max(len(name) for name, _ in decisions) + 4
        for name, text in decisions:
            yield from _wrapped(f"  {name}", text, indent, width)
        yield ""
        indent = max(len(each.name) for each in PASSES) + 4
        for each in PASSES:
            if each.name in self.left_out:
                yield from _wrapped(f"  {each.name}", f"left out: {self.left_out[each.name]}", indent, width)
                continue
            found = _grouped([note for note in self.notes if note.step == each.name and note.done])
            for what, places in found or [("nothing to do", [])]:
                yield from _wrapped(f"  {each.name}", f"{what}{_places(places)}", indent, width)
        if left := self._missed():
            yield ""
            yield "to be expected, and not done:"
            for (what, why), places in left.items():
                yield from _wrapped("  ", f"{what}{_places(places)}", 2, width)
                yield from _wrapped("      ", why, 6, width)

    def _missed(self) -> dict[tuple[str, str], list[str]]:
        """What no later pass did either, by what and why."""
        found: dict[tuple[str, str], list[str]] = {}
        for note in missed(self.notes):
            found.setdefault((note.what, note.why), []).append(note.where)
        return found

    def _decisions(self) -> Iterator[tuple[str, str]]:
        setting, options = self.setting, self.options
        yield "input", str(setting.input)
        threads = options.threads or torch.get_num_threads()
        count = "1 thread" if threads == 1 else f"{threads} threads"
        yield "device", setting.device if setting.device == "cuda" else f"{setting.device}, {count}"
        yield "precision", setting.precision.value
        yield "layout", self._layout()
        yield "mode", setting.mode.value
        yield "engine", self._engine()

    def _layout(self) -> str:
        if self.setting.layout is not None:
            return f"{self.setting.layout.value}, as asked"
        if self.using is None:
            return "as the engine has it"
        known = self.using.layouts(self.setting.device)
        return f"{known.usual.value}, {known.why}" if known.usual else f"the engine's own: {known.why}"

    def _engine(self) -> str:
        setting = self.setting
        if self.using is None:
            if self.refused is not None and self.options.backend not in {None, Backend.AUTO}:
                return self.refused.message
            names = [each.name for each in entrants(setting)[0]]
            return f"the fastest of {', '.join(names)}, to be measured" if names else "none can be used here"
        if setting.precision is Precision.INT8:
            return f"{self.using.name}; whether its code is in the cache depends on the weights and the samples"
        cache = Cache.open() if self.options.cache else Cache.none()
        known = cache.has(key(self.graph, self.lowered, settled(self.using, setting), self.using))
        return f"{self.using.name}; its code is {'in the cache' if known else 'to be built'}"


def plan(graph: CheckedGraph, options: CompileOptions) -> Plan:
    """What `compile_module` would do. Nothing is compiled and no weights are needed."""
    setting = decide(graph, options)
    using, refused = None, None
    try:
        using = engine_for(options.backend, setting.device, setting.precision, setting.layout)
        check_serves(graph, setting, options, using)
    except CompileError as error:
        refused = error
    left_out = Passes(options.without, options.also, options.precision).left_out(using)
    stages = [Stage("checked", "the network as it was checked", unlowered(graph))]
    lower(graph, left_out, lambda each, found: stages.append(Stage(each.name, each.doc, found)))
    return Plan(graph, setting, options, tuple(stages), using, refused, left_out)


def check_serves(graph: CheckedGraph, setting: Setting, options: CompileOptions, using: Engine | None) -> None:
    """Refuse what no engine here can serve, and samples that are not there."""
    if using is None:
        check_served(graph.name, setting)
    if setting.precision is Precision.INT8 and options.calibration.path is not None:
        sample_files(Path(options.calibration.path))


def decide(graph: CheckedGraph, options: CompileOptions) -> Setting:
    """What is built for, where the options leave it open. A `CompileError` where there is no such device."""
    device = find_device(options.device)
    return Setting(device.type, options.precision, options.mode, options.layout, input_spec(graph, options.batch))


def _size(graph: Graph) -> str:
    count = sum(_numel(weight.shape) for _, weight in weights_of(graph) if weight.trainable)
    return f"{len(graph) - 1} ops with {count / 1e6:.2f}M weights"


def _numel(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _grouped(notes: list[Note]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for note in notes:
        found.setdefault(note.what, []).append(note.where)
    return list(found.items())


def _places(places: list[str]) -> str:
    """`, 53 times: bn1, layer1.0.bn1, layer1.0.bn2 ...`"""
    if not places:
        return ""
    named: list[str] = []
    for place in places[:_PLACES]:
        if not named or sum(map(len, named)) + len(place) <= _LETTERS:
            named.append(place)
    listed = ("; " if any("," in place for place in named) else ", ").join(named)
    more = " ..." if len(places) > len(named) else ""
    return f": {listed}" if len(places) == 1 else f", {len(places)} times: {listed}{more}"


def _wrapped(head: str, text: str, indent: int, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=head.ljust(indent),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
