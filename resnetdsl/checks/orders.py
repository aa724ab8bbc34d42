"""W0806: an `order` that speaks of layers which are nowhere.

A layer may be absent from a network, such as a gate that is `none`, so what one network has says nothing. A name that
is no label anywhere in reach is mistyped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate.meant import nearest
from resnetdsl.elaborate.modules import Module
from resnetdsl.paths import library_dir
from resnetdsl.source import SourceFile
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import walk

_POSITION = re.compile(r"(?:shortcut)?\d*")
"""What layers without a label are called."""


def check(module: Module, imported: tuple[SourceFile, ...], sink: Sink) -> None:
    """Look at every `order` of a file. `imported` are the files whose stems and functions may put labels in it."""
    orders = [node for item in module.tree.items for node in walk(item) if isinstance(node, ast.Order)]
    if not orders:
        return
    known = {_pattern(label): label.span.text for label in _labels(module.tree)}
    for order in orders:
        for label in order.labels:
            text = _text(label)
            if _POSITION.fullmatch(text) or any(_names(pattern, text) for pattern in known):
                continue
            if not _said(text, imported):
                sink.report("W0806", label.span, name=text, suggestion=nearest(text, known.values()))


def _labels(tree: ast.File) -> Iterator[ast.Label]:
    for item in tree.items:
        for node in walk(item):
            if isinstance(node, ast.Labelled | ast.Stage | ast.Param):
                yield node.label


def _text(label: ast.Label) -> str:
    return "".join(part if isinstance(part, str) else "0" for part in label.parts)


def _pattern(label: ast.Label) -> str:
    """What a label may come to, once its templates are filled."""
    return "".join(re.escape(part) if isinstance(part, str) else r"[\w.]+" for part in label.parts)


def _names(pattern: str, text: str) -> bool:
    """Whether a label of this pattern is what the order names, or lies in it: `norms` has `norms.0` in it."""
    return re.fullmatch(pattern, text) is not None or pattern.startswith(re.escape(f"{text}."))


def _said(text: str, imported: tuple[SourceFile, ...]) -> bool:
    """Whether a file that is imported, or the library, has such a label."""
    label = re.compile(rf'\b{re.escape(text)}"?:')
    texts = (file.text for file in imported)
    library = (path.read_text(encoding="utf-8") for path in sorted(library_dir().glob("*.rnet")))
    return any(label.search(each) for each in (*texts, *library))
