"""`check`: what it says, where it says it, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import BAD, GOOD, WARNED, run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.rnet"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.rnet"
    path.write_text(BAD, encoding="utf-8")
    return path


def test_a_good_spec(good: Path) -> None:
    done = run("check", good, "--allow", "W0904")
    assert (done.code, done.out, done.err) == (0, "", "no mistakes found\n")


def test_quiet_says_nothing_of_a_good_spec(good: Path) -> None:
    done = run("check", good, "-q", "--allow", "W0904")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_quiet_still_says_what_is_wrong(bad: Path) -> None:
    done = run("check", "-q", bad)
    assert done.code == 1
    assert "error[E0201]" in done.err
    assert "1 error in" not in done.err


def test_mistakes_go_to_stderr(bad: Path) -> None:
    done = run("check", bad)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error[E0201]: unknown name `cnv`\n")
    assert f"{bad}:3:5" in done.err
    assert done.err.endswith(f"1 error in {bad} (1 can be fixed with `--fix`)\n")


@pytest.mark.parametrize("text", [GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD])
def test_standard_input(text: str) -> None:
    assert run("check", "-", stdin=text).code == 0


def test_mistakes_of_standard_input() -> None:
    done = run("check", "-", stdin=BAD)
    assert done.code == 1
    assert "--> <stdin>:3:5" in done.err


def test_shipped_network_by_name() -> None:
    assert run("check", "resnet18").code == 0


def test_misspelt_name_has_a_suggestion() -> None:
    done = run("check", "resnt18")
    assert (done.code, done.out) == (2, "")
    assert "did you mean `resnet18`?" in done.err


def test_one_network_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.rnet"
    path.write_text(GOOD + BAD, encoding="utf-8")
    assert run("check", path).code == 1
    done = run("check", path, "--net", "tiny")
    assert "unknown name `cnv`" in done.err  # what a file says wrong counts whatever network is asked for
    other = run("check", path, "--net", "tony")
    assert other.code == 2
    assert "did you mean `tiny`?" in other.err


def test_no_spec_is_wrong_use() -> None:
    done = run("check")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[usage]: nothing to check")


def test_warnings_fail_under_strict_alone() -> None:
    assert run("check", "-", stdin=WARNED).code == 0
    done = run("check", "-", "--strict", stdin=WARNED)
    assert done.code == 1
    assert "warning[W0802]" in done.err
    assert run("check", "-", "--strict", "--allow", "W0802", stdin=WARNED).code == 0


@pytest.mark.parametrize("code", ["E0201", "W9999", "w0802", ""])
def test_only_lints_can_be_allowed(code: str, good: Path) -> None:
    done = run("check", good, "--allow", code)
    assert done.code == 2
    assert "names no lint" in done.err


def test_the_same_file_twice_is_told_once(bad: Path) -> None:
    assert run("check", bad, bad).err == run("check", bad).err


# --- unreadable specs ---


@pytest.mark.parametrize("name", ["nosuch.rnet", "good.rnet/inner.rnet", "x" * 300 + ".rnet"])
def test_no_such_file(name: str, good: Path) -> None:
    done = run("check", good.parent / name)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[unreadable]: cannot read ")


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    done = run("check", tmp_path)
    assert done.code == 2
    assert "is a folder" in done.err


@pytest.mark.parametrize("data", [b"\0\1\2", b"\xff\xfe\0", b"network \x80 {}", b"x" * 2_000_000])
def test_no_text(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.rnet"
    path.write_bytes(data)
    for done in (run("check", path), run("check", "-", stdin=data)):
        assert (done.code, done.out) == (2, "")
        assert "error[E011" in done.err


def test_an_unreadable_spec_hides_no_other(tmp_path: Path, bad: Path) -> None:
    done = run("check", tmp_path / "nosuch.rnet", bad)
    assert done.code == 2
    assert "cannot read" in done.err
    assert "error[E0201]" in done.err


def test_nothing_is_called_fine_that_was_not_read(tmp_path: Path) -> None:
    assert "no mistakes" not in run("check", tmp_path / "nosuch.rnet").err


# --- values and sizes ---


@pytest.mark.parametrize(
    "value",
    [
        "classes=12",
        "classes = 3 * 4",
        "classes=1_000",
        "block=bottleneck",
        "block=preact_basic",
        "block=basic(shortcut = zero_padded)",
        "depths=[2, 1, 3]",
        "depths=[n for n in 1..4]",
        'act="reflect"',
        "width=2^4",
    ],
)
def test_set(value: str, good: Path) -> None:
    done = run("check", good, "--net", "tiny", "--set", value)
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("classes", "is not PARAM=VALUE"),
        ("=3", "is not PARAM=VALUE"),
        ("classes=", "error[E0103]"),
        ("classes=1+", "error[E0103]"),
        ("block=basc", "did you mean `basic`?"),
        ("clases=3", "did you mean `classes`?"),
        ("other=3", "it has classes, block, depths, width, act"),
        ("depths=[1 for i in 0..10^12]", "error[E0503]"),
        ("classes=2^10^10", "error[E0216]"),
        ("classes=f(", "error[E0102]"),
        ("classes=" + "(" * 5000, "error[E0109]"),
        ("classes=[[i + j for i in 0..10000] for j in 0..10000]", "error[E050"),
    ],
)
def test_set_that_is_wrong_use(value: str, said: str, good: Path) -> None:
    done = run("check", good, "--net", "tiny", "--set", value)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("value", ["width=0", "classes=1/3", "depths=3", 'block="x"', 'act="zero"', "classes=-1"])
def test_set_to_a_value_that_the_spec_cannot_use(value: str, good: Path) -> None:
    done = run("check", good, "--net", "tiny", "--set", value)
    assert (done.code, done.out) == (1, "")
    assert "error[E" in done.err


def test_two_values() -> None:
    done = run("summary", "-", "--net", "tiny", "--set", "classes=7", "--set", "width=24", "-q", stdin=GOOD)
    assert done.code == 0
    assert "24x16x16" in done.out


def test_input(good: Path) -> None:
    assert run("check", good, "--input", "3x64x48").code == 0
    done = run("summary", good, "--net", "tiny", "--input", "3x64x48")
    assert "8x64x48" in done.out


@pytest.mark.parametrize("size", ["3x64", "3x0x3", "0x1x1", "3x00x3", "3 x 4 x 5", "axbxc", "3x-1x3", "1x2x3x4", ""])
def test_input_that_is_no_size(size: str, good: Path) -> None:
    done = run("check", good, "--input", size)
    assert (done.code, done.out) == (2, "")
    assert "is no size" in done.err


# --- forms ---


def test_json() -> None:
    done = run("check", "-", "--format", "json", stdin=BAD)
    assert (done.code, done.err) == (1, "")
    data = json.loads(done.out)
    assert data["errors"] == 1
    (found,) = data["diagnostics"]
    assert (found["code"], found["span"]["file"], found["span"]["line"]) == ("E0201", "<stdin>", 3)
    assert found["fix"][0]["replacement"] == "conv"


def test_json_of_nothing_wrong() -> None:
    done = run("check", "-", "--format", "json", "--allow", "W0904", stdin=GOOD)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["diagnostics"] == []


def test_json_of_a_file_that_is_no_text() -> None:
    done = run("check", "-", "--format", "json", stdin=b"\0")
    assert done.code == 2
    assert json.loads(done.out)["diagnostics"][0]["code"] == "E0110"


def test_sarif() -> None:
    done = run("check", "-", "--format", "sarif", stdin=BAD)
    assert (done.code, done.err) == (1, "")
    (one,) = json.loads(done.out)["runs"]
    assert one["results"][0]["ruleId"] == "E0201"


def test_github() -> None:
    done = run("check", "-", "--format", "github", stdin=BAD)
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("::error file=<stdin>,line=3")
    assert len(done.out.splitlines()) == 1
    assert run("check", "-", "--format", "github", "--allow", "W0904", stdin=GOOD).out == ""


def test_a_flood_of_mistakes_is_cut() -> None:
    text = "network a {\n    input 3x8x8\n" + "".join(f"    cnv{i}(8, 3x3)\n" for i in range(300)) + "}\n"
    done = run("check", "-", stdin=text)
    assert done.err.count("error[E0201]") == 200
    assert "... and 100 more" in done.err
    assert "300 errors" in done.err
    assert json.loads(run("check", "-", "--format", "json", stdin=text).out)["errors"] == 300


# --- colour ---


def test_colour() -> None:
    assert "\x1b[" not in run("check", "-", stdin=BAD).err
    assert "\x1b[" in run("check", "-", stdin=BAD, tty=True).err
    assert "\x1b[" not in run("check", "-", stdin=BAD, tty=True, env={"NO_COLOR": "1"}).err
    assert "\x1b[" not in run("check", "-", stdin=BAD, tty=True, env={"TERM": "dumb"}).err
    assert "\x1b[" in run("check", "-", "--color", "always", stdin=BAD, env={"NO_COLOR": "1"}).err
    assert "\x1b[" not in run("check", "-", "--color", "never", stdin=BAD, tty=True).err


@pytest.mark.parametrize("columns", ["1", "40", "100", "1000"])
def test_width(columns: str) -> None:
    done = run("check", "-", stdin=BAD, env={"COLUMNS": columns})
    assert max(map(len, done.err.splitlines()[:-1])) <= max(40, min(int(columns), 160))
