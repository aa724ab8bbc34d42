"""What becomes of failures: exit codes, streams, our own bugs, and readers that go away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from resnetdsl.cli import check
from resnetdsl.cli.main import COMMANDS
from resnetdsl.cli.output import UsageError
from resnetdsl.version import VERSION
from tests.cli.running import BAD, GOOD, ROOT, run, shell

NAMES = [module.NAME for module in COMMANDS]


def test_version() -> None:
    done = run("--version")
    assert (done.code, done.out, done.err) == (0, f"resnetdsl {VERSION}\n", "")


def test_help_lists_the_commands() -> None:
    done = run("--help")
    assert (done.code, done.err) == (0, "")
    assert all(f"    {name} " in done.out for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command(name: str) -> None:
    done = run(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: resnetdsl {name}")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("chek",),
        ("check", "--nosuch"),
        ("check", "--form", "json", "-"),
        ("check", "-", "--format", "xml"),
        ("check", "-", "--color", "blue"),
        ("compile",),
        ("compile", "-", "--device", "tpu"),
        ("compile", "-", "--dtype", "int4"),
        ("compile", "-", "--seed", "x"),
        ("export", "-"),
        ("export", "-", "--to", "caffe"),
        ("fmt",),
        ("new",),
        ("render", "-", "--level", "atom"),
        ("render", "-", "--engine", "paint"),
        ("summary",),
        ("summary", "-", "--level", "atom"),
        ("list", "--format", "xml"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[usage]: ")
    assert "--help`" in done.err


@pytest.mark.parametrize(
    "command", ["summary", "export --to pytorch", "export --to yaml", "render --format dot", "compile"]
)
def test_mistakes_in_the_spec(command: str) -> None:
    done = run(*command.split(), "-", stdin=BAD)
    assert (done.code, done.out) == (1, "")
    assert "error[E0201]: unknown name `cnv`" in done.err
    assert done.err.endswith("error[spec]: network `bad` has mistakes\n")


@pytest.mark.parametrize("command", ["summary", "export --to pytorch", "render --format dot", "compile"])
def test_which_of_several_networks(command: str) -> None:
    done = run(*command.split(), "-", stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert "say which of tiny, tiny100" in done.err


def test_nothing_to_build() -> None:
    done = run("summary", "-", stdin="block b { relu }\n")
    assert (done.code, done.out) == (2, "")
    assert "no network" in done.err


def _bug(_args: object) -> NoReturn:
    raise ZeroDivisionError("no\x1b[31m such luck")


def test_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "run", _bug)
    done = run("check", "-")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error[bug]: ZeroDivisionError: no\\x1b[31m such luck (test_main.py:")
    assert "please report it" in done.err
    assert "Traceback" not in done.err


def test_our_bug_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "run", _bug)
    done = run("check", "-", env={"RESNETDSL_DEBUG": "1"})
    assert done.code == 3
    assert "Traceback" in done.err


@pytest.mark.parametrize(
    "error", [MemoryError("std::bad_alloc"), ImportError("libtorch.so: failed to map segment from shared object")]
)
def test_a_lack_of_memory_is_no_bug(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_args: object) -> NoReturn:
        raise error

    monkeypatch.setattr(check, "run", fail)
    done = run("check", "-")
    assert done.code == 2
    assert done.err.startswith("error[no-memory]: there is not enough memory")


def _refused(_args: object) -> NoReturn:
    raise UsageError("the message", "the help") from OSError("the cause")


def test_the_cause_of_what_is_refused_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "run", _refused)
    plain, full = run("check", "-"), run("check", "-", env={"RESNETDSL_DEBUG": "1"})
    assert plain.code == full.code == 2
    assert plain.err == "error[usage]: the message\n  = help: the help\n"
    assert full.err.startswith(plain.err)
    assert "OSError: the cause" in full.err


def test_control_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_args: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "run", interrupted)
    done = run("check", "-")
    assert (done.code, done.out, done.err) == (130, "", "interrupted\n")


def test_control_c_in_a_process() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "resnetdsl", "check", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    stat = Path(f"/proc/{child.pid}/wchan")
    if not stat.exists():
        child.kill()
        pytest.skip("needs /proc to see when the command waits for its input")
    for _ in range(600):
        if "pipe" in stat.read_text():
            break
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (130, "interrupted\n")


# --- streams ---


@pytest.mark.parametrize("command", ["export --to yaml resnet18", "summary resnet18", "explain", "list --fast"])
def test_a_reader_that_has_seen_enough(command: str) -> None:
    done = shell(f"resnetdsl {command} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr.count("rror")) == ("0\n", 0)


def test_a_reader_of_stderr_that_goes_away() -> None:
    done = shell("resnetdsl check - 2>&1 </dev/null | true; echo ${PIPESTATUS[0]}")
    assert done.stdout == "1\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["export --to yaml resnet18", "explain E0301", "summary resnet18"])
def test_standard_output_on_a_full_disk(command: str) -> None:
    done = shell(f"resnetdsl {command} >/dev/full; echo $? >&2")
    assert done.stderr == "error[cannot-write]: cannot write to standard output: No space left on device\n2\n"


@pytest.mark.parametrize("close", [">&-", "2>&-", "</dev/null >&- 2>&-", "2>/dev/full"])
def test_closed_streams(close: str) -> None:
    assert shell(f"resnetdsl explain E0301 {close}; exit $?").returncode == 0


def test_closed_standard_input() -> None:
    done = shell("resnetdsl check - <&-")
    assert done.returncode == 1
    assert "error[E0112]" in done.stderr


def test_output_is_utf_8_wherever_it_goes() -> None:
    done = shell("resnetdsl summary resnet18 | grep -c ─", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")


def test_names_of_files_cannot_steer_a_terminal(tmp_path: Path) -> None:
    done = run("check", tmp_path / "a\x1b]0;title\x07\u202eb.rnet")
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err
    path = tmp_path / "a\x1b[31m\n.rnet"
    path.write_text(BAD, encoding="utf-8")
    for command in (("check",), ("check", "--format", "github"), ("summary",), ("fmt",), ("list",)):
        done = run(*command, path)
        assert "\x1b" not in done.out + done.err
