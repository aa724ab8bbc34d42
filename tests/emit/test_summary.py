"""The table: it adds up, folds what is equal, fits the width asked for, and is safe to show."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from resnetdsl.analysis.costs import totals
from resnetdsl.emit.outline import Level
from resnetdsl.emit.summary import as_csv, as_json, as_markdown, as_text, summarise
from resnetdsl.emit.words import first_sentence, human, human_bytes, printable, shortened, width
from resnetdsl.ir.graph import Graph, ScopeKind
from tests.builders import Builder, cifar_resnet, densenet, resnet, resnet18, resnet50, se_bottleneck, vgg16

NETWORKS: list[Callable[[], Graph]] = [
    resnet18,
    lambda: resnet50(taps=True),
    vgg16,
    densenet,
    lambda: cifar_resnet(5),
    lambda: resnet("se", se_bottleneck, (2, 3, 2, 1)),
]


def test_reads_well() -> None:
    graph = resnet50(doc="Deep residual learning (He et al., 2015), table 1.\n\nMore.", taps=True)
    assert (
        as_text(summarise(graph, Level.NETWORK))
        == """\
resnet50 · Deep residual learning (He et al., 2015), table 1.

layer   kind                              output          params    MACs   memory     field
───────────────────────────────────────────────────────────────────────────────────────────
input   input                             3x224x224                        602 kB         1
stem    conv, batch_norm, relu, max_pool  64x56x56         9,536   118 M  10.4 MB        11
layer1  3 × bottleneck                    256x56x56      215,808   668 M  59.4 MB        35
layer2  4 × bottleneck                    512x28x28    1,219,584  1.03 G  42.1 MB        91
layer3  6 × bottleneck                    1024x14x14   7,098,368  1.46 G  29.9 MB       267
layer4  3 × bottleneck                    2048x7x7    14,964,736   809 M  8.33 MB       427
head    global_avg_pool, flatten, linear  1000         2,049,000  2.05 M  20.4 kB  427, all
───────────────────────────────────────────────────────────────────────────────────────────
total                                                 25,557,032  4.09 G   151 MB  427, all

