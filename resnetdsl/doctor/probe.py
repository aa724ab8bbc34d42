"""Questions that are asked in processes of their own, all at once: an import may fail, crash or hang."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

_PATIENCE = 120.0
_PRELUDE = "import json, sys\nsys.path[:] = {path!r}\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe printed as its last line, as a table; or why it printed none."""

    data: Mapping[str, object]
    error: str = ""

    def text(self, key: str) -> str:
        return str(self.data.get(key) or "")


def ask(probes: Mapping[str, str], patience: float = _PATIENCE) -> dict[str, Answer]:
    """Run Python texts that `print(json.dumps({...}))`, side by side, with this process's import path."""
    prelude = _PRELUDE.format(path=sys.path)
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, code in probes.items():
            running[name] = subprocess.Popen(
                [sys.executable, "-c", prelude + code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        return {name: _answer(process, patience) for name, process in running.items()}
    finally:
        for process in running.values():
            if process.poll() is None:
                process.kill()
            process.communicate()


def _answer(process: subprocess.Popen[str], patience: float) -> Answer:
    try:
        out, err = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        return Answer({}, f"no answer within {patience:.0f} s")
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    if process.returncode < 0:
        return Answer({}, f"it ends with signal {-process.returncode}")
    if process.returncode:
        return Answer({}, lines[-1] if lines else f"it ends with {process.returncode}")
    try:
        data = json.loads(out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return Answer({}, "no answer that can be read")
    return Answer(data if isinstance(data, dict) else {})
