"""A target's text checked: every mistake in one run, each at its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resnetdsl.compile.targets.document import Scalar, Sequence, Table, Value, read
from resnetdsl.compile.targets.model import Target
from resnetdsl.compile.targets.settings import (
    CHOICES,
    CONFLICTS,
    NAMES,
    OTHER_NAMES,
    SWITCH,
    batch_problem,
    threads_problem,
)
from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate.arguments import nearest
from resnetdsl.source import SourceFile

Passes = Callable[[], tuple[str, ...]]

_COUNTS = {"batch": batch_problem, "threads": threads_problem}


def check_target(file: SourceFile, name: str, sink: Sink, passes: Passes) -> Target | None:
    """The target that a text describes, or None if `sink` has been told of mistakes. `passes` gives those there are."""
    root = read(file, sink)
    if root is None and not sink.facts:
        sink.report("E1003", file.span(len(file.text), len(file.text)), got="empty")
    elif isinstance(root, Scalar | Sequence):
        sink.report("E1003", root.span, got=_kind(root))
    elif isinstance(root, Table):
        found = _Checker(sink, passes).settings(root)
        if not sink.facts:
            return Target(name, **found)
    return None


class _Checker:
    def __init__(self, sink: Sink, passes: Passes) -> None:
        self.sink = sink
        self.known_passes = passes

    def settings(self, table: Table) -> dict[str, Any]:
        found: dict[str, Any] = {}
        places: dict[str, Scalar] = {}
        for key, value in self._once(table):
            if key.text not in NAMES:
                self.sink.report("E1004", key.span, name=key.text, suggestion=nearest(key.text, NAMES), known=NAMES)
                continue
            made = self.passes_of(value) if key.text == "passes" else self.value(key.text, value)
            if made is not None:
                found[key.text] = made
                if isinstance(value, Scalar):
                    places[key.text] = value
        self._conflicts(places)
        return found

    def _once(self, table: Table) -> list[tuple[Scalar, Value]]:
        """The entries, without those whose key was there before."""
        first: dict[str, tuple[Scalar, Value]] = {}
        for key, value in table.entries:
            if key.text in first:
                self.sink.report("E1005", key.span, also=(("first", first[key.text][0].span),), name=key.text)
            else:
                first[key.text] = key, value
        return list(first.values())

    def value(self, name: str, value: Value) -> str | int | None:
        """A setting of one value. None after a mistake."""
        usual = "cpu" if name == "device" else CHOICES[name][0] if name in CHOICES else "1"
        if not isinstance(value, Scalar) or not (value.text or value.quoted):
            wanted = "a text" if name == "description" else "a single value"
            self.sink.report(
                "E1008", value.span, name=name, wanted=wanted, got=_kind(value), example=f"{name}: {usual}"
            )
            return None
        if name == "description":
            return value.text
        if name in _COUNTS:
            if (wanted_count := _COUNTS[name](value.text)) is not None:
                self.sink.report("E1007", value.span, name=name, value=value.text, wanted=wanted_count)
                return None
            return int(value.text) if name == "threads" else value.text
        if value.text not in CHOICES[name]:
            self._no_choice(name, value, CHOICES[name])
            return None
        return value.text

    def passes_of(self, value: Value) -> dict[str, bool] | None:
        """The passes that are switched on or off."""
        passes = self.known_passes()
        if not isinstance(value, Table):
            example = f"passes: {{{passes[0]}: off}}"
            self.sink.report(
                "E1008", value.span, name="passes", wanted="a table of passes", got=_kind(value), example=example
            )
            return None
        found: dict[str, bool] = {}
        for key, switch in self._once(value):
            if key.text not in passes:
                suggestion = nearest(key.text, passes)
                self.sink.report("E1009", key.span, name=key.text, suggestion=suggestion, known=passes)
            elif not isinstance(switch, Scalar):
                self.sink.report(
                    "E1008",
                    switch.span,
                    name=key.text,
                    wanted="on or off",
                    got=_kind(switch),
                    example=f"{key.text}: off",
                )
            elif switch.text.lower() not in SWITCH:
                self._no_choice(key.text, switch, ("on", "off"))
            else:
                found[key.text] = SWITCH[switch.text.lower()]
        return found

    def _no_choice(self, name: str, value: Scalar, choices: tuple[str, ...]) -> None:
        other = OTHER_NAMES.get(value.text.lower())
        suggestion = other if other in choices else nearest(value.text.lower(), choices)
        self.sink.report("E1006", value.span, name=name, value=value.text, choices=choices, suggestion=suggestion)

    def _conflicts(self, places: dict[str, Scalar]) -> None:
        for name, value, other, found, reason, help in CONFLICTS:
            one, two = places.get(name), places.get(other)
            if one is not None and two is not None and (one.text, two.text) == (value, found):
                self.sink.report(
                    "E1010",
                    one.span,
                    also=(("other", two.span),),
                    name=name,
                    value=value,
                    other=other,
                    found=found,
                    reason=reason,
                    help=help,
                )


def _kind(value: Value) -> str:
    match value:
        case Scalar(text="", quoted=False):
            return "nothing"
        case Scalar():
            return "a single value"
        case Table():
            return "a table"
        case Sequence():
            return "a list"
