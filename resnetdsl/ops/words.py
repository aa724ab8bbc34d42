"""The parameters of ops in words, for the reference and for editors."""

from __future__ import annotations

from resnetdsl.ops.base import REQUIRED, Kind, Param


def signature(param: Param) -> str:
    """`stride = 1`, or the name alone where it must be given."""
    return param.name if param.default is REQUIRED else f"{param.name} = {_value(param, param.default)}"


def default(param: Param) -> str:
    return "" if param.default is REQUIRED else f"`{_value(param, param.default)}`"


def kind(param: Param) -> str:
    """What it may be: its kind, its bounds, its words."""
    bounds = [f"at least {param.minimum:g}"] if param.minimum is not None else []
    bounds += [f"at most {param.maximum:g}"] if param.maximum is not None else []
    words = [f"`{_value(param, word)}`" for word in param.choices]
    found = "" if param.kind is Kind.CHOICE else param.kind.value
    return "; ".join(filter(None, (found, ", ".join(bounds), ", ".join(words))))


def _value(param: Param, value: object) -> str:
    """A default as a spec would write it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case float():
            return f"{value:g}"
        case tuple():
            if value and len(set(value)) == 1 and param.kind in (Kind.SIZE, Kind.PADDING):
                return str(value[0])
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)
