"""A spec as it was at a revision of git: `resnet.rnet@HEAD~1`, with the files beside it, which it may import."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from resnetdsl.cli.output import UsageError

_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Kept to the end of the process: what a spec imports is read when it is first asked for."""


def is_revision(name: str) -> bool:
    """Whether a name is that of a file at a revision, and no file's own."""
    path, at, revision = name.rpartition("@")
    return bool(at and path and revision) and path.endswith(".rnet") and not Path(name).exists()


def at_revision(name: str) -> Path:
    """A copy of the file as it was, in a folder with copies of those beside and below it. Raises UsageError."""
    given, _, revision = name.rpartition("@")
    path = Path(given)
    folder = path.parent if path.parent.is_dir() else Path()
    commit = _git(
        name, folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    ).strip()
    prefix = PurePosixPath(_git(name, folder, "rev-parse", "--show-prefix").strip())
    listed = _git(name, folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", ".")
    names = [each for each in listed.split("\0") if each.endswith(".rnet")]
    if path.name not in names:
        raise UsageError(
            f"there was no {path} at {revision}", "`git log --follow` tells its history", kind="unreadable"
        )
    copy = tempfile.TemporaryDirectory(prefix="resnetdsl-")
    _FOLDERS.append(copy)
    for each in names:
        target = Path(copy.name) / each
        target.parent.mkdir(parents=True, exist_ok=True)
        text = _git(name, folder, "show", f"{commit}:{prefix / each}")
        target.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
    return Path(copy.name) / path.name


def _git(name: str, folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except OSError as problem:
        raise UsageError(f"`{name}` needs git: {problem.strerror or problem}", kind="unreadable") from problem
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())[:200] or "git knows no such revision"
        raise UsageError(
            f"cannot read {name}: {reason}", "FILE@REVISION takes what `git show` takes", kind="unreadable"
        )
    return done.stdout
