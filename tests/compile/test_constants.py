"""What is computed from weights alone: once, as a recipe that takes other weights, for every engine."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch

import resnetdsl
from resnetdsl.compile.artifact import load_artifact
from resnetdsl.compile.lower.lowered import Lowered, missed
from resnetdsl.compile.recipes import Computed, Leaf, evaluate, from_json, to_json
from resnetdsl.compile.swap import swap_weights
from tests.compile.lowering import distance, lowered, network, ops
from tests.emit.interpreter import randomise

EXACT = 1e-12


def arithmetic(found: Lowered) -> list[str]:
    """The ops that read nothing but weights."""
    graph = found.graph
    weights = {node.id for node in graph.nodes() if node.op == "param"}
    return [
        node.op
        for node in graph.nodes()
        if graph.inputs(node.id) and {source.node for source in graph.inputs(node.id)} <= weights
    ]


def test_a_chain_of_arithmetic_is_one_weight() -> None:
    net = network('param a[3] = "normal"\nparam b[3] = "normal"\nrelu\nhere * (exp(a) + b * 0.5)\nrelu')
    found = lowered(net)
    assert ops(found) == ["relu", "param", "multiply", "relu"]
    assert [note.what for note in found.notes if note.step == "constants"] == [
        "`exp` of weights computed once",
        "`multiply_scalar` of weights computed once",
        "`add` of weights computed once",
    ]
    assert distance(net, found) < EXACT


def test_what_is_computed_goes_into_a_convolution() -> None:
    net = network('param gamma[6] = "normal"\nconv(6, 3x3)\nhere * (gamma -> sigmoid)\nrelu')
    found = lowered(net)
    assert ops(found) == ["conv", "relu"]
    assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    "value",
    [
        "a / b",
        "a ^ 2",
        "[a, b] -> maximum",
        "[a, b] -> minimum",
        "1 - a",
        "1 / b",
        "abs(a)",
        "sqrt(square(a))",
        "-a",
        "a -> softmax",
        "concat(a[0..1], b[1..3])",
        "stack(a, b) -> reshape([6]) -> slice(0, 3)",
        "a -> gelu",
        "a -> clamp(min = 0, max = 0.5)",
        "concat(split(a, parts = 3))",
        'a -> reduce_mean(axes = "c")',
        "a -> leaky_relu(0.3)",
        "a -> log_softmax",
    ],
)
def test_every_kind_of_arithmetic(value: str) -> None:
    try:
        net = network(f'param a[3] = "normal"\nparam b[3] = 2\nrelu\nhere * ({value})\nrelu')
    except resnetdsl.SpecError:
        net = network(f'param a[3] = "normal"\nparam b[3] = 2\nlet v = {value}\nrelu\nhere + v[0]\nrelu')
    found = lowered(net)
    assert arithmetic(found) == []
    assert distance(net, found) < EXACT
    for recipe in found.recipes.values():
        assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe


def test_a_weight_that_is_used_as_it_is_too() -> None:
    net = network('param a[3] = "normal"\nrelu\nhere * exp(a)\nrelu\nhere + a\nrelu')
    found = lowered(net)
    assert arithmetic(found) == []
    assert Leaf("a") in found.recipes.values()
    assert distance(net, found) < EXACT


def test_a_tied_weight_is_computed_once_for_all_its_uses() -> None:
    net = network('let g = shared { param w[x.channels] = "normal"\n(x -> relu) * exp(w) }\ng -> g')
    found = lowered(net)
    assert ops(found).count("param") == 1
    assert distance(net, found) < EXACT


def test_a_result_of_several_parts() -> None:
    net = network('param a[6] = "normal"\nlet p = split(a, parts = 2)\nrelu\nhere * p[0]\nrelu\nhere + p[1]\nrelu')
    found = lowered(net)
    assert "split" not in ops(found)
    assert distance(net, found) < EXACT


def test_what_grows_is_left_to_each_run() -> None:
    weights = 'param a[600, 1, 1] = "normal"\nparam b[1, 30, 30] = "normal"'
    net = network(f"{weights}\nlet m = (a * b -> reduce_mean)[0..3]\nrelu\nhere * m")
    found = lowered(net)
    assert arithmetic(found) == ["multiply"]
    (note,) = [note for note in missed(found.notes) if note.step == "constants"]
    assert "540,000 numbers come of 1,500" in note.why
    assert distance(net, found) < EXACT


def test_an_expression_that_doubles_ends_somewhere() -> None:
    doubled = "\n".join(f"let a{at + 1} = a{at} * a{at}" for at in range(30))
    net = network(f"param a0[3] = 1\n{doubled}\nrelu\nhere * a30")
    found = lowered(net)
    assert any("steps lead from the checkpoint to it" in note.why for note in missed(found.notes))
    assert max(len(json.dumps(to_json(recipe))) for recipe in found.recipes.values()) < 10**6


def test_it_can_be_left_out() -> None:
    net = network('param a[3] = "normal"\nrelu\nhere * exp(a)\nrelu')
    assert arithmetic(lowered(net, "constants")) == ["exp"]


# --- random arithmetic ---


def expression(rng: random.Random, depth: int) -> str:
    """Arithmetic on three vectors, nowhere undefined."""
    if depth == 0 or rng.random() < 0.15:
        return rng.choice("abc")
    one, two = expression(rng, depth - 1), expression(rng, depth - 1)
    return rng.choice(
        [
            f"({one} + {two})",
            f"({one} - {two})",
            f"({one} * {two})",
            f"([{one}, {two}] -> maximum)",
            f"({one} / (1 + square({two})))",
            f"(exp(0 - square({one})))",
            f"({one} * {rng.choice((0.5, 2, -1))})",
            f"({rng.choice((1, 3))} - {one})",
            f"({one} -> {rng.choice(('relu', 'sigmoid', 'tanh', 'softmax', 'gelu', 'hard_swish'))})",
            f"concat({one}[0..2], {two}[2..3])",
        ]
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_arithmetic(seed: int) -> None:
    rng = random.Random(seed)
    params = "\n".join(f'param {name}[3] = "normal"' for name in "abc")
    chain = " ".join(f"{rng.choice('+*-')} {expression(rng, 4)}" for _ in range(3))
    net = network(
        f"{params}\n{rng.choice(('relu', 'conv(3, 3x3)', 'batch_norm'))}\nhere {chain} \nrelu -> conv(4, 1x1)"
    )
    found = lowered(net)
    assert arithmetic(found) == []
    assert distance(net, found) < 1e-10
    for recipe in found.recipes.values():
        assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe


# --- in artifacts ---


@pytest.mark.parametrize("backend", ["onednn", "onnxruntime", "openvino"])
@pytest.mark.parametrize("last", ["(x * exp(a)) -> conv(3, 1x1)", "x * exp(a)", "(c * a -> sigmoid) + exp(a)", "x * s"])
def test_engines_with_other_weights(backend: str, last: str, tmp_path: Path) -> None:
    net = network(f'param a[3] = "normal"\nparam s = 0.5\nlet c = x -> conv(3, 1x1)\n{last}', size="3x8x8")
    module = net.module().eval()
    made = net.compile(tmp_path / "n.rnetc", module=module, backend=backend, device="cpu")
    x = torch.randn(1, 3, 8, 8)
    artifact = load_artifact(made.path)
    for seed in range(2):
        randomise(module, seed)
        artifact.load_weights(module.state_dict())
        with torch.no_grad():
            torch.testing.assert_close(artifact(x), module(x), atol=1e-5, rtol=1e-4)


def test_a_file_takes_other_weights_without_running_code(tmp_path: Path) -> None:
    net = network('param a[3] = "normal"\nrelu\nhere * exp(a)\nrelu')
    made = net.compile(tmp_path / "n.rnetc", backend="onnxruntime", device="cpu")
    swap_weights(made.path, {"a": torch.tensor([0.0, 1.0, 2.0])})
    x = torch.rand(1, 3, 16, 16)
    expected = x * torch.tensor([0.0, 1.0, 2.0]).exp()[:, None, None]
    torch.testing.assert_close(load_artifact(made.path)(x), expected)


# --- recipes of others ---

GOOD = to_json(Computed("clamp", (("max", None), ("min", 0.5)), (((3,), "c"),), (Leaf("a"),)))


def test_the_good_one_is_good() -> None:
    assert evaluate(from_json(GOOD), {"a": torch.tensor([0.0, 1.0])}).tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    "bad",
    [
        ["op", "system", {}, [[[3], "c"]], [["leaf", "a"]], 0],
        ["op", "clamp", {"min": "__import__('os')", "max": None}, [[[3], "c"]], [["leaf", "a"]], 0],
        ["op", "clamp", {"min": True, "max": None}, [[[3], "c"]], [["leaf", "a"]], 0],
        ["op", "clamp", {"min": 0.5}, [[[3], "c"]], [["leaf", "a"]], 0],
        ["op", "clamp", {"min": 0.5, "max": None, "more": 1}, [[[3], "c"]], [["leaf", "a"]], 0],
        ["op", "clamp", {"min": 0.5, "max": None}, [[[3], "c"]], [["leaf", "a"]], 1],
        ["op", "clamp", {"min": 0.5, "max": None}, [[[3], "c"]], [["leaf", "a"]], -1],
        ["op", "clamp", {"min": 0.5, "max": None}, [[[0], "c"]], [["leaf", "a"]], 0],
        ["op", "clamp", {"min": 0.5, "max": None}, [[[3], "chw"]], [["leaf", "a"]], 0],
        ["op", "clamp", {"min": 0.5, "max": None}, [], [], 0],
        ["op", "clamp", {"min": [{}], "max": None}, [[[3], "c"]], [["leaf", "a"]], 0],
        ["op", "softmax", {"axis": "c) or print(1"}, [[[3], "c"]], [["leaf", "a"]], 0],
        ["op", "conv", {}, [[[3, 8, 8], "chw"]], [["leaf", "a"]], 0],
        ["op", "param", {"shape": [3], "value": 0.0, "std": 0.02, "axes": "c"}, [], [], 0],
        ["op", "prelu", {"init": 0.25, "per_channel": False}, [[[3], "c"]], [["leaf", "a"]], 0],
    ],
)
def test_recipes_that_are_none(bad: object) -> None:
    with pytest.raises(ValueError, match=r"no recipe|cannot be|no kind|no argument"):
        from_json(bad)