parameters       25,557,032 (102 MB, and 213 kB of buffers)
MACs             4,089,184,256 (4.09 G)
activations      11,114,984 elements out of convolutions and linear layers
memory           9.63 MB at its peak, in layer1.0.downsample.1 (32-bit elements, batch of 1); training keeps 151 MB
depth            50 weighted layers on the longest path
receptive field  427×427 pixels by its windows; the whole input through pooling over a plane
tap c2           256x56x56
tap c3           512x28x28
tap c4           1024x14x14
tap c5           2048x7x7
output           1000
"""
    )


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("fold", [True, False])
def test_lines_add_up_to_the_totals(make: Callable[[], Graph], level: Level, fold: bool) -> None:
    graph = make()
    summary = summarise(graph, level, fold=fold)
    leaves = [(line, times) for line, _, times in summary.walk() if not line.children]
    expected = totals(graph)
    assert summary.totals == expected
    for name in ("nodes", "params", "buffers", "macs", "activations", "outputs", "parameter_bytes"):
        assert sum(getattr(line.sums, name) * times for line, times in leaves) == getattr(expected, name)
    assert sum(line.bytes * times for line, times in leaves) == summary.memory.training
    for line, _, _ in summary.walk():
        if line.children:
            assert line.sums.params == sum(child.sums.params * child.copies for child in line.children)


def test_equal_blocks_fold_and_others_do_not() -> None:
    names = [(line.name, line.what, line.copies) for line, level, _ in summarise(resnet50()).walk() if level == 1]
    assert names[4:11] == [
        ("0", "bottleneck", 1),
        ("1..2", "bottleneck", 2),
        ("0", "bottleneck", 1),
        ("1..3", "bottleneck", 3),
        ("0", "bottleneck", 1),
        ("1..5", "bottleneck", 5),
        ("0", "bottleneck", 1),
    ]
    assert all(line.copies == 1 for line, _, _ in summarise(resnet50(), fold=False).walk())


def test_a_folded_line_has_the_last_field() -> None:
    layer3 = next(line for line, _, _ in summarise(resnet50(), Level.BLOCK).walk() if line.name == "layer3")
    assert [child.field.size[0] for child in layer3.children] == [107, 267]
    assert [child.children[0].field.size[0] for child in layer3.children] == [91, 235]


def test_levels_open_further_and_further() -> None:
    graph = resnet("se", se_bottleneck, (2, 3, 2, 1))
    counts = [len(list(summarise(graph, level).walk())) for level in Level]
    assert counts == sorted(set(counts))
    block = {line.what for line, _, _ in summarise(graph, Level.BLOCK).walk()}
    assert "se" in block
    assert "sigmoid" not in block
    assert "sigmoid" in {line.what for line, _, _ in summarise(graph, Level.OP).walk()}


@pytest.mark.parametrize("columns", [200, 120, 100, 80, 60])
def test_fits_the_width(columns: int) -> None:
    table = as_text(summarise(resnet50(), Level.BLOCK), columns).split("\n\n")[1]
    assert max(map(width, table.splitlines())) <= columns
    assert "25,557,032" in table


def test_shared_weights_are_shown_once() -> None:
    make = Builder("shared")
    x = make.input(4, 8, 8)
    for index in range(2):
        with make.scope(ScopeKind.BLOCK, "twin", str(index), index, 2):
            x = make("conv", x, at="conv", out_channels=4, kernel=3)
            make.graph.node(x.node).path = "conv"
    lines = [line for line, _, _ in summarise(make.done(x)).walk() if line.what == "twin"]
    assert [(line.copies, line.sums.params) for line in lines] == [(1, 144), (1, 0)]


def test_json_is_exact_and_stable() -> None:
    document = json.loads(as_json(summarise(resnet50(taps=True), Level.STAGE)))
    assert document["schema"] == 1
    assert document["totals"]["params"] == 25_557_032
    assert document["outputs"]["c5"] == [2048, 7, 7]
    assert document["receptive_field"] == {"size": [427, 427], "whole": True}
    assert document["lines"][2]["children"][1]["copies"] == 2
    assert document["lines"][2]["children"][1]["outputs"] == [[256, 56, 56]]
    assert document["lines"][2]["children"][1]["sums"]["params"] == 70_400


def test_csv_parses() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(summarise(resnet18(), Level.OP, fold=False)))))
    assert sum(int(row["params"]) for row in rows if row["kind"] == "op") == 11_689_512
    assert {row["sees_all"] for row in rows} == {"0", "1"}


def test_hostile_names_are_shown_and_do_no_harm() -> None:
    name = "=cmd|'\x1b[31m\u202e`<b>*|\n"
    make = Builder(name, doc=f"{name} doc")
    make.tap(name, make("conv", make.input(3, 8, 8), at=name, out_channels=4, kernel=3))
    summary = summarise(make.graph)
    for render in (as_text, as_csv, as_markdown):
        text = render(summary)
        assert "\x1b" not in text
        assert "\u202e" not in text
    table = as_markdown(summary)
    assert "<b>" not in table
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {rows[0].count("|")}
    assert "'=cmd" in as_csv(summary)
    assert json.loads(as_json(summary))["network"] == name


def test_an_empty_graph_has_a_table() -> None:
    make = Builder("empty")
    assert "total" in as_text(summarise(make.graph))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (9_994, "9.99 k"),
        (9_996, "10.0 k"),
        (99_950, "100 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (25_557_032, "25.6 M"),
        (4_089_184_256, "4.09 G"),
        (10**13, "10.0 T"),
    ],
)
def test_human_numbers(number: int, text: str) -> None:
    assert human(number) == text


def test_first_sentence() -> None:
    assert first_sentence("50 layers (He et al., 2015),\nv1.5. Another one.") == "50 layers (He et al., 2015), v1.5."
    assert first_sentence("Without an end\n\nAnother paragraph.") == "Without an end"
    assert first_sentence("a\x1b[0m") == "a\ufffd[0m"
    assert first_sentence("") == ""


def test_words() -> None:
    assert human_bytes(40) == "40 B"
    assert human_bytes(9_633_792) == "9.63 MB"
    assert printable("a\x00b\u2028c") == "a\ufffdb\ufffdc"
    assert width("層e\u0301") == 3
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("層層層", 4) == "層…"
