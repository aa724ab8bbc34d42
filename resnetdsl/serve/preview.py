"""What the page shows of a spec: its diagram and its mistakes, and while there are some the last good diagram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from resnetdsl.api import load
from resnetdsl.diagnostics.model import Diagnostic, Severity
from resnetdsl.diagnostics.render.paint import Style
from resnetdsl.diagnostics.render.text import rows
from resnetdsl.elaborate.values import Value
from resnetdsl.emit.outline import Level
from resnetdsl.emit.viewer.document import Plain, document
from resnetdsl.emit.words import printable
from resnetdsl.spec import Size, Spec, SpecError

_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line: a network, other values for its parameters, a size, a level."""

    network: str | None = None
    overrides: Callable[[Spec], dict[str, Value]] = lambda _: {}
    input: Size | None = None
    level: Level = Level.STAGE


@dataclass(slots=True)
class Preview:
    """A spec that is read anew whenever it has changed. Threads may ask at once; they are answered one by one."""

    path: Path
    wish: Wish = field(default_factory=Wish)
    revision: int = 0
    _spec: Spec | None = None
    _failure: SpecError | None = None
    _answers: dict[str | None, Plain] = field(default_factory=dict)
    _good: dict[str, Plain] = field(default_factory=dict)
    _last: str | None = None
    _watched: tuple[Path, ...] = ()
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.reload()

    @property
    def watched(self) -> tuple[Path, ...]:
        """The file and what it imports; while it cannot be read, what it imported before."""
        return (self.path, *self._watched)

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that can be shown; none while the file cannot be read."""
        if self._spec is None:
            return ()
        wished = self.wish.network
        more = (wished,) if wished is not None and wished in self._spec.templates else ()
        return (*self._spec.networks, *more)

    def reload(self) -> None:
        """Read the file; what is drawn of it is made when it is asked for."""
        with self._lock:
            try:
                self._spec, self._failure = load(self.path), None
                self._watched = self._spec.loader.paths()
            except SpecError as failure:
                self._spec, self._failure = None, failure
            self._answers.clear()
            self.revision += 1

    def state(self, network: str | None = None) -> Plain:
        """Everything that the page shows of a network, or of the one wished for, or of the first."""
        with self._lock:
            if network not in self._answers:
                self._answers[network] = self._state(network)
            return self._answers[network]

    def _state(self, wanted: str | None) -> Plain:
        if self._spec is None:
            failure = self._failure
            message = failure.message if failure is not None else ""
            return self._answer((), wanted or self._last, None, failure.diagnostics if failure else (), message)
        spec = self._spec
        networks = self.networks
        name = next((each for each in (wanted, self.wish.network, self._last) if each in networks), None)
        name = name or next(iter(networks), None)
        message = ""
        for asked in (wanted, self.wish.network):
            if asked is not None and asked not in networks:
                message = f"the file has no network `{printable(asked)}`"
        if name is None:
            report = spec.check()
            message = "" if report.errors else "the file has no network that can be built without arguments"
            return self._answer(networks, None, None, report.diagnostics, message)
        try:
            # Values and a size of the command line are for the network that it named, or for the first.
            ours = name == (self.wish.network or networks[0])
            given = self.wish.overrides(spec) if ours else {}
            report = spec.check(name, overrides=given, input=self.wish.input if ours else None)
        except SpecError as problem:
            return self._answer(networks, name, None, problem.diagnostics, problem.message)
        # A network without mistakes is drawn, though the file may have some elsewhere.
        graph = report.graphs.get(name)
        drawn = document(graph, self.wish.level) if graph is not None else None
        return self._answer(networks, name, drawn, report.diagnostics, message)

    def _answer(
        self,
        networks: Sequence[str],
        name: str | None,
        drawn: Plain | None,
        diagnostics: Sequence[Diagnostic],
        message: str,
    ) -> Plain:
        if drawn is not None and name is not None:
            self._good[name] = drawn
            self._last = name
        kept = self._good.get(name or self._last or "")
        return {
            "revision": self.revision,
            "file": printable(self.path.name),
            "networks": [printable(each) for each in networks],
            "network": name,
            "document": drawn or kept,
            "stale": drawn is None and kept is not None,
            "errors": sum(each.code.severity is Severity.ERROR for each in diagnostics),
            "message": printable(message.replace(str(self.path), self.path.name)),
            "problems": [_problem(each) for each in diagnostics],
        }


def _problem(diagnostic: Diagnostic) -> Plain:
    drawn = [
        [[text, "" if style is Style.PLAIN else style.name.lower()] for text, style in row.pieces]
        for row in rows(diagnostic, _WIDTH)
    ]
    return {
        "code": diagnostic.code.id,
        "severity": diagnostic.code.severity.value,
        "title": diagnostic.title,
        "rows": drawn,
    }
