"""Emitted source computes what the graph says, under the names that the graph says, and reads well.

Each network is run twice with the same random weights: as emitted source, and node by node by `Interpreter`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import resnetdsl.api as resnetdsl
from resnetdsl.emit.module import build
from resnetdsl.emit.pytorch.document import Header, class_name, emit
from resnetdsl.ir.graph import Graph
from tests import builders
from tests.emit.interpreter import Interpreter, keys, randomise

SPECS = {
    "chain": "conv(8, 3x3) -> batch_norm -> relu",
    "named": """
        conv1: conv(8, 3x3) -> relu
        residual(downsample: projection) { conv2: conv(16, 3x3, stride = 2) -> bn2: batch_norm }
    """,
    "positions beside arithmetic": """
        let y = x -> (conv(8, 3x3) -> relu -> conv(8, 3x3))
        y + (y -> conv(8, 1x1))
    """,
    "shared layer": """
        let w = shared conv(8, 3x3, stride = 1)
        conv(8, 1x1) -> w -> relu -> w
    """,
    "shared block": """
        let w = shared { a: conv(8, 3x3) -> relu
            b: conv(8, 1x1) }
        conv(8, 1x1) -> first: w -> max_pool(2x2) -> second: w
    """,
    "split and concat": """
        let y = x -> conv(12, 1x1)
        let parts = split(y, [4, 8])
        concat(parts[1] -> a: conv(4, 3x3), parts[0] -> b: conv(4, 3x3) -> relu)
    """,
    "a part of a split is dropped": """
        let y = x -> conv(12, 1x1)
        let parts = split(y, [4, 8])
        parts[1] -> a: conv(4, 3x3)
    """,
    "what passes a tensor on is dropped": """
        let y = x -> conv(12, 1x1)
        let unread = y -> identity
        let neither = x -> identity
        y -> relu
    """,
    "free weights": """
        let y = x -> conv(8, 1x1)
        param gamma[y.channels] = 0.5
        param beta = 0.1
        y * gamma + beta
    """,
    "dotted labels": """
        "stack.conv1": conv(8, 3x3) -> relu
        "stack.conv2": conv(8, 3x3)
        "list.0": conv(8, 3x3)
        "list.1": conv(8, 3x3)
        "list.2": conv(8, 3x3)
        "odd.5": conv(8, 3x3)
    """,
    "labels that interleave": """
        for i in 0..3 {
            "convs.{i}": conv(8, 3x3)
            "norms.{i}": batch_norm -> relu
        }
    """,
    "many of one name": """
        conv(8, 1x1)
        for i in 0..12 { layer{i}: { conv1: conv(8, 3x3) -> bn: batch_norm -> relu } }
    """,
    "a dead layer": """
        conv1: conv(8, 3x3)
        let unused = x -> side: conv(4, 3x3) -> more: { deep: conv(2, 1x1) -> n: batch_norm }
        conv2: conv(8, 1x1)
    """,
    "taps": """
        conv(8, 3x3)
        tap low
        stage layer1: 3 * { a: conv(8, 3x3) -> relu }
        tap high
        conv(4, 1x1)
    """,
    "a tap inside of a stage": """
        stage layer1: {
            conv(8, 3x3) -> relu
            tap inner
            conv(8, 3x3)
        }
        relu
    """,
    "the same tensor twice": "let y = x -> conv(8, 3x3)\n y + y",
    "growing copies": "conv(8, 1x1)\n stage dense: 5 * { concat(identity, conv(4, 3x3)) }",
    "rates that rise": "conv(8, 1x1)\n stage s: 6 * residual { conv: conv(8, 3x3) -> drop_path(0.3 * index / 5) }",
    "rates of no rule": "conv(8, 1x1)\n stage s: 6 * residual { a: conv(8, 3x3) -> drop_path(0.3 * index ^ 2 / 37) }",
    "starts that differ": """
        a: conv(8, 3x3, init = "xavier") -> b: conv(8, 3x3, init = "normal") -> c: batch_norm(init = 0)
        d: batch_norm(init = 0.5) -> conv(4, 1x1, init = "torch")
    """,
    "standardised convolutions": "a: std_conv(8, 3x3) -> b: scaled_std_conv(8, 3x3) -> c: conv(8, 3x3)",
    "classes of one base": "a: std_conv(8, 3x3) -> b: std_conv(8, 3x3) -> c: conv(8, 3x3) -> d: conv(8, 3x3)",
    "same padding": 'conv(8, 3x3, stride = 2, pad = "same") -> max_pool(3x3, stride = 2, pad = "same")',
    "attention": """
        let t = x -> conv(8, 3x3) -> tokens
        attention(t -> q: linear(8), t -> k: linear(8), t -> v: linear(8), heads = 2) -> linear(4)
    """,
    "numbers in expressions": """
        conv(8, 1x1)
        stage s: 3 * residual { conv: conv(8, 3x3) * (0.5 + index) }
    """,
    "an identity": "identity",
    "nothing to do": "conv(8, 1x1) -> a: identity -> b: { identity } -> relu",
}

BLOCKS = """
block two(width) {
    in a, b
    let s = a + b
    out s -> conv: conv(width, 3x3), s -> other: conv(width, 1x1)
}
block gate(reduction = 4) {
    identity * (global_avg_pool -> fc1: conv(x.channels / reduction, 1x1) -> relu
                -> fc2: conv(x.channels, 1x1) -> sigmoid)
}
block unit(width, stride = 1, attention = identity) {
    residual(downsample: projection) {
        conv1: conv(width, 3x3, stride = stride) -> bn1: batch_norm -> relu
        se: attention
    }
    relu
}
block fractal(depth) {
    if depth == 1 { conv(x.channels, 3x3) }
    else { (fractal(depth - 1) -> fractal(depth - 1)) + conv(x.channels, 1x1) }
}
"""

BLOCK_SPECS = {
    "several inputs and outputs": "let y = x -> conv(8, 1x1)\n let (p, q) = (y, y -> relu) -> t: two(6)\n p * q",
    "blocks of several widths": """
        stage s1: 2 * unit(8)
        stage s2: 3 * unit(16, stride = 2 if first else 1)
        stage s3: unit(16, attention = gate)
    """,
    "handed children": """
        stage s1: 4 * unit(8, attention = gate if first else identity)
        stage s2: 4 * unit(16, stride = 2 if first else 1, attention = gate)
    """,
    "a shared definition": """
        let h = shared unit(8)
        let y = x -> conv(8, 1x1)
        (y -> h) + (y -> relu -> h)
    """,
    "recursion": "conv(4, 1x1)\n f: fractal(4)",
}


def network(body: str, name: str = "tiny") -> Graph:
    spec = resnetdsl.load(f"{BLOCKS}\nnetwork {name} {{\n    input 3x16x16\n{body}\n}}\n")
    return spec.network(name).checked


def agree(graph: Graph, size: tuple[int, int] | None = None) -> str:
    """Run a graph both ways; returns the source."""
    source = emit(graph)
    module = build(source, class_name(graph)).eval()
    randomise(module)
    state = module.state_dict()
    assert set(state) == set(keys(graph))
    channels, height, width = graph.node(0).outputs[0].shape
    x = torch.randn(2, channels, *(size or (height, width)), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = module(x)
        expected = Interpreter(graph, state)(x)
    found = {"output": found} if isinstance(found, torch.Tensor) else found
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor)
    return source


@pytest.mark.parametrize("name", SPECS)
def test_source_computes_what_the_graph_says(name: str) -> None:
    agree(network(SPECS[name]))


@pytest.mark.parametrize("name", BLOCK_SPECS)
def test_source_of_blocks_computes_what_the_graph_says(name: str) -> None:
    agree(network(BLOCK_SPECS[name]))


@pytest.mark.parametrize("make", [builders.resnet18, builders.resnet50, builders.densenet, builders.vgg16])
def test_graphs_made_by_hand(make: Callable[[], Graph]) -> None:
    graph = make()
    source = emit(graph)
    with torch.device("meta"):
        module = build(source, class_name(graph))
    assert list(module.state_dict()) == keys(graph)


SHIPPED = [
    name
    for name, path in resnetdsl.shipped_networks().items()
    if f"network {name}(" not in path.read_text(encoding="utf-8")
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_have_the_names_and_shapes_of_their_graph(name: str) -> None:
    spec = resnetdsl.load(name)
    if name not in spec.networks:
        pytest.skip(f"{name} needs arguments")
    net = spec.network(name)
    with torch.device("meta"):
        module = net.module()
    graph = net.checked
    assert set(module.state_dict()) == set(keys(graph))
    batch = torch.empty(2, *graph.node(0).outputs[0].shape, device="meta")
    found = module.eval()(batch)
    found = {"output": found} if isinstance(found, torch.Tensor) else found
    for output in graph.outputs:
        assert tuple(found[output.name].shape[1:]) == graph.type(output.source).shape


@pytest.mark.parametrize("name", ["resnet18", "seresnet50", "preresnet110", "resnet20", "resnet50_fpn"])
def test_shipped_networks_compute_what_their_graph_says(name: str) -> None:
    agree(resnetdsl.load(name).network(name).checked, (64, 64))


def test_a_thousand_layers_are_a_short_text() -> None:
    source = resnetdsl.load("preresnet1001").network("preresnet1001").source()
    assert source.count("\n") < 120
    assert "for _ in range(110)" in source


def test_source_is_the_same_every_time() -> None:
    def text() -> str:
        return resnetdsl.load("seresnet50").network("seresnet50").source()

    assert text() == text()


def test_source_runs_where_resnetdsl_is_not_installed(tmp_path: Path) -> None:
    graph = builders.resnet18()
    (tmp_path / "net.py").write_text(emit(graph), encoding="utf-8")
    code = (
        "import sys, torch, net\n"
        "assert not any(name.startswith('resnetdsl') for name in sys.modules)\n"
        "with torch.device('meta'): print(tuple(net.ResNet18()(torch.empty(1, 3, 64, 64)).shape))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout.strip() == "(1, 1000)", done.stderr


@pytest.mark.parametrize("name", ["resnet50", "seresnet50", "resnet110_stochastic", "resnet50_fpn"])
def test_source_is_as_a_formatter_leaves_it(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.py"
    file.write_text(resnetdsl.load(name).network(name).source(), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "--diff", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_header_names_the_spec() -> None:
    source = emit(builders.resnet18(), header=Header("my.rnet", "ab" * 32))
    doc = ast.get_docstring(ast.parse(source))
    assert doc is not None
    assert "my.rnet" in doc
    assert "ab" * 32 in doc
    assert "11,689,512 parameters" in doc


def test_emitting_leaves_the_graph_alone() -> None:
    graph = network(SPECS["taps"])
    graph.outputs.reverse()
    before = list(graph.outputs)
    emit(graph)
    assert graph.outputs == before


READS = {
    "padding follows the kernel and the dilation": (
        """
        block pair(k, d) { conv(8, k, dilation = d) -> relu -> conv(8, 3x3, dilation = d) }
        network tiny { input 4x32x32
            pair(3, 1) -> pair(5, 1) -> pair(5, 2) -> pair(3, 2) }
        """,
        ["padding=dilation * (kernel_size // 2)", "padding=dilation,"],
        ["padding: int"],
    ),
    "a list that is run in order is one module": (
        'network tiny { input 4x32x32\n for i in 0..3 { "parts.{i}": conv(8 + i, 3x3) }\n relu }',
        ["self.parts = nn.Sequential(", "x = self.parts(x)"],
        ["ModuleList"],
    ),
    "a list of which one is read elsewhere is not": (
        'network tiny { input 4x32x32\n for i in 0..3 { "parts.{i}": conv(8 + i, 3x3)\n if i == 1 { tap c } } }',
        ["self.parts = nn.ModuleList(", "c = self.parts[1](x)"],
        ["nn.Sequential"],
    ),
    "copies joined to what was before are a loop": (
        """
        network tiny { input 4x32x32
            for i in 0..5 {
                let before = here
                new{i + 2}: conv(4, 3x3) -> relu
                y => concat(before, y)
            } }
        """,
        [
            "for i in range(2, 7):",
            "nn.Conv2d(4 * i - 4, 4, ",
        ],
        ["new3"],
    ),
    "copies whose widths rise are a loop": (
        """
        network tiny { input 4x32x32
            for i in 0..5 {
                let before = here
                new{i}: conv(4, 3x3) -> relu
                y => concat(before, y)
            } }
        """,
        [
            "for i in range(5):",
            "nn.Conv2d(4 * i + 4, 4, ",
            'x = torch.cat([x, self.relu(getattr(self, f"new{i}")(x))], dim=1)',
        ],
        ["new3"],
    ),
    "a loop goes through all layers that there are": (
        """
        block dense { for i in 0..5 {
                let before = here
                new{i}: conv(4, 3x3)
                y => concat(before, y)
            } }
        network tiny { input 4x32x32
            dense }
        """,
        ["for layer in self.children():", "x = torch.cat([x, layer(x)], dim=1)"],
        ["getattr"],
    ),
    "a loop goes through a part of a list": (
        """
        network tiny { input 4x32x32
            tap layer
            "layers.0": conv(4, 5x5) -> relu
            for i in 1..6 { "layers.{i}": conv(4, 3x3) }
            here + x }
        """,
        ["for layer in self.layers[1:6]:", "= layer(", '{"layer": x,'],
        ["getattr", "range(1"],
    ),
    "what is numbered is a list, whether it does something or holds others": (
        """
        network tiny { input 4x32x32
            "stages.0": conv(4, 3x3) -> relu
            for i in 1..4 { "stages.{i}.conv": conv(4, 3x3) -> relu } }
        """,
        ["*(nn.Module() for _ in range(3))", "self.stages[1].conv = nn.Conv2d(", "self.stages[1].conv("],
        ["getattr", "add_module"],
    ),
    "arguments are in no parentheses of their own": (
        """
        block wide(n) { conv(n, 1x1) -> conv(2 * n, 1x1)
            reshape([2, n, 32, 32], "rchw") -> reshape([2 * n, 32, 32], "chw") -> conv(n, 1x1) }
        network tiny { input 4x32x32
            wide(4) -> wide(8) }
        """,
        [".reshape(x.shape[0], 2 * self.out_channels, 32, 32)"],
        [", (2 *"],
    ),
    "rates that rise are no whole numbers": (
        """
        block unit(rate) { conv: conv(4, 3x3) -> dropout(rate) }
        network tiny { input 4x32x32
            for i in 0..5 {
                let before = here
                new{i}: unit(i / 10)
                y => before + y
            } }
        """,
        ["x = x + self.new0(x)", "self.new4 = Unit(p=0.4)"],
        ["for i in"],
    ),
    "three copies are none": (
        """
        network tiny { input 4x32x32
            for i in 0..3 {
                let before = here
                new{i}: conv(4, 3x3)
                y => concat(before, y)
            } }
        """,
        ["x = torch.cat([x, self.new0(x)], dim=1)"],
        ["for i in"],
    ),
    "a copy that is read elsewhere ends the loop": (
        """
        network tiny { input 4x32x32
            for i in 0..6 {
                let before = here
                new{i}: conv(4, 3x3)
                y => before + y
                if i == 4 { tap c }
            } }
        """,
        ["for i in range(5):", "c = c + getattr(self", "self.new5(c)"],
        ["new3"],
    ),
    "the one without an addition says so": (
        """
        block unit(add) { residual(identity if add else none) { conv: conv(8, 3x3) -> batch_norm } }
        network tiny { input 8x32x32
            unit(true) -> unit(true) -> unit(false) }
        """,
        ["class Unit(", "class UnitWithoutShortcut("],
        ["class Unit2("],
    ),
    "operators have no needless parentheses": (
        "network tiny { input 4x32x32\n identity * 2 * (sigmoid + 1) -> identity * 1 }",
        ["return x * 2 * (self.sigmoid(x) + 1)"],
        ["* 1\\n"],
    ),
    "documentation of parameters stays with the spec": (
        """
        ## A unit (Some et al., 2020). It is `wide`. Twice over.
        block unit(wide) { conv: conv(wide, 3x3) -> relu }
        network tiny { input 4x32x32
            unit(8) }
        """,
        ['"""A unit (Some et al., 2020). Twice over."""'],
        ["wide"],
    ),
}


@pytest.mark.parametrize("case", READS)
def test_source_reads_as_a_person_writes_it(case: str) -> None:
    text, there, absent = READS[case]
    network = resnetdsl.load(text).network("tiny")
    source = network.source()
    assert [line for line in there if line not in source] == []
    assert [line for line in absent if line in source] == []
    agree(network.checked)


def test_a_dilated_backbone_dilates_no_layer_of_one_pixel() -> None:
    source = resnetdsl.load("resnet50").network("resnet50", taps=True, output_stride=8).source()
    convolutions = [line for line in source.splitlines() if "kernel_size=1" in line and "Conv2d" in line]
    assert convolutions
    assert not any("dilation" in line for line in convolutions)
    assert "padding=dilation" in source


def test_the_header_does_not_say_where_the_spec_lies(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.rnet"
    spec.write_text("network tiny { input 4x32x32\n relu }", encoding="utf-8")
    assert resnetdsl.load(spec).network("tiny").source().startswith('"""tiny, from tiny.rnet: ')


@pytest.mark.parametrize("name", ["efficientnet_cc_b0_4e", "mobilenetv4_hybrid_medium", "dm_nfnet_f0", "densenet121"])
def test_source_can_be_traced_by_fx(name: str) -> None:
    torch.fx.symbolic_trace(resnetdsl.load(name).network(name).module())


@pytest.mark.parametrize(
    "body",
    [
        "for i in 0..5 { let b = here\n new{i}: conv(4, 3x3)\n y => concat(b, y) }",
        'for i in 0..3 { "stages.{i}.conv": conv(4, 3x3) -> relu }',
    ],
)
def test_source_can_be_scripted(body: str) -> None:
    text = f"block unit {{ {body} }}\nnetwork tiny {{ input 4x16x16\n unit\n global_avg_pool -> flatten -> linear(2) }}"
    module = resnetdsl.load(text).network("tiny").module().eval()
    x = torch.randn(2, 4, 16, 16)
    torch.testing.assert_close(torch.jit.script(module)(x), module(x))
