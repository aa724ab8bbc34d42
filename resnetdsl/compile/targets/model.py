"""What a target may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resnetdsl.compile.options import Calibration, Keep
from resnetdsl.diagnostics.model import Diagnostic


class TargetError(Exception):
    """Why there is no target: what is wrong with its file, or that there is none. `diagnostics` point at the text."""

    def __init__(self, message: str, help: str = "", diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.diagnostics = diagnostics


SETTINGS = ("device", "dtype", "layout", "batch", "mode", "backend", "threads")
INT8 = ("calibration", "samples", "crop", "mean", "std", "keep_float")
"""What goes with `dtype: int8` alone."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is said of the compilation. None is what is left open: the command line's word, else the usual value.

    The values are those of the command line's options of these names: `batch` is `8` or `1..32`. The path of
    `calibration` is one that can be opened: in the file it is relative to that.
    """

    name: str
    description: str = ""
    device: str | None = None
    dtype: str | None = None
    layout: str | None = None
    batch: str | None = None
    mode: str | None = None
    backend: str | None = None
    threads: int | None = None
    passes: Mapping[str, bool] = field(default_factory=dict)
    calibration: str | None = None
    samples: int | None = None
    crop: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    keep_float: tuple[str, ...] | None = None

    def options(self) -> dict[str, object]:
        """What is said, as `Network.compile` takes it: passes that are off come as `without`, others as `also`."""
        values = {name: getattr(self, name) for name in SETTINGS}
        said: dict[str, object] = {name: value for name, value in values.items() if value is not None}
        for word, wanted in (("without", False), ("also", True)):
            if names := tuple(name for name, on in self.passes.items() if on is wanted):
                said[word] = names
        values = {name: value for name in INT8 if (value := getattr(self, name)) is not None}
        if values:
            said["calibration"] = _calibration(values)
        return said


def _calibration(said: dict[str, Any]) -> Calibration:
    """What int8 scales are measured on, where something is said of it."""
    keep = frozenset(map(Keep, said.pop("keep_float", ())))
    path = Path(said.pop("calibration")) if "calibration" in said else None
    return Calibration(path, keep=keep, **said)
