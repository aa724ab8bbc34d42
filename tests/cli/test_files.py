"""Writing: whole or not at all, and to whatever kind of file the user names."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from resnetdsl.cli import output
from tests.cli.running import GOOD, run

EXPORT = ("export", "-", "--net", "tiny", "--to", "yaml", "-o")
COMMANDS = [
    EXPORT,
    ("export", "-", "--net", "tiny", "--to", "pytorch", "-o"),
    ("render", "-", "--net", "tiny", "--format", "dot", "-o"),
    ("summary", "-", "--net", "tiny", "-o"),
]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command[0]} {command[-2]}")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@every_command
def test_written(command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    done = run(*command, path, stdin=GOOD)
    assert (done.code, done.out, done.err) == (0, "", f"wrote {path}\n")
    assert path.read_text("utf-8") == run(*command[:-1], stdin=GOOD).out
    assert path.read_text("utf-8") == run(*command, "-", stdin=GOOD).out
    assert run(*command, path, "-q", stdin=GOOD).err == ""
    assert names(tmp_path) == ["out.txt"]


@every_command
@pytest.mark.parametrize("target", ["missing/out.txt", "file/out.txt", "folder", ""])
def test_places_that_cannot_be_written(command: tuple[str, ...], target: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    done = run(*command, f"{tmp_path}/{target}", stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[cannot-write]: cannot write ")
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = run(*EXPORT, tmp_path / "out.yaml", stdin=GOOD)
    assert done.code == 2
    assert "Permission denied" in done.err


def test_a_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int, _mode: str) -> object:
        return Path("/dev/full").open("wb", buffering=0)

    path = tmp_path / "out.yaml"
    path.write_text("as it was")
    monkeypatch.setattr(output.os, "fdopen", full)
    done = run(*EXPORT, path, stdin=GOOD)
    assert done.code == 2
    assert done.err == f"error[cannot-write]: cannot write {path}: No space left on device\n"
    assert path.read_text() == "as it was"
    assert names(tmp_path) == ["out.yaml"]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_self: Path, _mode: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "chmod", interrupt)
    assert run(*EXPORT, tmp_path / "out.yaml", stdin=GOOD).code == 130
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_devices_are_written_to_and_not_replaced() -> None:
    done = run(*EXPORT, "/dev/full", stdin=GOOD)
    assert (done.code, done.err) == (2, "error[cannot-write]: cannot write /dev/full: No space left on device\n")
    assert run(*EXPORT, "/dev/null", stdin=GOOD).code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_pipe_with_a_name(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text("utf-8")))
    reader.start()
    assert run(*EXPORT, path, stdin=GOOD).code == 0
    reader.join(60)
    assert read == [run(*EXPORT, "-", stdin=GOOD).out]


def test_a_spec_from_a_pipe_with_a_name(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_text(GOOD, encoding="utf-8"))
    writer.start()
    assert run("check", path).code == 0
    writer.join(60)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "real" / "there.yaml")
    assert run(*EXPORT, link, stdin=GOOD).code == 0
    assert link.is_symlink()
    assert (tmp_path / "real" / "there.yaml").is_file()


def test_links_that_lead_round(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    done = run(*EXPORT, tmp_path / "a", stdin=GOOD)
    assert done.code == 2
    assert done.err.startswith("error[cannot-write]")


def test_rights_of_a_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "out.yaml"
    path.write_text("")
    path.chmod(0o640)
    assert run(*EXPORT, path, stdin=GOOD).code == 0
    assert path.stat().st_mode & 0o777 == 0o640


def test_rights_of_a_new_file_are_the_usual_ones(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        assert run(*EXPORT, tmp_path / "out.yaml", stdin=GOOD).code == 0
    finally:
        os.umask(before)
    assert (tmp_path / "out.yaml").stat().st_mode & 0o777 == 0o640


def test_the_longest_name_there_is(tmp_path: Path) -> None:
    assert run(*EXPORT, tmp_path / ("x" * 255), stdin=GOOD).code == 0
