"""Every spec on the written pages checks, or has the mistake that its page says; what is shown of it is so.

Marks of a block: `body 3x32x32` (statements of a network with this input; 64x32x32 if none is said), `use fancy(64)`
(definitions, applied in a network), `bad E0301` (has this error and no other), `values` (lines `expression  # value`),
`file NAME` (part of a story that tests/docs/test_stories.py tells).
A `text` block after one shows its layers or, after a bad one, its message.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.diagnostics.render.text import render_text
from resnetdsl.elaborate.values import Value
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.ir.types import TensorType
from resnetdsl.spec import Spec, SpecError, parse_text
from tests.docs.pages import WRITTEN, Block, blocks, hold


def spec_text(block: Block) -> str:
    """The whole spec that a block stands for."""
    if "body" in block.marks:
        inside = "".join(f"    {line}".rstrip() + "\n" for line in block.text.splitlines())
        return f"network example {{\n    input {block.marks['body'] or '64x32x32'}\n{inside}}}\n"
    if "use" in block.marks:
        return f"{block.text}\nnetwork example {{\n    input 64x32x32\n    {block.marks['use']}\n}}\n"
    return block.text


def shown(value: Value) -> str:
    """A value as the pages write it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(shown, value))}]"
        case _:
            return f"{float(value):g}" if isinstance(value, float) else str(value)


def layers(graph: CheckedGraph) -> str:
    """The ops of a network with their paths and shapes, as the pages show them."""
    rows = [(node.path, node.op, ", ".join(map(str, node.outputs))) for node in list(graph.nodes())[1:]]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "".join(f"{path:<{wide[0]}}  {op:<{wide[1]}}  {shape}\n" for path, op, shape in rows)


def pairs() -> list[tuple[Block, Block | None]]:
    """The rnet blocks, each with the text block that follows it directly."""
    found = []
    for page in WRITTEN:
        on_page = list(blocks(page))
        for block, after in zip(on_page, [*on_page[1:], None][: len(on_page)], strict=True):
            if block.language == "rnet":
                follows = after is not None and after.language == "text" and after.adjoins
                found.append((block, after if follows else None))
    return found


@pytest.mark.parametrize(("block", "after"), pairs(), ids=lambda it: str(it) if isinstance(it, Block) else "")
def test_spec_is_what_its_page_says(block: Block, after: Block | None, pytestconfig: pytest.Config) -> None:
    if "values" in block.marks:
        check_values(block)
        return
    spec = parse_text(Path(block.marks.get("file") or "spec.rnet").name, spec_text(block).encode())
    report = spec.check()
    codes = [found.code.id for found in report.diagnostics]
    bless = pytestconfig.getoption("bless")
    if "bad" in block.marks:
        assert sorted(set(codes)) == sorted(block.marks["bad"].split()), str(report)
        if after is not None:
            hold(after, after.text, render_text(report.diagnostics), bless=bless)
        return
    lints = [code for code in codes if code.startswith("W09")]  # A few lines for a page are no network to be proud of.
    assert codes == lints, str(report)
    if after is not None:
        (graph,) = report.graphs.values()
        assert graph is not None
        hold(after, after.text, layers(graph), bless=bless)


def check_values(block: Block) -> None:
    spec: Spec = parse_text("spec.rnet", b"network empty { input 1x1x1 }\n")
    for line in block.text.splitlines():
        expression, _, expected = line.partition("#")
        if not expression.strip():
            continue
        expected = expected.split(" (")[0].strip()  # What stands in parentheses explains.
        try:
            found = shown(spec.value(expression.strip()))
        except SpecError as problem:
            found = problem.diagnostics[0].code.id
        assert found == expected, f"{block}: {line}"


def test_types_print_as_the_pages_write_them() -> None:
    assert str(TensorType.image(3, 32, 32)) == "3x32x32"
