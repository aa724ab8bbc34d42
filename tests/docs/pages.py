"""The code blocks of the documentation, with the comments that say how a test is to read them.

A comment of the form `<!-- word; word -->` directly above a fence belongs to it; the site does not show it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ("README.md", "docs/index.md", "docs/language.md", "docs/tutorial.md", "docs/architecture.md")
"""The pages that people write. Those of docs/errors have tests of their own."""

_FENCE = re.compile(
    r"(?:^<!-- (?P<marks>[^\n]*?) -->\n)?^(?P<fence>```+)(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block. `marks` are the words of the comment above it and what follows each."""

    page: str
    line: int
    language: str
    text: str
    number: int
    """How many blocks stand before it on the page."""
    start: int
    """Where `text` starts on the page."""
    adjoins: bool
    """Whether nothing but a blank line parts it from the block before."""
    marks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    source = (ROOT / page).read_text(encoding="utf-8")
    end = 0
    for number, found in enumerate(_FENCE.finditer(source)):
        marks = {}
        for mark in (found["marks"] or "").split(";"):
            word, _, rest = mark.strip().partition(" ")
            if word:
                marks[word] = rest.strip()
        start = found.start("text")
        adjoins = number > 0 and not source[end : found.start()].strip()
        end = found.end()
        yield Block(page, source.count("\n", 0, start), found["language"], found["text"], number, start, adjoins, marks)


def agrees(expected: str, actual: str) -> bool:
    """Whether two texts are equal, where `...` in the expected one stands for anything."""
    pattern = ".*?".join(map(re.escape, expected.rstrip("\n").split("...")))
    return re.fullmatch(pattern, actual.rstrip("\n"), re.DOTALL) is not None


def hold(block: Block, expected: str, actual: str, *, bless: bool) -> None:
    """Fail with a diff where a page shows something else than what happens; `--bless` mends the page instead."""
    actual = "".join(f"{line.rstrip()}\n" for line in actual.rstrip("\n").split("\n")) if actual.strip() else ""
    if agrees(expected, actual):
        return
    if bless:
        page = ROOT / block.page
        source = page.read_text(encoding="utf-8")
        now = list(blocks(block.page))[block.number]  # Blocks above it may have been mended and be longer.
        at = now.start + now.text.index(expected)
        page.write_text(source[:at] + actual + source[at + len(expected) :], encoding="utf-8")
        return
    lines = difflib.unified_diff(expected.splitlines(), actual.splitlines(), str(block), "what happens", lineterm="")
    raise AssertionError("\n".join(lines))
