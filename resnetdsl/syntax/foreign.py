"""Signs, words and comments of other languages, and what they are here."""

from __future__ import annotations

import unicodedata

# Signs of other languages, and what they are here.
SIGNS = {
    "→": "->", "⟶": "->", "⇒": "=>", "×": "*", "∗": "*", "·": "*", "−": "-", "–": "-", "—": "-", "÷": "/", "≤": "<=",
    "≥": ">=", "≠": "!=", "&&": "and", "||": "or", "!": "not", "**": "^", "&": "and", "|": "or", ":=": "=", "===": "==",
    "!==": "!=", "–>": "->", "—>": "->", "−>": "->", "|>": "->", ">>": "->", "<>": "!=", "…": "..", "...": "..",
}  # fmt: skip
# Letters of other alphabets that look like ours. The wide forms of East Asian fonts are told by their normal form.
LOOK_ALIKES = str.maketrans("аеосрхуіјѕԁһАВЕКМНОРСТХΑΒΕΖΗΙΚΜΝΟΡΤΥΧοα", "aeocpxyijsdhABEKMHOPCTXABEZHIKMNOPTYXoa")
# `/* ... */`, and `//` before two words in a row, of which no quotient is made.
COMMENT = (
    r"/\*(?:[^*]|\*(?!/))*(?:\*/)?"
    r"|//(?=[ \t]*[A-Za-z_]\w*[ \t]+(?!(?:and|or|if|else|for|in|step)\b)[A-Za-z_])[^\r\n]*"
)
INSTEAD = {
    ";": "the end of a line ends a statement",
    "?": "a choice is written `a if c else b`",
    "@": "matrices are multiplied by `matmul(a, b)`",
    "\\": "a line goes on after an operator, a comma or inside brackets",
}
WORDS = {"True": "true", "False": "false", "None": "none"}


def instead(text: str, meant: str | None) -> str | None:
    """What to write instead; of a letter that looks right, which one it is."""
    if meant is not None and len(text) == 1:
        return f"it is U+{ord(text):04X}, {unicodedata.name(text, 'a character without a name').lower()}"
    return INSTEAD.get(text)
