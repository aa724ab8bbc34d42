"""Numbers and names for people, and text that is safe to put on a terminal or in a document."""

from __future__ import annotations

import re
import unicodedata

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def grouped(number: int) -> str:
    """`25,557,032`."""
    return f"{number:,}"


def human(number: int) -> str:
    """`25.6 M`: three digits and a unit; below a thousand the number itself."""
    for size, unit in _UNITS:
        # What would round to 1000 of a unit is 1.00 of the next.
        if number * 2000 >= size * 1999:
            return f"{_three(number / size)} {unit}"
    return str(number)


def human_bytes(number: int) -> str:
    """`9.63 MB`, in powers of a thousand."""
    text = human(number)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"


def _three(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def printable(text: str) -> str:
    """A text without control characters, which could rewrite a terminal or break a document."""
    return "".join(char if _is_safe(char) else "\ufffd" for char in text)


def _is_safe(char: str) -> bool:
    # Cc controls, Cf direction marks and the like, Cs surrogates, Co and Cn what no font has, Zl and Zp line ends.
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def shortened(text: str, columns: int) -> str:
    """A text cut to so many columns, with an ellipsis where something was cut."""
    if width(text) <= columns:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > columns - 1:
            break
        kept += char
    return kept + "…"


def first_line(doc: str) -> str:
    """The first line of a documentation that says something, without control characters."""
    return next((printable(line.strip()) for line in doc.splitlines() if line.strip()), "")


def first_sentence(doc: str) -> str:
    """The first sentence of a documentation, on one line, without control characters."""
    paragraph = doc.strip().partition("\n\n")[0]
    return printable(_SENTENCE_END.split(" ".join(paragraph.split()), maxsplit=1)[0])
