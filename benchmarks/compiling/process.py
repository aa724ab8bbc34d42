"""A unit of work in a process of its own, whose last printed line is its result as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


def result_of(command: Sequence[str], root: Path, environment: Mapping[str, str], limit: float) -> dict[str, object]:
    """The result, or in `problem` why there is none.

    In a session of its own: what the process started, compilers too, ends with it and disturbs no later unit.
    """
    process = subprocess.Popen(
        command, cwd=root, env=dict(environment), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        return {"problem": f"no result after {limit:.0f} s"}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        return {"problem": f"the process ended with {process.returncode}"}
    try:
        found: dict[str, object] = json.loads(out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {"problem": "the process printed no result"}
    return found
