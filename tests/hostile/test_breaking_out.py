"""Text of a spec made to break out of what is written: Python, DOT, SVG, YAML, JSON, a terminal."""

from __future__ import annotations

import ast
import json
import keyword
import re
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.api import load
from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate.labels import RESERVED
from resnetdsl.emit.diagram import draw, to_dot, to_mermaid, to_svg, view
from resnetdsl.emit.outline import Level
from resnetdsl.emit.pytorch.document import Header, emit
from resnetdsl.ir.dump import dump
from resnetdsl.ir.load import load as load_graph
from resnetdsl.network import Network
from resnetdsl.source import SourceFile
from resnetdsl.spec import SpecError, parse_spec
from tests.cli.running import run

TEXTS = [
    '"""',
    '""" + __import__("os").abort() + """',
    '"',
    'ends in a quote"',
    "'''",
    "\\",
    "ends in a backslash\\",
    '\\"""',
    "\\\\\"\"\"\\",
    "\\N{BULLET} \\x00 \\u202e \\U0001F600 \\8",
    "a\rimport os",
    "a\u2028import os\u2029\x85\x1c\x1d\x1e\x0bimport os",
    "a\fimport os",
    "{} {0} {x!r:>{y}} {{ }} %s %(a)s ${a} `a`",
    "# type: ignore[x]  # noqa  # coding: latin-1",
    "-*- coding: utf-7 -*- +ADw-script+AD4-",
    "\u202eesrever\u202c \u2066isolate\u2069 zero\u200bwidth \ufeff \u00ad",
    "</title></svg><script>alert(1)</script>",
    "<![CDATA[ ]]> <!-- --> &lt; &amp; &#x3c;script&#x3e; <b onload=x>",
    "\" onload=\"alert(1)\" x='",
    "javascript:alert(1)",
    "]; a -> b [label=<b>] {rank=same} \\N \\G \\l \\r /* */ // #",
    "%%{init: {}}%% end\nclick a callback \"x\"",
    "\U0001F600 \u4e2d\u6587 e\u0301 \ud7ff",
    "x" * 500,
    "!!python/object/apply:os.system [ls]",
    "::error file=x::y\n##[group]",
]  # fmt: skip


def spec_text(doc: str, other: str) -> str:
    said, inner = ("".join(f"## {line}\n" for line in re.split(r"[\r\n]", text)) for text in (doc, other))
    return (
        f"{said}network odd(classes = 4) {{\n    input 3x16x16\n    stem {{ conv1: conv(8, 3x3) -> bn1: batch_norm }}\n"
        '    stage layer1: 2 * unit(8)\n    tap "feats.last": relu\n    global_avg_pool\n    fc: linear(classes)\n}\n\n'
        f"{inner}block unit(width) {{\n    residual {{\n        conv(width, 3x3) -> batch_norm\n    }}\n}}\n"
    ).replace('    tap "feats.last": relu\n', "    relu\n")


def network(doc: str, other: str, name: str = "odd.rnet") -> Network:
    spec = parse_spec(SourceFile(name, spec_text(doc, other)), None, Sink())
    return spec.network("odd")


PLAIN = network("words", "words").source()


