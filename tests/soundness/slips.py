"""Single slips of the keyboard: a token of a right spec deleted, doubled, swapped, misspelt or taken for its neighbour.

Run as a script on spec files, this lists the slips that are told by several messages, far from the slip, or not at all:

    python -m tests.soundness.slips 1000 specs/wide.rnet specs/senet.rnet
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resnetdsl.api import load
from resnetdsl.diagnostics.model import Diagnostic, Sink
from resnetdsl.paths import grammar_text
from resnetdsl.source import SourceFile
from resnetdsl.syntax.lexer import Lexer
from resnetdsl.syntax.parser import build_tables

NEIGHBOURS = {
    ")": "]}", "]": ")}", "}": ")]", "{": "([:", "(": "[{", "[": "({", ",": (".", ";", ""), ":": ("=", ";", "::"),
    "=": (":", "==", ":=", "=>"), "->": ("-", ">", "=>", "→", "-->"), "*": ("x", "**", "×"), "..": ("...", ":"),
    "+": ("++",), "/": ("\\",), "==": ("=", "==="), "^": ("**",), ".": (",", "->"),
}  # fmt: skip


@dataclass(frozen=True)
class Slip:
    kind: str
    line: int
    text: str


def tokens(text: str) -> list[tuple[int, int]]:
    """The places of the tokens of a right text."""
    found = Lexer(build_tables(grammar_text())).lex(SourceFile("", text), Sink())
    return [(s, e) for s, e in zip(found.starts, found.ends, strict=True) if text[s:e].strip()]


def misspelt(word: str, dice: random.Random) -> str:
    at = dice.randrange(len(word) - 1)
    match dice.randrange(3):
        case 0:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[:at] + word[at] + word[at:]
        case _:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def slip(text: str, places: list[tuple[int, int]], seed: int) -> Slip:
    """A text with one slip."""
    dice = random.Random(seed)
    at = dice.randrange(len(places) - 1)
    (start, end), kind = places[at], dice.choice(("delete", "double", "swap", "misspell", "neighbour", "neighbour"))
    match kind:
        case "delete":
            changed = text[:start] + text[end:]
        case "double":
            changed = f"{text[:end]} {text[start:]}"
        case "swap":
            (low, high) = places[at + 1]
            changed = text[:start] + text[low:high] + text[end:low] + text[start:end] + text[high:]
        case "misspell":
            start, end = dice.choice([place for place in places if text[place[0] : place[0] + 2].isalpha()])
            changed = text[:start] + misspelt(text[start:end], dice) + text[end:]
        case _:
            start, end = dice.choice([place for place in places if text[place[0] : place[1]] in NEIGHBOURS])
            changed = text[:start] + dice.choice(NEIGHBOURS[text[start:end]]) + text[end:]
    return Slip(kind, text.count("\n", 0, start) + 1, changed)


def slips(text: str, seeds: range) -> Iterator[tuple[Slip, tuple[Diagnostic, ...]]]:
    """Slips in a text, with the errors that are told of each."""
    places = tokens(text)
    for seed in seeds:
        made = slip(text, places, seed)
        if made.text != text:
            yield made, load(f"{made.text}\n").check().errors


def _main(count: int, paths: list[Path]) -> None:
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for made, errors in slips(text, range(count)):
            far = [each for each in errors if abs(each.primary.span.line - made.line) > 1]
            if len(errors) != 1 or far:
                before, after = text.splitlines()[made.line - 1], made.text.splitlines()[made.line - 1]
                print(f"{path.name}:{made.line}: {made.kind}: {len(errors)} errors\n  - {before}\n  + {after}")
                for each in errors:
                    print(f"      {each.code.id} line {each.primary.span.line}: {each.title}")


if __name__ == "__main__":
    _main(int(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
