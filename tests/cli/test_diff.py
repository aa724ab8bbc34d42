"""`diff`: what it tells of two networks and of two specs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import BAD, GOOD, run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.rnet"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_blocks_that_came_are_told_as_blocks() -> None:
    done = run("diff", "resnet18", "resnet34")
    assert done.code == 0
    lines = done.out.splitlines()
    assert "+ layer2.2 to layer2.3  2 × basic  590,848 parameters, 462 M MACs" in lines
    # the counts of torchvision's two networks
    assert next(line.split() for line in lines if line.startswith("parameters")) == [
        "parameters", "11,689,512", "21,797,672", "+10,108,160", "+86.5", "%",
    ]  # fmt: skip
    assert len(lines) == 13


def test_every_op_on_request() -> None:
    done = run("diff", "resnet18", "resnet34", "--level", "op")
    assert sum(line.startswith("+ ") for line in done.out.splitlines()) == 64


def test_what_went_is_told(good: Path) -> None:
    done = run("diff", good, good, "--net", "tiny", "--set-after", "depths=[1]")
    assert "- layer2  layer2" in done.out
    assert "3,680 parameters" in done.out


def test_equal_changes_share_a_line_and_their_consequences_are_counted() -> None:
    done = run("diff", "resnet50", "resnext50_32x4d")
    assert "~ layer3.0.conv2 and 5 more  conv  out_channels 256 -> 512; groups 1 -> 32" in done.out
    assert "= 80 layers have other sizes because of it" in done.out


def test_equal_networks(good: Path) -> None:
    done = run("diff", good, good, "--net", "tiny", "--exit-code")
    assert (done.code, done.out) == (0, "tiny and tiny are the same, layer by layer\n")


def test_two_networks_of_one_file(good: Path) -> None:
    done = run("diff", good, good, "--net", "tiny", "--net", "tiny100", "--exit-code")
    assert done.code == 1
    assert "out_features 10 -> 100" in done.out


def test_two_specs_are_compared_network_by_network(good: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.rnet"
    other.write_text(GOOD.replace("tiny100", "tiny50").replace("3x3, pad", "5x5, pad"), encoding="utf-8")
    done = run("diff", good, other)
    assert "- network tiny100\n+ network tiny50\n" in done.out
    assert "kernel 3x3 -> 5x5" in done.out
    assert run("diff", good, good).out == "2 of 2 networks are the same\n"


def test_as_json(good: Path) -> None:
    done = run("diff", good, good, "--net", "tiny", "--set-after", "classes=5", "--format", "json")
    (found,) = json.loads(done.out)["differences"]
    (changed,) = found["changed"]
    assert changed["status"] == "changed"
    assert {"what": "out_features", "before": 10, "after": 5} in changed["changes"]
    assert found["before"]["params"] - found["after"]["params"] == 5 * (16 + 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-", "-"), "standard input can be read once"),
        (("resnet18", "resnet18", "--net", "a", "--net", "b", "--net", "c"), "more than twice"),
        (("resnet18", "resnet18x"), "no file and no shipped network"),
        (("resnet18", "resnet18", "--set-after", "clases=3"), "did you mean `classes`"),
        (("resnet18", "resnet18", "--set-before", "classes"), "is not PARAM=VALUE"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], words: str) -> None:
    done = run("diff", *arguments)
    assert done.code == 2
    assert words in done.err
    assert done.out == ""


def test_a_spec_with_mistakes(tmp_path: Path) -> None:
    bad = tmp_path / "bad.rnet"
    bad.write_text(BAD, encoding="utf-8")
    done = run("diff", bad, "resnet18")
    assert done.code == 1
    assert "error[E0201]" in done.err
