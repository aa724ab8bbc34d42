"""A target's text checked: every mistake in one run, each at its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from resnetdsl.compile.targets.document import Scalar, Sequence, Table, Value, read
from resnetdsl.compile.targets.model import INT8, Target
from resnetdsl.compile.targets.settings import (
    CHOICES,
    CONFLICTS,
    COUNTS,
    KEEP,
    NAMES,
    NUMBERS,
    OTHER_NAMES,
    SWITCH,
    TEXTS,
    Count,
)
from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate.meant import nearest
from resnetdsl.source import SourceFile

Passes = Callable[[], tuple[str, ...]]


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
        keys = {key.text: key for key, _ in reversed(table.entries)}
        for key, value in self._once(table):
            if key.text not in NAMES:
                self.sink.report("E1004", key.span, name=key.text, suggestion=nearest(key.text, NAMES), known=NAMES)
                continue
            made = self.setting(key.text, value)
            if made is not None:
                found[key.text] = made
                if isinstance(value, Scalar):
                    places[key.text] = value
        self._conflicts(places)
        if "dtype" in found or "dtype" not in keys:
            self._int8([keys[name] for name in found if name in INT8], places.get("dtype"))
        return found

    def setting(self, name: str, value: Value) -> object:
        """What is set, None after a mistake."""
        if name == "passes":
            return self.passes_of(value)
        if name in NUMBERS:
            return self.several(name, value, "a number or a list of numbers", NUMBERS[name].example, self.number)
        if name == "keep_float":
            return self.several(name, value, "a word or a list of words", "last", self.choice)
        return self.value(name, value)

    def _once(self, table: Table) -> list[tuple[Scalar, Value]]:
        """The entries, without those whose key was there before."""
        first: dict[str, tuple[Scalar, Value]] = {}
        for key, value in table.entries:
            if key.text in first:
                self.sink.report("E1005", key.span, also=(("first", first[key.text][0].span),), name=key.text)
            else:
                first[key.text] = key, value
        return list(first.values())

    def value(self, name: str, value: Value) -> object:
        """A setting of one value. None after a mistake."""
        if not _single(value) or (name == "calibration" and not value.text):
            wanted = "a path" if name == "calibration" else "a text" if name in TEXTS else "a single value"
            usual = "cpu" if name == "device" else CHOICES[name][0] if name in CHOICES else _example(name)
            self._wrong_kind(name, value, wanted, usual, "an empty text" if _single(value) else "")
            return None
        if name in TEXTS:
            return value.text
        return self.count(name, value, COUNTS[name]) if name in COUNTS else self.choice(name, value)

    def several(
        self, name: str, value: Value, wanted: str, example: str, one: Callable[[str, Scalar], Any]
    ) -> tuple[Any, ...] | None:
        """A setting of one value or of a list of them. None after a mistake."""
        items = value.items if isinstance(value, Sequence) else (value,)
        if not items:
            self._wrong_kind(name, value, wanted, example, "an empty list")
            return None
        found: list[Any] = []
        for item in items:
            if _single(item):
                found.append(one(name, item))
            else:
                self._wrong_kind(name, item, wanted, example, "a list in a list" if isinstance(item, Sequence) else "")
                found.append(None)
        return None if None in found else tuple(found)

    def number(self, name: str, value: Scalar) -> object:
        """One of several numbers."""
        return self.count(name, value, NUMBERS[name])

    def count(self, name: str, value: Scalar, kind: Count) -> object:
        """A number, or what is written like one."""
        found = kind.read(value.text)
        if found is None:
            self.sink.report("E1007", value.span, name=name, value=value.text, wanted=kind.wanted)
        return found

    def choice(self, name: str, value: Scalar) -> str | None:
        """One of a few words."""
        choices = KEEP if name == "keep_float" else CHOICES[name]
        if value.text in choices:
            return value.text
        self._no_choice(name, value, choices)
        return None

    def passes_of(self, value: Value) -> dict[str, bool] | None:
        """The passes that are switched on or off."""
        passes = self.known_passes()
        if not isinstance(value, Table):
            self._wrong_kind("passes", value, "a table of passes", f"{{{passes[0]}: off}}")
            return None
        found: dict[str, bool] = {}
        for key, switch in self._once(value):
            if key.text not in passes:
                suggestion = nearest(key.text, passes)
                self.sink.report("E1009", key.span, name=key.text, suggestion=suggestion, known=passes)
            elif not isinstance(switch, Scalar):
                self._wrong_kind(key.text, switch, "on or off", "off")
            elif switch.text.lower() not in SWITCH:
                self._no_choice(key.text, switch, ("on", "off"))
            else:
                found[key.text] = SWITCH[switch.text.lower()]
        return found

    def _wrong_kind(self, name: str, value: Value, wanted: str, example: str, got: str = "") -> None:
        example = f"{name}: {example}"
        self.sink.report("E1008", value.span, name=name, wanted=wanted, got=got or _kind(value), example=example)

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

    def _int8(self, keys: list[Scalar], dtype: Scalar | None) -> None:
        """Settings that only int8 has a use for, and the type that is set."""
        if dtype is not None and dtype.text == "int8":
            return
        also = () if dtype is None else (("dtype", dtype.span),)
        for key in keys:
            self.sink.report("E1011", key.span, also=also, name=key.text)


def _single(value: Value) -> TypeGuard[Scalar]:
    """Whether something is there, and only one."""
    return isinstance(value, Scalar) and bool(value.text or value.quoted)


def _example(name: str) -> str:
    return TEXTS[name] if name in TEXTS else COUNTS[name].example


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
