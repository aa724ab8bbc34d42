"""Out and in: the same text twice, an equal graph back, and a clear refusal of anything else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from fractions import Fraction

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.dump import DumpError, document, dump, equal, load
from resnetdsl.ir.graph import Graph, Output, ScopeKind, Source, Value
from resnetdsl.ir.types import TensorType
from resnetdsl.source import SourceFile

FILE = SourceFile("specs/tiny: a.rnet", "network tiny { conv(8, 3x3) }\n")
HOSTILE = [
    '"',
    "\\",
    "a: b",
    "- x",
    "{",
    "}",
    "[",
    "#c",
    "\n",
    "\t",
    "'",
    "é",
    "\u2028",
    "\x00",
    "\x7f",
    "𝄞",
    "yes",
    "1e5",
]


def tiny(name: str = "tiny", doc: str = "", **attrs: Value) -> Graph:
    graph = Graph(name, doc, input_ranges=(None, (64, 512, 32), (64, 512, 32)))
    root = graph.add_scope(ScopeKind.NETWORK, name, "")
    block = graph.add_scope(
        ScopeKind.BLOCK, "split", "0", root.id, call=FILE.span(15, 27), definition=FILE.span(0, 7), index=0, count=2
    )
    image = TensorType.image(3, 32, 32)
    half = TensorType((4, 64, 64), "chw", (Fraction(1, 2), 1))
    x = graph.add("input", {}, (), (image,), "input", root.id)
    gamma = graph.add("param", {}, (), (TensorType((), "", batched=False),), "gamma", root.id)
    y = graph.add("split", attrs, (Source(x.id),), (half, half), "0.split", block.id, FILE.span(15, 19))
    z = graph.add("add", {}, (Source(y.id, 1), Source(y.id, 1)), (half,), "0.add", block.id)
    z = graph.add("multiply", {}, (Source(z.id), Source(gamma.id)), (half,), "0.multiply", block.id)
    graph.outputs = [Output("output", Source(z.id)), Output("tap one", Source(y.id, 1))]
    return graph


def test_reads_well() -> None:
    assert dump(tiny(sizes=(4, 4), axis="c", eps=1e-05)).splitlines() == [
        "resnetdsl: 1",
        "network: tiny",
        "ranges: [null, [64, 512, 32], [64, 512, 32]]",
        "scopes:",
        '- {id: 0, kind: network, name: tiny, path: ""}',
        (
            '- {id: 1, kind: block, name: split, path: "0", parent: 0, copy: [0, 2], '
            'call: "specs/tiny: a.rnet:15:27", definition: "specs/tiny: a.rnet:0:7"}'
        ),
        "nodes:",
        '- {id: 0, op: input, path: input, types: ["3x32x32 chw"], scope: 0}',
        '- {id: 1, op: param, path: gamma, types: ["scalar weight"], scope: 0}',
        (
            '- {id: 2, op: split, path: "0.split", attrs: {sizes: [4, 4], axis: c, eps: 1.0e-05}, inputs: [0], '
            'types: ["4x64x64 chw @1/2,1", "4x64x64 chw @1/2,1"], scope: 1, span: "specs/tiny: a.rnet:15:19"}'
        ),
        '- {id: 3, op: add, path: "0.add", inputs: [[2, 1], [2, 1]], types: ["4x64x64 chw @1/2,1"], scope: 1}',
        '- {id: 4, op: multiply, path: "0.multiply", inputs: [3, 1], types: ["4x64x64 chw @1/2,1"], scope: 1}',
        "outputs:",
        "- {name: output, of: 4}",
        '- {name: "tap one", of: [2, 1]}',
    ]


def test_comes_back_equal() -> None:
    graph = tiny(doc="Two\nlines", sizes=(4, 4))
    back = load(dump(graph))
    assert equal(graph, back)
    assert dump(back) == dump(graph)
    assert back.scopes[1].call is not None
    assert back.scopes[1].call.file.name == FILE.name
    assert back.inputs(3) == (Source(2, 1), Source(2, 1))
    assert back.type(Source(2)).stride == (Fraction(1, 2), 1)
    assert not back.type(Source(1)).batched


def test_as_data_it_is_what_its_text_says() -> None:
    assert document(tiny()) == yaml.safe_load(dump(tiny()))


def test_spans_point_at_given_sources() -> None:
    back = load(dump(tiny()), {FILE.name: FILE})
    span = back.node(2).span
    assert span is not None
    assert span.file is FILE
    assert span.text == "conv"


def test_another_reader_of_yaml_agrees() -> None:
    document = yaml.safe_load(dump(tiny(rate=0.5, word="yes", other="𝄞\n", none=None, small=1e-300, big=1e22)))
    attrs = document["nodes"][2]["attrs"]
    assert attrs == {"rate": 0.5, "word": "yes", "other": "𝄞\n", "none": None, "small": 1e-300, "big": 1e22}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_survive(text: str) -> None:
    graph = tiny(name=text, doc=text, **{text: text})
    assert equal(graph, load(dump(graph)))
    assert yaml.safe_load(dump(graph))["network"] == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(attrs=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), VALUES, max_size=4))
def test_any_attributes_survive(attrs: dict[str, Value]) -> None:
    graph = tiny(name="tiny", doc="")
    graph.node(2).attrs = attrs
    assert equal(graph, load(dump(graph)))


@pytest.mark.parametrize(
    "change",
    [
        lambda g: setattr(g.node(2), "op", "slice"),
        lambda g: setattr(g.node(2), "path", "1"),
        lambda g: setattr(g.node(2), "attrs", {"sizes": (4, 4.0)}),
        lambda g: setattr(g.node(2), "attrs", {"sizes": (4, True)}),
        lambda g: setattr(g.node(2), "span", FILE.span(15, 20)),
        lambda g: setattr(g.node(2), "scope", 0),
        lambda g: setattr(g.node(4), "outputs", (TensorType((4, 64, 64), "hwc"),)),
        lambda g: g.outputs.reverse(),
        lambda g: g.add("relu", {}, (Source(4),), (TensorType((4, 64, 64), "chw"),), "1", 0),
        lambda g: setattr(g, "input_ranges", (None, None, None)),
        lambda g: setattr(g, "doc", "other"),
    ],
)
def test_a_difference_is_seen(change: Callable[[Graph], object]) -> None:
    graph = tiny(sizes=(4, 4))
    change(graph)
    assert not equal(tiny(sizes=(4, 4)), graph)
    assert equal(graph, load(dump(graph)))


GOOD = dump(tiny(sizes=(4, 4)))
NODE = '- {id: 0, op: input, path: input, types: ["3x32x32 chw"], scope: 0}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "document: not a mapping"),
        ("[1, 2]", "document: not a mapping"),
        ("a: [", "not YAML: "),
        ("\x00", "not YAML: "),
        ("a: 1\n---\nb: 2\n", "not YAML: line 2: a second document"),
        ("a: 1\na: 2\n", "not YAML: line 2: the key `a` twice"),
        ("1: 2", "not YAML: line 1: a key that is no text"),
        ("a: &x [1]\nb: *x\n", "not YAML: line 1: an anchor"),
        ("a: *x\n", "not YAML: line 1: an alias"),
        ("a: !!python/object/apply:os.system [ls]", "not YAML: line 1: a tag"),
        ("a: !!int 3", "not YAML: line 1: a tag"),
        ("[" * 100_000, "not YAML: line 1: nested too deeply"),
        ("- " * 100_000, "not YAML: "),
        ("{a: " * 100_000, "not YAML: line 1: nested too deeply"),
        ("? " * 5_000, "not YAML: "),
        (GOOD.replace("resnetdsl: 1", "resnetdsl: 2"), "document: this is version 2 of the format, and 1 is read"),
        (GOOD.replace("resnetdsl: 1", "resnetdsl: true"), "document: this is version True"),
        (GOOD.replace("network: tiny", "network: 3"), "document: `network` is not text"),
        (GOOD.replace("network: tiny", "net: tiny"), "document: unknown key 'net'"),
        (GOOD.replace("network: tiny\n", ""), "document: `network` is missing"),
        (GOOD.replace("kind: block", "kind: blob"), "scope 1: no such kind of scope: 'blob'"),
        (GOOD.replace("kind: block", "kind: [1]"), "scope 1: `kind` is not text"),
        (GOOD.replace("parent: 0", "parent: 1"), "scope 1: 1 as `parent` points at nothing"),
        (GOOD.replace("copy: [0, 2]", "copy: [0]"), "scope 1: `copy` is an index and a count"),
        (GOOD.replace(":15:19", ":15"), "node 2: 'specs/tiny: a.rnet:15' is no span"),
        (GOOD.replace("inputs: [0]", "inputs: [2]"), "node 2: 2 as `operand` points at nothing"),
        (GOOD.replace("inputs: [0]", "inputs: [-1]"), "node 2: -1 as `operand` points at nothing"),
        (GOOD.replace("inputs: [0]", "inputs: [[0, 1]]"), "node 2: 1 as `output of the operand` points at nothing"),
        (GOOD.replace("inputs: [0]", "inputs: [0.0]"), "node 2: `operand` is not a whole number"),
        (GOOD.replace("inputs: [0]", "inputs: 0"), "node 2: `inputs` is not a list"),
        (GOOD.replace("{id: 1, op", "{id: 7, op"), "node 1: its id is 7"),
        (GOOD.replace("3x32x32 chw", "3x32x32 hw"), "node 0: '3x32x32 hw' is no type"),
        (GOOD.replace("3x32x32 chw", "3x-32x32 chw"), "node 0: '3x-32x32 chw' is no type"),
        (GOOD.replace("@1/2,1", "@1/0,1"), "node 2: '1/0' is no stride"),
        (GOOD.replace(NODE, "- 3"), "node 0: not a mapping"),
        (GOOD.replace("attrs: {sizes: [4, 4]}", "attrs: 3"), "node 2: `attrs` is not a mapping"),
        (GOOD.replace("sizes: [4, 4]", "sizes: {a: 1}"), "node 2: an attribute cannot be a mapping"),
        (GOOD.replace("of: 4", "of: 5"), "output 0: 5 as `operand` points at nothing"),
        (GOOD.replace("[64, 512, 32]", "[64, 512]"), "document: a range is low, high and step"),
        (GOOD.replace("[64, 512, 32]", "[64, 512, 0]"), "document: 0 as `ranges` points at nothing"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(DumpError, match=re.escape(message)):
        load(text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_document_loads_or_is_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 8)))
    text = GOOD[:start] + data.draw(st.text(max_size=4)) + GOOD[end:]
    try:
        graph = load(text)
    except DumpError:
        return
    assert equal(graph, load(dump(graph)))


def test_a_large_graph_takes_a_moment() -> None:
    graph = Graph("long")
    scope = graph.add_scope(ScopeKind.NETWORK, "long", "").id
    kind = TensorType.image(64, 56, 56, (4, 4))
    last = graph.add("input", {}, (), (kind,), "input", scope).id
    attrs: dict[str, Value] = {
        "out_channels": 64,
        "kernel": (3, 3),
        "stride": (1, 1),
        "pad": (1, 1, 1, 1),
        "bias": False,
    }
    for i in range(3400):
        last = graph.add("conv", attrs, (Source(last),), (kind,), f"layer1.{i}.conv", scope, FILE.span(15, 27)).id
    graph.outputs = [Output("output", Source(last))]
    start = time.process_time()
    assert equal(load(dump(graph)), graph)
    assert time.process_time() - start < 4
