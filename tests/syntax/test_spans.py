"""Every node knows its text, whatever the line endings, tabs and marks around it."""

from __future__ import annotations

import pytest

from resnetdsl.diagnostics.model import Sink
from resnetdsl.syntax import ast
from resnetdsl.syntax.parser import parse
from resnetdsl.syntax.reading import read_source
from resnetdsl.syntax.walk import walk
from tests.syntax.support import parse_good

TEXT = """## Doc.
network a(b, c = 3x3) {
    input 3x224x224
    stem { conv1: conv(64, 7x7, stride = 2) -> relu }
    for i, n in [1, 2] {
        stage layer{i + 1}: (n + 1) * b(width^2, x.channels[0..2])
    }
    if not first and i > 0 { residual(s: c) { relu } } else { tap "t{i}" = x }
    let f, g = [(v) => -v for v in 0..8 step 2 if v]
    param p[1] = 1e-5
    order conv1, p
    expect params == 4.1G
}
"""

SPANS = {
    "Input": ["input 3x224x224"],
    "Chain": ["conv1: conv(64, 7x7, stride = 2) -> relu"],
    "Labelled": ["conv1: conv(64, 7x7, stride = 2)", "s: c"],
    "Label": ["conv1", "layer{i + 1}", "s", '"t{i}"', "p", "conv1", "p"],
    "Argument": ["64", "7x7", "stride = 2", "width^2", "x.channels[0..2]"],
    "Call": ["conv(64, 7x7, stride = 2)", "b(width^2, x.channels[0..2])"],
    "Slice": ["x.channels[0..2]"],
    "Attribute": ["x.channels"],
    "Binary": ["i + 1", "(n + 1) * b(width^2, x.channels[0..2])", "n + 1", "width^2", "not first and i > 0", "i > 0"],
    "Unary": ["not first", "-v"],
    "Residual": ["residual(s: c) { relu }"],
    "Order": ["order conv1, p"],
    "Tap": ['tap "t{i}" = x'],
    "Comprehension": ["[(v) => -v for v in 0..8 step 2 if v]"],
    "Lambda": ["(v) => -v"],
    "Range": ["0..8 step 2"],
    "Param": ["param p[1] = 1e-5"],
    "Expectation": ["params == 4.1G"],
    "Parameter": ["b", "c = 3x3", "v"],
    "Target": ["i", "n", "f", "g", "v"],
    "ListExpr": ["3x3", "3x224x224", "7x7", "[1, 2]"],
}


def texts(tree: ast.File, kind: str) -> list[str]:
    return [node.span.text for node in walk(tree) if type(node).__name__ == kind]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_spans_are_exact(ending: str, mark: bytes) -> None:
    sink = Sink()
    data = mark + TEXT.replace("\n", ending).replace("    ", "\t").encode()
    file = read_source(data, "test.rnet", sink)
    assert file is not None
    tree = parse(file, sink)
    assert not sink.facts
    for kind, expected in SPANS.items():
        assert texts(tree, kind) == expected
    (definition,) = tree.items
    assert isinstance(definition, ast.Definition)
    assert definition.doc == "Doc."
    assert definition.span.text == file.text[file.text.index("network") :].rstrip()
    assert [(c.span.text, c.text) for c in tree.comments] == [("## Doc.", "## Doc.")]


def test_a_tree_does_not_depend_on_line_endings() -> None:
    assert parse_good(TEXT) == parse_good(TEXT.replace("\n", "\r\n")) == parse_good(TEXT.replace("    ", "\t"))


def test_positions_count_lines_and_columns_from_one() -> None:
    tree = parse_good(TEXT)
    stage = next(node for node in walk(tree) if isinstance(node, ast.Stage))
    assert (stage.span.line, stage.span.column) == (6, 9)


def test_parts_lie_in_their_wholes() -> None:
    tree = parse_good(TEXT)
    for node in walk(tree):
        for part in walk(node):  # type: ignore[arg-type]
            assert node.span.start <= part.span.start
            assert part.span.end <= node.span.end
