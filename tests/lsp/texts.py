"""Documents for the tests: a `|` in the text, a sign that the language does not have, is where the cursor stands."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types as lsp

from resnetdsl.lsp.document import Document
from resnetdsl.lsp.places import Encoding

URI = "file:///somewhere/a.rnet"

NETWORK = """\
## A block of two layers.
block pair(width, stride = 1) {
    conv(width, 3x3, stride = stride) -> batch_norm -> relu
    conv(width, 3x3) -> batch_norm
}

network small(depths = [1, 2], width = 8, classes = 10) {
    input 3x32x32

    stem { conv1: conv(width, 3x3) -> bn1: batch_norm -> relu }
    for i, n in depths {
        let wide = width * 2^i
        stage layer{i + 1}: n * pair(wide, stride = 2 if first and i > 0 else 1)
    }
    head { global_avg_pool -> fc: linear(classes) }
}

network large = small([2, 3], width = 16)
"""


def document(text: str, path: Path | None = None, encoding: Encoding = Encoding.Utf16) -> Document:
    return Document(URI if path is None else path.as_uri(), text, path, encoding)


def cursor(text: str, path: Path | None = None) -> tuple[Document, lsp.Position]:
    """The document without its `|`, and the position that it marks."""
    before, sign, after = text.partition("|")
    assert sign
    made = document(before + after, path)
    return made, made.places.position(len(before))


def at(text: str, mark: str, path: Path | None = None) -> tuple[Document, lsp.Position]:
    """A text and a place in it: `mark` is a part of it with a `|` in it, whose first occurrence is meant."""
    plain = mark.replace("|", "")
    assert plain in text
    return cursor(text.replace(plain, mark, 1), path)
