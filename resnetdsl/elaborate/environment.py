"""Names in reach of an expression, innermost first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from resnetdsl.elaborate.values import Value


@dataclass(slots=True, eq=False)
class Env:
    """The names of a body, a file or the library. `lazy` makes a name's value when it is first asked for.

    Lazy names let a file be read in no order, and a family of eighty networks cost no more than the one wanted.
    """

    parent: Env | None = None
    names: dict[str, Value] = field(default_factory=dict)
    lazy: dict[str, Callable[[], Value]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    """Which of `x` and `here` the spec has given a meaning of its own, that no step of the body changes."""
    unknown: bool = False
    """Whether it may have names that nobody knows: all those of a file that could not be imported."""

    def find(self, name: str) -> Env | None:
        """The innermost environment that has the name."""
        env: Env | None = self
        while env is not None:
            if name in env.names or name in env.lazy:
                return env
            env = env.parent
        return None

    def may_have_more(self) -> bool:
        """Whether a name that is not found may have been meant to be there."""
        return self.unknown or (self.parent is not None and self.parent.may_have_more())

    def value(self, name: str) -> Value:
        """The value of a name that `find` has found here."""
        if name not in self.names:
            self.names[name] = self.lazy[name]()
        return self.names[name]

    def child(self, **names: Value) -> Env:
        return Env(self, names)

    def all_names(self) -> Iterator[str]:
        """Every name in reach, for suggestions."""
        env: Env | None = self
        while env is not None:
            yield from env.names
            yield from env.lazy
            env = env.parent
