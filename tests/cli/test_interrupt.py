"""Ctrl-C, `kill` and a real terminal: nothing half-written stays, and no process."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from resnetdsl.cli.interrupt import descendants
from tests.cli.running import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see what still runs")

FAMILY = """
import signal, subprocess, sys, time
from resnetdsl.cli.interrupt import interruptible
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and would stay so
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
early = subprocess.Popen(["sleep", "60"])
try:
    with interruptible():
        deaf = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
        deaf.stdout.readline()
        shell = ["sh", "-c", "sleep 60 & echo $!; wait"]
        parent = subprocess.Popen(shell, stdout=subprocess.PIPE, text=True)
        print(early.pid, deaf.pid, parent.pid, parent.stdout.readline().strip(), flush=True)
        time.sleep(60)
except KeyboardInterrupt as end:
    print(getattr(end, "exit_code", 130), flush=True)
    early.kill()
"""


SWALLOWED = """
import os, signal
from resnetdsl.cli.interrupt import interruptible
try:
    with interruptible():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException:
            pass
        raise AttributeError("module 'numpy' has no attribute 'multiply'")
except KeyboardInterrupt as end:
    print(end.exit_code)
"""


def test_an_end_that_a_library_swallowed_is_no_bug() -> None:
    """As NumPy's import does within that of PyTorch, which then goes on without it."""
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWED], capture_output=True, text=True, check=False, env=environment()
    )
    assert done.stdout == "143\n", done.stderr


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, "130"), (signal.SIGTERM, "143"), (signal.SIGHUP, "129")])
def test_children_end_and_those_from_before_do_not(number: int, code: str) -> None:
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, text=True, env=environment()) as main:
        assert main.stdout is not None
        early, *family = map(int, main.stdout.readline().split())
        assert len(family) == 3
        assert all(map(runs, family))
        os.kill(main.pid, number)
        assert main.stdout.readline().strip() == code
        assert not any(map(runs, family))
    assert not runs(early)  # the script's own doing, after the exception


def test_ctrl_c_while_the_command_is_imported() -> None:
    code = """
import sys
class Slow:
    def find_spec(self, name, *_):
        if name == "resnetdsl.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Slow())
from resnetdsl.__main__ import main
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_what_is_ignored_stays_ignored() -> None:
    code = """
import os, signal
from resnetdsl.cli.interrupt import interruptible
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with interruptible():
    os.kill(os.getpid(), signal.SIGHUP)
print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.strip() == "True True"


def test_only_descendants_are_found() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert child.pid in descendants()
        assert os.getpid() not in descendants()
        assert os.getppid() not in descendants()
        child.kill()


# --- a real compilation ---

SPEC = """
network tiny {
    input 3x32x32
    conv(16, 3x3) -> batch_norm -> relu
    stage layer1: 3 * basic(16)
    global_avg_pool -> linear(10)
}
"""


class Compilation:
    """`resnetdsl compile`, with folders of its own for whatever it writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("tmp", "cache", "inductor", "out"):
            (folder / name).mkdir()
        (folder / "tiny.rnet").write_text(SPEC, encoding="utf-8")
        self.command = [
            sys.executable,
            "-m",
            "resnetdsl",
            "compile",
            "tiny.rnet",
            "--device",
            "cpu",
            "--dtype",
            "float16",  # for which code is generated, and gcc runs
            "-o",
            "out/tiny.rnetc",
        ]
        self.environment = environment(
            TMPDIR=str(folder / "tmp"),
            RESNETDSL_CACHE_DIR=str(folder / "cache"),
            TORCHINDUCTOR_CACHE_DIR=str(folder / "inductor"),
            TERM="xterm",
        )

    def left(self) -> list[str]:
        """What is there that should not be: outputs, temporary files, and files that are begun in a cache."""
        found = [path for name in ("tmp", "out") for path in (self.folder / name).iterdir()]
        return [str(path) for path in found if not path.name.startswith("torchinductor_")]


def wait_for(what: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def compilers(root: int) -> list[int]:
    """The C++ compilers at work below a process."""
    found, todo = [], [root]
    parents: dict[int, list[int]] = {}
    names: dict[int, str] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        pid = int(path.parent.name)
        names[pid] = text.partition("(")[2].rpartition(")")[0]
        parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(pid)
    while todo:
        for pid in parents.get(todo.pop(), []):
            todo.append(pid)
            if names[pid] in {"cc1plus", "clang", "clang++"}:
                found.append(pid)
    return found


@pytest.mark.slow
def test_sigint_while_gcc_runs(tmp_path: Path) -> None:
    """To the one process, as `kill -INT` does: gcc hears nothing of it."""
    made = Compilation(tmp_path)
    process = subprocess.Popen(
        made.command, cwd=tmp_path, env=made.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while "] compiling" not in (line := process.stderr.readline()):
        assert line, "it ended before it compiled"
    wait_for(lambda: bool(compilers(process.pid)) or process.poll() is not None)
    at_work = compilers(process.pid)
    assert at_work
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    assert not any(map(runs, at_work))
    assert made.left() == []


@pytest.mark.slow
def test_a_terminal_sees_phases_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    made = Compilation(tmp_path)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(made.command[0], made.command, made.environment)
    seen = b""
    end = time.monotonic() + 240
    pressed = False
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            seen += data
        if not pressed and b"> compiling" in seen and compilers(pid):
            os.write(terminal, b"\x03")
            pressed = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert pressed
    assert os.waitstatus_to_exitcode(status) == 130
    text = seen.decode()
    # A finished phase keeps its line, the one at work changes in place.
    assert "  checking the toolchain" in text
    assert text.count("> compiling") > 2
    assert "\r\x1b[2K" in text
    assert text.rstrip().splitlines()[-1].endswith("interrupted")
    assert made.left() == []
