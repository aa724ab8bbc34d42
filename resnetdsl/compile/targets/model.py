"""What a target may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from resnetdsl.diagnostics.model import Diagnostic


class TargetError(Exception):
    """Why there is no target: what is wrong with its file, or that there is none. `diagnostics` point at the text."""

    def __init__(self, message: str, help: str = "", diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.diagnostics = diagnostics


SETTINGS = ("device", "dtype", "layout", "batch", "mode", "backend", "threads")


@dataclass(frozen=True, slots=True)
class Target:
    """What is said of the compilation. None is what is left open: the command line's word, else the usual value.

    The values are those of the command line's options of these names: `batch` is `8` or `1..32`.
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

    def options(self) -> dict[str, object]:
        """What is said, as `Network.compile` takes it: passes that are off come as `without`, others as `also`."""
        values = {name: getattr(self, name) for name in SETTINGS}
        said: dict[str, object] = {name: value for name, value in values.items() if value is not None}
        for word, wanted in (("without", False), ("also", True)):
            if names := tuple(name for name, on in self.passes.items() if on is wanted):
                said[word] = names
        return said
