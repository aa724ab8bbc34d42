"""`resnetdsl explain E0301`: what a code means, on a terminal."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterator

from resnetdsl.diagnostics.catalogue import CODES
from resnetdsl.diagnostics.model import Code, Severity
from resnetdsl.diagnostics.plain import shorten
from resnetdsl.diagnostics.render.paint import Row, Style

_WIDEST = 100  # longer lines of prose are hard to read
_CODE_LINE = 160


def find_code(text: str) -> Code | None:
    """A code by its id (`E0301`, `e0301`, `301`) or its name (`branch-mismatch`)."""
    wanted = text.strip().lower()
    digits = re.fullmatch(r"[ew]?0*([0-9]{1,4})", wanted)
    for code in CODES.values():
        if wanted in (code.id.lower(), code.name):
            return code
        if digits and int(digits[1]) == int(code.id[1:]) and not wanted.startswith(_other(code)):
            return code
    return None


def nearest_code(text: str) -> str | None:
    """The id of the code that was probably meant by something that is none."""
    known = {code.id.lower(): code.id for code in CODES.values()} | {code.name: code.id for code in CODES.values()}
    wanted = re.sub(r"[\s_]+", "-", text[:80].strip().lower())
    found = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    if found:
        return known[found[0]]
    holding = sorted(name for name in known if wanted and wanted in name)
    return known[holding[0]] if holding else None


def explain(code: str, *, color: bool = False, width: int = 80) -> str | None:
    """The whole explanation of a code, or None where there is no such code (see `nearest_code`)."""
    found = find_code(code)
    if found is None:
        return None
    rows = _rows(found, max(40, min(width, _WIDEST)))
    return "\n".join(row.write(color=color) for row in rows).rstrip("\n") + "\n"


def example_text(text: str) -> str:
    """An example as it is shown: the few with enormous lines have them cut."""
    return "\n".join(shorten(line, _CODE_LINE, _CODE_LINE) for line in text.rstrip("\n").split("\n"))


def _other(code: Code) -> str:
    return "w" if code.severity is Severity.ERROR else "e"


def _rows(code: Code, width: int) -> Iterator[Row]:
    style = Style.ERROR if code.severity is Severity.ERROR else Style.WARNING
    yield Row().add(f"{code.severity.value}[{code.id}]", style).add(f": {code.name}", Style.STRONG)
    yield Row()
    yield from _prose(code.explanation, width)
    if code.bad_is_spec:
        yield from _example("wrong", code.bad, Style.ERROR)
    else:
        yield Row().add("wrong:", Style.ERROR)
        yield Row()
        yield from _prose(code.bad, width)
    yield from _example("right", code.good, Style.HELP)
    for name, text in code.files.items():
        yield from _example(f"with {name}", text, Style.STRONG)
    if code.reference:
        yield Row().add("reference:", Style.STRONG)
        yield Row()
        yield from _prose(code.reference, width)


def _example(title: str, text: str, style: Style) -> Iterator[Row]:
    yield Row().add(f"{title}:", style)
    yield Row()
    for line in example_text(text).split("\n"):
        yield Row().add(f"    {line}")
    yield Row()


def _prose(markdown: str, width: int) -> Iterator[Row]:
    """Paragraphs, wrapped; what stands in backticks is set off where there is colour to do it."""
    for paragraph in markdown.strip().split("\n\n"):
        for line in textwrap.wrap(" ".join(paragraph.split()), width, break_long_words=False, break_on_hyphens=False):
            row = Row()
            for piece in re.split(r"(`[^`]+`)", line):
                row.add(piece, Style.HELP if piece.startswith("`") and len(piece) > 1 else Style.PLAIN)
            yield row
        yield Row()