class _Bare(ast.NodeTransformer):
    """A tree without its docstrings."""

    def _strip(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        return node

    visit_Module = visit_ClassDef = visit_FunctionDef = _strip  # noqa: N815 - so says ast


def structure(source: str) -> str:
    return ast.dump(_Bare().visit(ast.parse(source)))


def is_shown(char: str) -> bool:
    return char in " \n" or unicodedata.category(char)[0] not in "CZ"


def judge_source(source: str) -> None:
    assert structure(source) == structure(PLAIN)
    assert all(is_shown(char) for char in source)
    assert "\r" not in source
    compile(source, "odd.py", "exec", dont_inherit=True)
    # The bytes on a disk mean the same: no line of them is taken for a declaration of another encoding.
    assert ast.dump(ast.parse(source.encode())) == ast.dump(ast.parse(source))


@pytest.mark.parametrize("text", TEXTS)
def test_documentation_in_python(text: str) -> None:
    made = network(text, text, name=f"{text}.rnet")
    source = made.source()
    judge_source(source)
    torch.manual_seed(0)
    assert made.module().eval()(torch.zeros(1, 3, 16, 16)).shape == (1, 4)


def test_words_survive() -> None:
    source = network('says "a\\b" and {c}', "plain").source()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert any('says "a\\b" and {c}' in (ast.get_docstring(node) or "") for node in classes)


ODD = st.text(
    st.one_of(
        st.sampled_from("\"\\'{}#%$`<>&\r\x0b\x0c\x1c\x85\u2028\u202e\ufeff\n \t:;-=[]()/"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
        st.sampled_from(["import os", '"""', "</svg>", "\\N{BULLET}"]).flatmap(st.sampled_from),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(ODD, ODD, ODD)
def test_any_documentation_in_python(doc: str, other: str, name: str) -> None:
    spec = parse_spec(SourceFile(name, spec_text(doc, other)), None, Sink())
    report = spec.check()
    if report.graphs.get("odd") is not None and not report.errors:
        judge_source(spec.network("odd").source())


@settings(max_examples=100, deadline=None)
@given(ODD)
def test_any_name_of_a_file_in_the_header(name: str) -> None:
    judge_source(emit(network("words", "words").checked, header=Header(name, name)))


# --- labels ---


def labelled(label: str) -> str:
    return f'network n {{\n    input 3x8x8\n    "{label}": conv(4, 3x3)\n    relu\n}}\n'


REFUSED = [
    *(name for name in keyword.kwlist if name != "_"),
    "__init__", "__class__", "__dict__", "__call__", "__import__",
    "forward", "training", "state_dict", "to", "train",
    'a\\"b', "a\\nimport os", "a\\\\", "a b", "a-b", "a;b", "a()", "a=b", "a\tb", "a'b", "../a", "a/b", "", ".", "a..b",
    ".a",     "a.", "é", "\u202ea", "a\u200b", "\uff41", "1a", "a.1b", "a.class", "a.__init__", "a.forward", "x" * 500,
    "\U0001d41a",
]  # fmt: skip
ACCEPTED = [
    "a", "A9_", "0", "a.0.b", "self", "torch", "nn", "F", "x", "print", "super", "match", "case",
    "type_", "object", "os", "i", "init", "Tensor", "math", "append", "insert", "extend", "pop", "_a", "_modules",
    "_parameters", "_buffers", "keys", "items", "none", "network", "input", "output", "Module",
    "Sequential", "Conv2d", "range", "len",
    "a._b", "N", "weight", "bias", "conv.weight", "add", "cat", "OrderedDict", "Network", "n",
]  # fmt: skip


@pytest.mark.parametrize("label", REFUSED)
def test_labels_that_are_no_names(label: str) -> None:
    report = load(labelled(label)).check()
    assert [found.code.id for found in report.errors] == ["E0402"], str(report)


@pytest.mark.parametrize("label", ACCEPTED)
def test_labels_that_mean_something_in_python(label: str) -> None:
    spec = load(labelled(label))
    report = spec.check()
    if report.errors:
        assert {found.code.id for found in report.errors} <= {"E0402"}, str(report)
        return
    module = spec.network("n").module()
    assert [*module.state_dict()] == [f"{label}.weight"]
    assert module(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)


def test_all_attributes_of_modules_are_refused() -> None:
    for name in sorted(RESERVED):
        assert load(labelled(name)).check().errors


@pytest.mark.parametrize(
    "name", ["class", "import", "torch", "nn", "F", "Tensor", "Module", "super", "self", "print", "None"]
)
def test_names_of_definitions(name: str) -> None:
    spec = load(
        f"network {name}_ {{\n    input 3x8x8\n    {name}(4)\n}}\n\n"
        f"block {name}(width) {{\n    conv(width, 3x3) -> relu\n}}\n"
    )
    report = spec.check()
    if report.errors:
        return  # a keyword here, too
    assert spec.network().module()(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)


@pytest.mark.parametrize(
    "name", ["Torch", "nn", "torch", "F", "math", "Tensor", "self", "int", "class", "None", "unit", "__main__"]
)
def test_names_of_networks(name: str) -> None:
    spec = load(f"network {name} {{\n    input 3x8x8\n    unit\n}}\nblock unit {{\n    conv(4, 3x3) -> relu\n}}\n")
    report = spec.check()
    if not report.errors:
        assert spec.network().module()(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)


@settings(max_examples=300, deadline=None)
@given(ODD)
def test_any_label(label: str) -> None:
    text = label.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}").replace("\n", "\\n")
    spec = load(labelled(text))
    if not spec.check().errors:
        assert re.fullmatch(r"[A-Za-z0-9_.]+", label)


@pytest.mark.parametrize("text", TEXTS)
def test_strings_as_arguments(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}")
    quoted = quoted.replace("\n", "\\n").replace("\r", "\\r")
    spec = load(f'network n {{\n    input 3x8x8\n    conv(4, 3x3, pad_mode = "{quoted}")\n}}\n')
    errors = spec.check().errors
    assert errors  # no option of any op is such a text
    assert {found.code.id for found in errors} <= {"E0227", "E0110", "E0106", "E0107", "E0503"}
    with pytest.raises(SpecError):
        spec.network()


# --- diagrams ---


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("level", [Level.NETWORK, Level.BLOCK, Level.OP])
def test_diagrams(text: str, level: Level) -> None:
    drawing = view(network(text, text).checked, level)
    plain = view(network("words", "words").checked, level)
    judge_dot(to_dot(drawing), to_dot(plain))
    assert "\r" not in to_mermaid(drawing)
    assert to_mermaid(drawing).count("\n") == to_mermaid(plain).count("\n")


@pytest.mark.parametrize("text", TEXTS)
def test_svg(text: str) -> None:
    judge_svg(to_svg(draw(view(network(text, text).checked, Level.STAGE))))


def judge_dot(text: str, plain: str) -> None:
    """Outside its strings, the text is that of a network with plain words."""
    string = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
    assert string.sub('""', text) == string.sub('""', plain)


def judge_svg(text: str) -> None:
    for element in ET.fromstring(text).iter():
        assert element.tag.rpartition("}")[2] not in {
            "script",
            "foreignObject",
            "iframe",
            "image",
            "use",
            "animate",
            "set",
        }
        for name, value in element.attrib.items():
            local = name.rpartition("}")[2].lower()
            assert not local.startswith("on")
            assert local != "href"
            assert "javascript:" not in value.lower()
            assert "url(" not in value.replace(" ", "").lower() or "url(#" in value.replace(" ", "").lower()


# --- data and terminals ---


@pytest.mark.parametrize("text", TEXTS)
def test_yaml(text: str) -> None:
    graph = network(text, text).checked
    written = dump(graph)
    assert "\r" not in written
    again = load_graph(written)
    assert dump(again) == written
    assert again.doc == graph.doc


@pytest.mark.parametrize("text", TEXTS)
def test_data_and_terminals(text: str, tmp_path: Path) -> None:
    folder = tmp_path / re.sub(r"[/\0\ud800-\udfff]", "_", text)[:80]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "a.rnet"
    path.write_bytes(spec_text(text, text).replace("conv(width", "cnv(width").encode("utf-8", "replace"))
    lines = run("check", path)
    assert lines.code in {1, 2}
    assert lines.out == ""
    for char in lines.err:
        assert char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"}, repr(char)
    for command in (("list", "--fast"), ("summary", "--net", "odd")):
        done = run(*command, path)
        for char in done.out + done.err:
            assert char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"}, (command, repr(char))
    for form in ("json", "sarif"):
        assert json.loads(run("check", path, "--format", form).out)
    for line in run("check", path, "--format", "github").out.splitlines():
        assert line.startswith(("::error ", "::warning "))


@pytest.mark.parametrize("text", TEXTS)
def test_tables(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.rnet"
    path.write_bytes(spec_text(text, text).encode("utf-8", "replace"))
    assert json.loads(run("list", path, "--format", "json").out) is not None
    done = run("summary", path, "--format", "json")
    if done.code == 0:
        assert json.loads(done.out)["network"] == "odd"
        for form in ("text", "markdown", "csv"):
            out = run("summary", path, "--format", form).out
            assert "\x1b" not in out
            assert "\u202e" not in out
