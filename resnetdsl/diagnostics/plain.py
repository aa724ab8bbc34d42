"""Making text from a spec safe to show: nothing in a file may steer a terminal or break a layout.

Two needs, two ways. Inside a message a strange character is spelled out (`\\x1b`). Inside a quoted source
line each character must keep its place, so it becomes a picture of one cell (`␛`).
"""

from __future__ import annotations

import unicodedata

_SPELLED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
# Control, format (bidirectional overrides, zero-width), surrogate, private, line and paragraph separators.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

WORD_LIMIT = 64
TEXT_LIMIT = 600
_CUT = "..."


def is_showable(char: str) -> bool:
    """Whether a terminal draws this character as itself."""
    return unicodedata.category(char) not in _UNSHOWABLE


def escape(text: str) -> str:
    """The text on one line, with whatever a terminal cannot show spelled as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if is_showable(char) else _spell(char) for char in text)


def _spell(char: str) -> str:
    if char in _SPELLED:
        return _SPELLED[char]
    point = ord(char)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def shorten(text: str, word: int = WORD_LIMIT, total: int = TEXT_LIMIT) -> str:
    """The text with overlong words, and then overlong wholes, cut in the middle."""
    if len(text) > 4 * total:  # do not split megabytes to show a line of them
        text = _cut(text, 4 * total)
    short = " ".join(_cut(part, word) for part in text.split(" "))
    return _cut(short, total)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    keep = limit - len(_CUT)
    head = keep - keep // 3
    return text[:head] + _CUT + text[len(text) - (keep - head) :]


def picture(char: str) -> str:
    """One character to draw in place of this one, so that columns stay right."""
    if is_showable(char):
        return char
    point = ord(char)
    if point < 0x20:
        return chr(0x2400 + point)
    return "\u2421" if point == 0x7F else "\ufffd"


def cells(char: str) -> int:
    """How many terminal cells a shown character takes."""
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def text_cells(text: str) -> int:
    return sum(cells(char) for char in text)
