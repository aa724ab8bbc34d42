"""Targets: the shipped ones, those of users, and how the command line's options win over them. The mistakes in their
text are cases of tests/diagnostics."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from resnetdsl.cli import targets as options
from resnetdsl.cli.calibration import add_calibration, calibration
from resnetdsl.cli.output import UsageError
from resnetdsl.compile.options import Calibration, Keep
from resnetdsl.compile.targets import TargetError, find_target, shipped_targets
from resnetdsl.compile.targets.find import pass_names
from resnetdsl.compile.targets.model import INT8 as INT8_SETTINGS
from resnetdsl.compile.targets.settings import CHOICES, NAMES
from resnetdsl.diagnostics.catalogue import CODES
from tests.cli.running import GOOD, run


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "device: cpu\ndtype: bfloat16\nbatch: 1..4\nthreads: 2\npasses: {norms: off, training: on}\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("name", shipped_targets())
def test_shipped_targets(name: str) -> None:
    found = find_target(name)
    assert found.name == name
    assert found.description.endswith(".")
    # A second opinion on the text: what another reader makes of it.
    plain = yaml.safe_load(shipped_targets()[name].read_text(encoding="utf-8"))
    assert {key: str(value) for key, value in plain.items() if key != "description"} == {
        key: str(value) for key, value in found.options().items()
    }


def test_what_is_shipped() -> None:
    assert set(shipped_targets()) >= {"cpu-latency", "cpu-throughput", "cpu-int8", "h100", "h200"}


def test_a_file(target: Path) -> None:
    assert find_target(str(target)).options() == {
        "device": "cpu",
        "dtype": "bfloat16",
        "batch": "1..4",
        "threads": 2,
        "without": ("norms",),
        "also": ("training",),
    }


def settled(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    options.add_target(parser)
    return options.settle(parser.parse_args(arguments))


def test_options_win_over_the_target_and_the_target_over_what_is_usual(target: Path) -> None:
    assert settled() == {**options.USUAL, "without": (), "also": ()}
    found = settled("--target", str(target), "--dtype", "float32", "--without", "training", "--without", "norms")
    assert found == {
        "device": "cpu",
        "dtype": "float32",
        "layout": None,
        "batch": "1..4",
        "mode": "latency",
        "backend": None,
        "threads": 2,
        "without": ("norms", "training"),
        "also": (),
    }
    assert settled("--target", str(target), "--with", "norms")["without"] == ()
    assert settled("--with", "parallel")["also"] == ("parallel",)


# --- int8 ---

INT8 = """dtype: int8
calibration: photos
samples: 64
crop: 1
mean: [0.5, 0.25, 1e-3]
std: 0.5
keep_float: [last, first]
"""


def test_what_int8_is_measured_on(tmp_path: Path) -> None:
    path = tmp_path / "int8.yaml"
    path.write_text(INT8, encoding="utf-8")
    assert find_target(str(path)).options() == {
        "dtype": "int8",
        "calibration": Calibration(tmp_path / "photos", 64, (0.5, 0.25, 1e-3), (0.5,), 1.0, frozenset(Keep)),
    }
    path.write_text("dtype: int8\nkeep_float: last\ncalibration: /data/x.npy\n", encoding="utf-8")
    found = find_target(str(path)).options()["calibration"]
    assert found == Calibration(Path("/data/x.npy"), keep=frozenset({Keep.LAST}))
    path.write_text("dtype: int8\n", encoding="utf-8")
    assert "calibration" not in find_target(str(path)).options()


def asked(*arguments: str) -> Calibration:
    parser = argparse.ArgumentParser()
    options.add_target(parser)
    add_calibration(parser)
    args = parser.parse_args(arguments)
    found = options.settle(args)
    said = found.get("calibration")
    assert said is None or isinstance(said, Calibration)
    return calibration(args, found["dtype"], said)


def test_options_win_over_what_the_target_says_of_int8(tmp_path: Path) -> None:
    path = tmp_path / "int8.yaml"
    path.write_text(INT8, encoding="utf-8")
    here = ("--target", str(path))
    assert asked(*here).samples == 64
    found = asked(*here, "--samples", "8", "--calibration", "x.npy", "--keep-float", "last", "--mean", "0")
    assert found == Calibration(Path("x.npy"), 8, (0.0,), (0.5,), 1.0, frozenset({Keep.LAST}))
    assert asked(*here, "--dtype", "float32") == Calibration()
    with pytest.raises(UsageError, match="`--samples` is for int8"):
        asked(*here, "--dtype", "float32", "--samples", "8")
    path.write_text("dtype: int8\ncrop: 0.9\n", encoding="utf-8")
    assert asked(*here, "--calibration", "x").crop == 0.9
    with pytest.raises(UsageError, match="the target's `crop` is for images, and none are given"):
        asked(*here)


def test_a_target_calibrates(tmp_path: Path) -> None:
    (tmp_path / "good.rnet").write_text(GOOD, encoding="utf-8")
    np.save(tmp_path / "inputs.npy", np.random.default_rng(0).standard_normal((40, 3, 16, 16)).astype("float32"))
    path = tmp_path / "int8.yaml"
    path.write_text("device: cpu\ndtype: int8\nbackend: openvino\ncalibration: inputs.npy\nsamples: 33\n", "utf-8")
    command = ("compile", tmp_path / "good.rnet", "--net", "tiny", "-o", tmp_path / "a.rnetc", "--target", path)
    done = run(*command)
    assert done.code == 0, done.err
    assert "int8, scales of inputs.npy (33 samples)" in done.err
    (tmp_path / "inputs.npy").unlink()
    for more in ((), ("--plan",)):
        done = run(*command, *more)
        assert done.code == 2
        assert f"cannot read `{tmp_path / 'inputs.npy'}`: no such file" in done.err


def test_the_command_line_knows_the_choices_of_the_compiler() -> None:
    assert options.CHOICES == CHOICES
    assert {*options.USUAL, *INT8_SETTINGS, "description", "passes"} == set(NAMES)
    parser = argparse.ArgumentParser()
    add_calibration(parser)
    assert {action.dest for action in parser._actions} == {*INT8_SETTINGS, "help"}


def test_all_settings_and_passes_are_in_the_words_of_the_mistakes() -> None:
    assert all(f"`{name}`" in CODES["E1004"].explanation for name in NAMES)
    assert "norms" in pass_names()


def test_a_name_that_is_none() -> None:
    with pytest.raises(TargetError) as caught:
        find_target("cpu-latencie")
    assert caught.value.help.startswith("did you mean `cpu-latency`? shipped are cpu-")


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 2, "No such file"),
        (b"devise: cpu\ndtype: fp32\n", 1, "E1006"),
        (b"\xff\xfe\x00", 1, "E0110"),
        (b"a: " + b"x" * 1_000_001, 1, "E0111"),
    ],
)
def test_on_the_command_line(content: bytes | None, code: int, words: str, tmp_path: Path) -> None:
    spec, path = tmp_path / "good.rnet", tmp_path / "t.yaml"
    spec.write_text(GOOD, encoding="utf-8")
    if content is not None:
        path.write_bytes(content)
    done = run("compile", spec, "--net", "tiny", "--target", path)
    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err


def test_list() -> None:
    done = run("list", "--targets")
    assert "cpu-latency" in done.out
    assert "batch 1..256" in done.out
    rows = json.loads(run("list", "--targets", "--format", "json", "--match", "h100").out)
    assert [row["name"] for row in rows] == ["h100"]
    assert run("list", "--targets", "resnet18").code == 2


def test_a_number_of_threads() -> None:
    done = run("compile", "resnet18", "--threads", "0")
    assert done.code == 2
    assert "no number of threads" in done.err
