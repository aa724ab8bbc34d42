"""`check --fix`: the files named are mended, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.paths import specs_dir
from tests.cli.running import run

NET = "network a(classes = 10) {{\n    input 8x32x32\n    {}\n    global_avg_pool\n    linear(classes)\n}}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cnv(16, 3x3)", "conv(16, 3x3)"),
        ("conv(16, 3x3, strid = 2)", "conv(16, 3x3, stride = 2)"),
        ('conv(16, 3x3, pad_mode = "zeroes")', 'conv(16, 3x3, pad_mode = "zeros")'),
        ("conv(x.chanels, 3x3)", "conv(x.channels, 3x3)"),
        ("residual(identity) { conv(16, 3x3) -> relu -> conv(16, 3x3) }",) * 2,
        ("residual(identity) { conv(16, 3x3) -> conv(16, 3x3) }",) * 2,
        ("stge s: conv(16, 3x3)", "stage s: conv(16, 3x3)"),
        ("conv(16, 3x3) -> batch_nrm -> rlu", "conv(16, 3x3) -> batch_norm -> relu"),
        (
            "let w = 16\n    conv(clases * 8, 3x3) -> conv(w, 3x3)",
            "let w = 16\n    conv(classes * 8, 3x3) -> conv(w, 3x3)",
        ),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_can_be_mended(before: str, after: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / "a.rnet"
    path.write_bytes(NET.format(before).replace("\n", ending).encode())
    expected = after.replace("residual(identity)", "residual(projection)")
    done = run("check", path, "--fix")
    assert done.code == 0, done.err
    assert path.read_bytes().decode() == NET.format(expected).replace("\n", ending)
    assert f"in {path}\n" in done.err
    assert run("check", path, "--fix").err.count("fixed") == 0


def test_a_fix_may_show_other_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "a.rnet"
    path.write_text(
        NET.format("residual(identity) { cnv(16, 3x3, stride = 2) -> conv(16, 3x3, strid = 1) }"), encoding="utf-8"
    )
    done = run("check", path, "--fix")
    assert done.code == 0, done.err
    assert "fixed 3 in" in done.err
    assert "residual(projection) { conv(16, 3x3, stride = 2) -> conv(16, 3x3, stride = 1) }" in path.read_text("utf-8")


def test_what_cannot_be_mended_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.rnet"
    text = NET.format("qqqqqq(3)")
    path.write_text(text, encoding="utf-8")
    done = run("check", path, "--fix")
    assert done.code == 1
    assert path.read_text("utf-8") == text
    assert "fixed" not in done.err


def test_an_imported_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    inner, outer = tmp_path / "in" / "a.rnet", tmp_path / "a.rnet"
    inner.write_text("block b { cnv(8, 3x3) }\n", encoding="utf-8")
    outer.write_text('from "in/a.rnet" import b\n\nnetwork n {\n    input 8x8x8\n    b\n}\n', encoding="utf-8")
    texts = inner.read_text("utf-8"), outer.read_text("utf-8")
    assert run("check", outer, "--fix").code == 1
    assert (inner.read_text("utf-8"), outer.read_text("utf-8")) == texts


def test_shipped_specs_are_not_written_by_name() -> None:
    before = {path: path.stat().st_mtime_ns for path in specs_dir().glob("*.rnet")}
    assert run("check", "resnet18", "--fix").code == 0
    assert {path: path.stat().st_mtime_ns for path in specs_dir().glob("*.rnet")} == before


def test_standard_input_cannot_be_mended() -> None:
    done = run("check", "-", "--fix", stdin=NET.format("cnv(16, 3x3)"))
    assert done.code == 2
    assert "standard input" in done.err
