"""Files are written whole or not at all, and each reason why not is named."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.files import check_output, whole_file, work_folder
from tests.cli.running import ROOT


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.pt2"
    target.write_text("old")
    with whole_file(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.pt2"]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a.pt2"
    target.write_text("old")
    with pytest.raises(error), whole_file(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.pt2"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CompileError) as caught, whole_file(tmp_path / "a.pt2") as temporary:
        temporary.write_text("half")
    assert caught.value.problem is Problem.NO_SPACE
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are POSIX")
def test_a_real_limit_on_file_size(tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from resnetdsl.compile.errors import CompileError
from resnetdsl.compile.files import whole_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with whole_file(Path({str(tmp_path)!r}) / "a.pt2") as temporary:
        temporary.write_bytes(bytes(5000))
except CompileError as error:
    print(error.problem.value)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "no-space"
    assert names(tmp_path) == []


def test_too_little_space_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="about .* are needed and .* are free") as caught:
        check_output(tmp_path / "a.pt2", ".pt2", 10**18)
    assert caught.value.problem is Problem.NO_SPACE
    assert names(tmp_path) == []


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="file name too long") as caught:
        check_output(tmp_path / f"{'x' * 300}.rnetc", ".rnetc", 0)
    assert caught.value.problem is Problem.CANNOT_WRITE


def test_hopeless_outputs_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "folder.pt2").mkdir()
    (tmp_path / "file").write_text("")
    for path, problem in [
        (tmp_path / "a.so", Problem.BAD_OPTION),
        (tmp_path / "a", Problem.BAD_OPTION),
        (tmp_path / "folder.pt2", Problem.CANNOT_WRITE),
        (tmp_path / "none" / "a.pt2", Problem.CANNOT_WRITE),
        (tmp_path / "file" / "a.pt2", Problem.CANNOT_WRITE),
        (Path("/proc/a.pt2"), Problem.CANNOT_WRITE),
    ]:
        with pytest.raises(CompileError) as caught:
            check_output(path, ".pt2", 0)
        assert caught.value.problem is problem, path
        assert caught.value.help
    assert names(tmp_path) == ["file", "folder.pt2"]


def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(CompileError, match="permission denied") as caught:
        check_output(tmp_path / "a.pt2", ".pt2", 0)
    assert caught.value.problem is Problem.CANNOT_WRITE


def test_a_forked_process_leaves_a_folder_to_who_made_it(tmp_path: Path) -> None:
    code = """
import os, sys
from resnetdsl.compile.files import OwnFolder
folder = OwnFolder()
if os.fork() == 0:
    sys.exit()
os.wait()
print(folder.path.is_dir())
"""
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert done.stdout == "True\n", done.stderr
    assert not list(tmp_path.iterdir())


def test_work_folders_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), work_folder() as work:
        (work / "deep").mkdir()
        (work / "deep" / "file").write_text("x")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_no_place_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(CompileError) as caught, work_folder():
        pass
    assert caught.value.problem is Problem.CANNOT_WRITE
