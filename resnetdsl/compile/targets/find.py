"""Targets by the path of a file, or by the name of a shipped one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from resnetdsl.compile.targets.model import Target, TargetError
from resnetdsl.compile.targets.read import check_target
from resnetdsl.diagnostics.model import Sink
from resnetdsl.diagnostics.words import word_all
from resnetdsl.elaborate.meant import nearest
from resnetdsl.paths import targets_dir
from resnetdsl.syntax.reading import read_source

_SUFFIXES = (".yaml", ".yml")


def shipped_targets() -> dict[str, Path]:
    """The targets that come with resnetdsl, by name."""
    return {path.stem: path for path in sorted(targets_dir().glob("*.yaml"))}


def pass_names() -> tuple[str, ...]:
    """The passes that a target may switch. They come with torch, and are asked for only where a target names some."""
    from resnetdsl.compile.lower.pipeline import PASSES

    return tuple(each.name for each in PASSES)


def find_target(wanted: str) -> Target:
    """The target of a file or of a shipped name. TargetError says what is wrong with it, all of it at once."""
    path = Path(wanted)
    shipped = shipped_targets()
    if path.suffix not in _SUFFIXES and not path.is_file():
        if wanted not in shipped:
            near = nearest(wanted, shipped)
            hint = f"did you mean `{near}`? " if near else ""
            raise TargetError(
                f"there is no file and no shipped target `{wanted}`", f"{hint}shipped are {', '.join(shipped)}"
            )
        path = shipped[wanted]
    return read_target(path)


def read_target(path: Path) -> Target:
    """The target in a file. Its `calibration` is found from where the file is."""
    name = path.name if path.is_relative_to(targets_dir()) else str(path)
    sink = Sink()
    try:
        file = read_source(path, name, sink)
    except OSError as problem:
        raise TargetError(f"cannot read {path}: {problem.strerror or problem}") from problem
    target = check_target(file, path.stem, sink, pass_names) if file is not None else None
    if target is None:
        raise TargetError(f"{name} has mistakes", diagnostics=word_all(sink.facts))
    if target.calibration is None:
        return target
    return replace(target, calibration=str(path.parent / target.calibration))
