"""What can be wrong, as data: a code states the words once, a fact fills them in, a diagnostic is the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from resnetdsl.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """One thing that can be wrong, for ever under one id.

    `title`, `label`, `helps`, `notes` and the values of `roles` are `str.format` templates over a fact's
    data; a template that names a field which the fact lacks (or has as None) is left out. `label` goes under
    the primary span, `roles[role]` under the secondary span of that role. `bad` and `good` are whole specs, or targets
    if the language is YAML, and tests run them. `reference` is the paper and table of a lint.
    """

    id: str
    name: str
    title: str
    label: str
    explanation: str
    bad: str
    good: str
    roles: Mapping[str, str] = field(default_factory=dict)
    helps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reference: str = ""
    fields: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    bad_is_spec: bool = True
    language: Literal["rnet", "yaml"] = "rnet"

    @property
    def severity(self) -> Severity:
        return Severity.ERROR if self.id.startswith("E") else Severity.WARNING


@dataclass(frozen=True, slots=True)
class Edit:
    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A step of the way to a fact: `stage layer2`, `block 0 (basic at std/blocks.rnet:12)`; `call` asked for it."""

    text: str
    call: Span | None = None


@dataclass(frozen=True, slots=True)
class Inside:
    """Where a mistake shows that is told where it was made: in `callee`, by what it got as `param` if that is known."""

    span: Span
    callee: str
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A defect found: its code, its place and what fills the words. `trail` goes from the network inwards."""

    code: str
    span: Span
    data: Mapping[str, object] = field(default_factory=dict)
    also: tuple[tuple[str, Span], ...] = ()
    trail: tuple[Frame, ...] = ()
    fix: tuple[Edit, ...] = ()
    inside: Inside | None = None


@dataclass(frozen=True, slots=True)
class Label:
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A worded fact, ready to draw."""

    code: Code
    title: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    helps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    trail: tuple[Frame, ...] = ()
    fix: tuple[Edit, ...] = ()


class Sink:
    """Where facts are collected. A second fact of one code at one place is the same mistake and is dropped."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._seen: set[tuple[str, int, int, int]] = set()

    def report(
        self,
        code: str,
        span: Span,
        *,
        also: tuple[tuple[str, Span], ...] = (),
        trail: tuple[Frame, ...] = (),
        fix: tuple[Edit, ...] = (),
        **data: object,
    ) -> None:
        self.take((Fact(code, span, data, also, trail, fix),))

    def take(self, facts: Iterable[Fact]) -> None:
        """Add facts found elsewhere, but none that is here already."""
        for fact in facts:
            # What one argument does inside of a call is one mistake, whatever it breaks there.
            code = "" if fact.inside is not None and fact.code.startswith("E") else fact.code
            key = (code, id(fact.span.file), fact.span.start, fact.span.end)
            if key not in self._seen:
                self._seen.add(key)
                self.facts.append(fact)

    @property
    def has_errors(self) -> bool:
        return any(fact.code.startswith("E") for fact in self.facts)
