"""fmt, list, new, explain, export, render, summary: their options and what they leave on which stream."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from resnetdsl.diagnostics.catalogue import CODES
from tests.cli.running import BAD, GOOD, run

UGLY = "network  a{\n  input 3x8x8\n  conv( 8,3x3 ) # why\n}\n"
NEAT = "network a {\n    input 3x8x8\n    conv(8, 3x3)  # why\n}\n"
BROKEN = "network a {\n"


# --- fmt ---


def test_fmt_filters() -> None:
    done = run("fmt", "-", stdin=UGLY)
    assert (done.code, done.err) == (0, "")
    assert run("fmt", "-", stdin=done.out).out == done.out
    assert done.out.startswith("network a {\n    input 3x8x8\n    conv(8, 3x3)")


def test_fmt_in_place(tmp_path: Path) -> None:
    ugly, neat, broken = (tmp_path / f"{name}.rnet" for name in ("ugly", "neat", "broken"))
    ugly.write_text(UGLY)
    neat.write_text(run("fmt", "-", stdin=UGLY).out)
    broken.write_text(BROKEN)
    done = run("fmt", broken, ugly, neat)
    assert (done.code, done.out) == (1, "")
    assert "error[E01" in done.err
    assert f"formatted {ugly}\n" in done.err
    assert "neat" not in done.err
    assert ugly.read_text() == neat.read_text()
    assert broken.read_text() == BROKEN
    again = run("fmt", ugly, neat)
    assert (again.code, again.err) == (0, "")


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_fmt_only_looks(option: str, tmp_path: Path) -> None:
    path = tmp_path / "ugly.rnet"
    path.write_text(UGLY)
    done = run("fmt", option, path)
    assert done.code == 1
    assert f"{path} would change\n" in done.err
    assert path.read_text() == UGLY
    assert (done.out != "") == (option == "--diff")
    assert run("fmt", option, "-q", path).err == ""
    run("fmt", path)
    done = run("fmt", option, path)
    assert (done.code, done.out, done.err) == (0, "", "")


def test_fmt_diff_is_a_patch() -> None:
    done = run("fmt", "--diff", "-", stdin=UGLY.rstrip("\n"))
    assert done.code == 1
    assert done.out.startswith("--- <stdin>\n+++ <stdin> (formatted)\n@@ ")
    assert {"-network  a{", "+network a {"} <= {*done.out.splitlines()}
    assert "\n\\ No newline at end of file\n" in done.out


def test_fmt_of_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ugly.rnet"
    path.write_text(UGLY)
    done = run("fmt", tmp_path / "nosuch.rnet", tmp_path, "-", path, stdin=b"\0")
    assert done.code == 2
    assert done.err.count("error[unreadable]") == 3
    assert "error[E0110]" in done.err
    assert path.read_text() != UGLY


# --- list ---


def test_list_of_what_is_shipped() -> None:
    done = run("list", "--fast")
    assert done.code == 0
    assert any(line.split()[0] == "resnet50" for line in done.out.splitlines())
    assert done.err.endswith(" networks\n")
    assert run("list", "--fast", "-q").err == ""


def test_list_of_a_spec() -> None:
    done = run("list", "-", "--match", "100", stdin=GOOD)
    assert done.code == 0
    (line,) = done.out.splitlines()
    assert line.split()[0] == "tiny100"
    assert line.endswith("A net for tests.")
    assert done.err == "1 network\n"


def test_list_as_json() -> None:
    done = run("list", "-", "--format", "json", stdin=GOOD + BAD)
    assert done.code == 0
    rows = json.loads(done.out)
    assert [row["name"] for row in rows] == ["tiny", "tiny100", "bad"]
    assert rows[1]["params"] > rows[0]["params"] > 0
    assert rows[2]["params"] is None


def test_list_of_a_broken_spec(tmp_path: Path) -> None:
    good, broken = tmp_path / "good.rnet", tmp_path / "broken.rnet"
    good.write_text(GOOD)
    broken.write_text(BROKEN)
    done = run("list", broken, good, "--fast")
    assert done.code == 1
    assert "error[E01" in done.err
    assert "tiny100" in done.out
    assert run("list", tmp_path / "nosuch.rnet").code == 2


# --- new ---


@pytest.mark.parametrize(
    "stem", ["mine", "my-net", "50", "class", "basic", "input", "if", "network", "stem", "é{x}", "_"]
)
def test_new_makes_a_spec_that_checks(stem: str, tmp_path: Path) -> None:
    path = tmp_path / f"{stem}.rnet"
    done = run("new", path)
    assert (done.code, done.out) == (0, "")
    assert f"wrote {path};" in done.err
    checked = run("check", path, "--strict")
    assert checked.code == 0, checked.err
    assert run("fmt", "--check", path).code == 0


def test_new_writes_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.rnet"
    path.write_text("precious")
    done = run("new", path)
    assert done.code == 2
    assert "--force" in done.err
    assert path.read_text() == "precious"
    assert run("new", path, "--force", "-q").err == ""
    assert path.read_text() != "precious"


@pytest.mark.parametrize("name", ["mine.txt", "mine", ".rnet", "missing/mine.rnet"])
def test_new_that_cannot_be(name: str, tmp_path: Path) -> None:
    done = run("new", f"{tmp_path}/{name}")
    assert (done.code, done.out) == (2, "")
    assert list(tmp_path.iterdir()) == []


# --- explain ---


def test_explain_lists_all_codes() -> None:
    done = run("explain")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == list(CODES)


@pytest.mark.parametrize("name", ["E0301", "e0301", "branch-mismatch"])
def test_explain_a_code(name: str) -> None:
    done = run("explain", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("error[E0301]: branch-mismatch\n")


def test_explain_colours() -> None:
    assert "\x1b[" not in run("explain", "E0301").out
    assert "\x1b[" in run("explain", "E0301", tty=True).out
    assert "\x1b[" in run("explain", "E0301", "--color", "always").out
    assert "\x1b[" not in run("explain", "E0301", "--color", "never", tty=True).out


def test_explain_what_is_no_code() -> None:
    done = run("explain", "E0310x")
    assert (done.code, done.out) == (2, "")
    assert "did you mean `E0310`?" in done.err


# --- export, render, summary ---


def test_export_as_yaml() -> None:
    done = run("export", "-", "--net", "tiny", "--to", "yaml", stdin=GOOD)
    assert (done.code, done.err) == (0, "")
    assert yaml.safe_load(done.out)


def test_export_as_source() -> None:
    done = run("export", "-", "--net", "tiny", "--to", "pytorch", "--set", "classes=7", stdin=GOOD)
    assert (done.code, done.err) == (0, "")
    compile(done.out, "tiny.py", "exec")
    assert "import torch" in done.out


@pytest.mark.parametrize("level", ["network", "stage", "block", "op"])
@pytest.mark.parametrize("form", ["svg", "dot", "mermaid"])
def test_render(level: str, form: str) -> None:
    done = run("render", "-", "--net", "tiny", "--level", level, "--format", form, stdin=GOOD)
    assert (done.code, done.err) == (0, "")
    match form:
        case "svg":
            assert ET.fromstring(done.out).tag.endswith("svg")
        case "dot":
            assert done.out.startswith("digraph")
        case _:
            assert "flowchart" in done.out


@pytest.mark.parametrize("level", ["network", "stage", "block", "op"])
@pytest.mark.parametrize("form", ["text", "json", "markdown", "csv"])
def test_summary(level: str, form: str) -> None:
    done = run("summary", "-", "--net", "tiny", "--level", level, "--format", form, stdin=GOOD)
    assert (done.code, done.err) == (0, "")
    if form == "json":
        assert json.loads(done.out)["level"] == level
    else:
        assert "params" in done.out.lower()


def test_summary_fits_the_terminal() -> None:
    done = run("summary", "resnet18", tty=True, env={"COLUMNS": "60"})
    rule = next(line for line in done.out.splitlines() if line.startswith("─"))
    assert len(rule) <= 60
    wide = run("summary", "resnet18").out
    assert len(next(line for line in wide.splitlines() if line.startswith("─"))) > 60
