"""What may have been meant: a name that is near, a layer in place of a method, a layer in place of a value."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from resnetdsl.elaborate.environment import Env
from resnetdsl.elaborate.habits import HINTS, MEANT, fold, hint
from resnetdsl.elaborate.values import Layer, Value
from resnetdsl.ops.registry import OPS
from resnetdsl.syntax import ast

_WORDS = frozenset(word for op in OPS.values() for param in op.params for word in param.choices)
"""What stands in quotes as an argument: `pad = "same"`."""


_MANY = 500
"""So many mistakes are more than anybody is shown: from there on no time is spent on what was meant."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, if one is near."""
    return _nearest(name, frozenset(names))


def unknown(name: str, names: Iterable[str], told: int) -> dict[str, Any]:
    """The words of E0201: what was probably meant, or what to do instead. `nn.Conv2d` is told by its last part.

    `told` is how many mistakes there are so far.
    """
    if told > _MANY:
        return {"suggestion": None, "hint": None}
    known = hint(name)
    first, _, last = name.rpartition(".")
    if first:
        return {"suggestion": None if first == "self" or last in HINTS else nearest(last, names), "hint": known}
    if name in _WORDS:
        return {"suggestion": f'"{name}"', "hint": "words are in quotes"}
    if fold(name) in MEANT or known is None:
        return {"suggestion": nearest(name, names), "hint": None}
    return {"suggestion": None, "hint": known}


@lru_cache(maxsize=256)
def _nearest(name: str, names: frozenset[str]) -> str | None:
    import difflib  # slow to import, and rarely needed

    for meant in MEANT.get(fold(name), ()):
        if meant in names:
            return meant
    folded = fold(name)
    for same in sorted(names):
        if len(folded) <= len(same) and fold(same) == folded:
            return same
    found = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.6)
    return found[0] if found else None


def method_as_layer(node: ast.Attribute, env: Env) -> str | None:
    """`x.flatten()` is `x -> flatten`, where there is such a layer."""
    meant = node.name if env.find(node.name) else next((m for m in MEANT.get(node.name, ()) if env.find(m)), None)
    home = env.find(meant) if meant is not None else None
    if meant is None or home is None or not isinstance(home.value(meant), Layer):
        return None
    return f"a layer is applied to a tensor by `->`: `{node.value.span.text} -> {meant}`"


def instead(value: Value, env: Env) -> dict[str, Any]:
    """The words of E0218: what may have been meant by a value that is no layer."""
    if isinstance(value, str) and (near := nearest(value, env.all_names())) is not None:
        hint = f"layers go by their names, without quotes: `{near}`"
        return {"hint": hint, "found": f'"{value}"', "suggestion": near}
    if isinstance(value, tuple) and value and all(isinstance(item, Layer) for item in value):
        return {"hint": "layers follow one another with `->`: `conv(64, 3x3) -> relu`"}
    return {"hint": "write `let name = ...` to give a value a name"}
