"""Long lines broken as a formatter breaks them: a bracket's contents one a line, with a comma after the last."""

from __future__ import annotations

from collections.abc import Iterator

from resnetdsl.emit.pytorch.text import WIDTH

_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def wrap(text: str, indent: int) -> list[str]:
    """One logical line of code as lines of at most `WIDTH` columns, where its brackets allow it."""
    pad = " " * indent
    comma = text.endswith(",")
    if indent + len(text) <= WIDTH:
        return [pad + text]
    if text.startswith("return ") and len(parts := split(text.removeprefix("return "), ", ")) > 1:
        return [f"{pad}return (", *(line for part in parts for line in wrap(f"{part},", indent + 4)), f"{pad})"]
    start = _last_group(text.removesuffix(","))
    if start is None:
        return [pad + text]
    inner = text[start + 1 : -2 if comma else -1]
    called = start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_)]")
    if text[start] == "[" and called:  # A subscript: a comma would make it a tuple.
        return [pad + text]
    lines = [pad + text[: start + 1]]
    elements = split(inner, ", ")
    if len(elements) == 1 and (generator := split(inner, " for ", limit=1))[1:]:
        if indent + 4 + len(inner) <= WIDTH:
            lines.append(f"{pad}    {inner}")
        else:
            lines += [*wrap(generator[0], indent + 4), *wrap(f"for {generator[1]}", indent + 4)]
    elif len(elements) == 1 and not called and text[start] == "(":
        lines += wrap(inner, indent + 4)
    else:
        for element in elements:
            lines += wrap(element.removesuffix(",") + ",", indent + 4)
    return [*lines, pad + text[-2 if comma else -1 :]]


def signature(text: str, indent: int) -> list[str]:
    """A `def` line; too long, its parameters one a line."""
    pad = " " * indent
    if indent + len(text) <= WIDTH:
        return [pad + text]
    head, _, rest = text.partition("(")
    inner, _, result = rest.rpartition(") -> ")
    parameters = (f"{pad}    {parameter}," for parameter in split(inner, ", "))
    return [f"{pad}{head}(", *parameters, f"{pad}) -> {result}"]


def split(text: str, separator: str, limit: int = -1) -> list[str]:
    """The parts between separators that stand in no bracket and no string."""
    parts: list[str] = []
    start = 0
    for at, depth in _outside_strings(text):
        if depth == 0 and limit != len(parts) and at >= start and text.startswith(separator, at):
            parts.append(text[start:at])
            start = at + len(separator)
    return [*parts, text[start:]]


def _last_group(text: str) -> int | None:
    """Where the bracket opens that the text's last character closes."""
    if not text or text[-1] not in ")]}":
        return None
    found = None
    for at, depth in _outside_strings(text):
        if depth == 0 and text[at] in _CLOSERS:
            found = at
    return found


def _outside_strings(text: str) -> Iterator[tuple[int, int]]:
    """Places outside of string literals, with the number of brackets open before each."""
    depth, at = 0, 0
    while at < len(text):
        char = text[at]
        if char == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        else:
            if char in ")]}":
                depth -= 1
            yield at, depth
            if char in _CLOSERS:
                depth += 1
        at += 1
