"""Expressions that make a module, with their numbers cut out.

Two copies of a block differ in numbers alone. `outline` is what they have in common, `holes` the numbers in
order, and `render` puts other texts in their place: literals, or the parameters of a class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from resnetdsl.emit.pytorch.text import formatted, literal
from resnetdsl.ir.graph import Value

Key = object
"""Hashable nested tuples."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A number. `names` are what it may be called, best first; `channels` says that it counts channels.

    An argument whose text is `default` is left out: the callee has it already.
    """

    value: Value
    names: tuple[str, ...] = ()
    channels: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Fixed:
    """An argument that is part of the structure: a flag, a word, nothing."""

    value: Value
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Make:
    """A call of a class: torch's by its name, one of the emitted by its number."""

    target: str | int
    args: tuple[Part, ...] = ()
    kwargs: tuple[tuple[str, Part], ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """`nn.Sequential` of named modules."""

    items: tuple[tuple[str, Part], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Code with numbers in it: n + 1 pieces around n holes."""

    pieces: tuple[str, ...]
    numbers: tuple[Hole, ...] = ()


Part = Hole | Fixed | Make | Chain | Text

IDENTITY = Make("nn.Identity")


def outline(part: Part) -> Key:
    match part:
        case Hole():
            return "#"
        case Fixed(value):
            return (type(value).__name__, value)
        case Make(target, args, kwargs):
            return (target, tuple(map(outline, args)), tuple((name, outline(arg)) for name, arg in kwargs))
        case Chain(items):
            return ("chain", tuple((name, outline(item)) for name, item in items))
        case Text(pieces):
            return pieces


def holes(part: Part) -> Iterator[Hole]:
    """The numbers, in the order in which `render` asks for their texts."""
    match part:
        case Hole():
            yield part
        case Fixed():
            pass
        case Make(_, args, kwargs):
            for arg in args:
                yield from holes(arg)
            for _, arg in kwargs:
                yield from holes(arg)
        case Chain(items):
            for _, item in items:
                yield from holes(item)
        case Text(_, numbers):
            yield from numbers


def literals(part: Part) -> Iterator[str]:
    return (literal(hole.value) for hole in holes(part))


class Printer:
    """Renders parts. `names` are the emitted classes' names by number; `used` collects what to import."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def render(self, part: Part, texts: Iterator[str]) -> str:
        """The code, on one line, with the next of the texts in each hole."""
        match part:
            case Hole():
                return next(texts)
            case Fixed(value):
                return literal(value)
            case Make(target, args, kwargs):
                written = [self.render(arg, texts) for arg in args]
                for name, arg in kwargs:
                    text = self.render(arg, texts)
                    if not (isinstance(arg, Hole | Fixed) and text == arg.default):
                        written.append(f"{name}={text}")
                return f"{target if isinstance(target, str) else self.names[target]}({', '.join(written)})"
            case Chain(items):
                return f"nn.Sequential({self.sequence(items, texts)})"
            case Text(pieces, numbers):
                return pieces[0] + "".join(next(texts) + piece for _, piece in zip(numbers, pieces[1:], strict=True))

    def sequence(self, items: Sequence[tuple[str, Part]], texts: Iterator[str]) -> str:
        """The arguments of `nn.Sequential`: runs of copies as one generator."""
        filled = [(name, part, [next(texts) for _ in holes(part)]) for name, part in items]
        named = [name for name, _ in items] != [str(i) for i in range(len(items))]
        written, at = [], 0
        while at < len(filled):
            count, each, loop = self._run(filled, at, named)
            name = filled[at][0]
            if count == 1:
                written.append(f"({literal(name)}, {each})" if named else each)
            else:
                entry = f"({formatted(stem(name), 'i')}, {each})" if named else each
                written.append(f"*({entry} for {loop})")
            at += count
        return f"OrderedDict([{', '.join(written)}])" if named else ", ".join(written)

    def _run(self, items: list[tuple[str, Part, list[str]]], at: int, named: bool) -> tuple[int, str, str]:
        """How many items from here on are one text, what that is, and what to loop over."""
        name, part, texts = items[at]
        single = self.render(part, iter(texts))
        key = outline(part)
        alike = 1
        while (
            at + alike < len(items) and items[at + alike][2] == texts and self._follows(items, at + alike, named, key)
        ):
            alike += 1
        first = int(name[len(stem(name)) :]) if named and alike > 2 else 0
        if alike > 2:
            return alike, single, f"i in range({first}, {first + alike})" if named else f"_ in range({alike})"
        if alike > 1 or named or at + 1 == len(items):
            return 1, single, ""
        return self._steps(items, at, key) or (1, single, "")

    @staticmethod
    def _follows(items: list[tuple[str, Part, list[str]]], at: int, named: bool, key: Key) -> bool:
        return outline(items[at][1]) == key and (not named or follows(items[at - 1][0], items[at][0]))

    def _steps(self, items: list[tuple[str, Part, list[str]]], at: int, key: Key) -> tuple[int, str, str] | None:
        """Copies whose one number differs: a generator over `range` if it rises evenly, else over the numbers."""
        _, part, texts = items[at]
        if not isinstance(part, Make) or any(isinstance(arg, Make | Chain) for _, arg in part.kwargs):
            return None
        differing = [i for i, (a, b) in enumerate(zip(texts, items[at + 1][2], strict=False)) if a != b]
        if len(differing) != 1:
            return None
        place = differing[0]
        values = [texts[place]]
        for _, other, theirs in islice(items, at + 1, None):
            if outline(other) != key or theirs[:place] + theirs[place + 1 :] != texts[:place] + texts[place + 1 :]:
                break
            values.append(theirs[place])
        if len(values) < 4:
            return None
        hole = list(holes(part))[place]
        step = _step(values)
        if step is not None:
            text, loop = step, f"i in range({len(values)})"
        elif all(value[0].isdigit() for value in values):
            text = hole.names[0] if hole.names and hole.names[0].isidentifier() else "value"
            loop = f"{text} in ({', '.join(values)})"
        else:
            return None
        each = self.render(part, iter([*texts[:place], text, *texts[place + 1 :]]))
        return len(values), each, loop


def follows(name: str, other: str) -> bool:
    """Whether two names differ in a number at their end alone, and the second has the next."""
    start = len(stem(name))
    number = name[start:]
    return bool(number) and number == str(int(number)) and other == f"{name[:start]}{int(number) + 1}"


def stem(name: str) -> str:
    """A name without the number at its end."""
    return name.rstrip("0123456789")


def _step(values: list[str]) -> str | None:
    """Numbers that rise evenly, as an expression of their place `i`; None where no such expression gives just these."""
    if not all(value[0].isdigit() for value in values):
        return None
    if all(value.isdigit() for value in values):
        first, step = int(values[0]), int(values[1]) - int(values[0])
        even = all(int(value) == first + step * i for i, value in enumerate(values))
        return line(first, step) if even and step > 0 else None
    # The shares of stochastic depth: whole numbers over a common one.
    one, two = (Fraction(float(value)).limit_denominator(10_000) for value in values[:2])
    below = math.lcm(one.denominator, two.denominator)
    start, rise = int(one * below), int((two - one) * below)
    even = all((start + rise * i) / below == float(value) for i, value in enumerate(values))
    if not even or rise <= 0:
        return None
    made = line(start, rise)
    return f"({made}) / {below}" if "+" in made else f"{made} / {below}"


def line(first: int, step: int) -> str:
    """`2 * i + 3`."""
    rising = "i" if step == 1 else f"{step} * i"
    return f"{rising} {'+' if first > 0 else '-'} {abs(first)}" if first else rising
