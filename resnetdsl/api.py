"""`resnetdsl.load`, and the networks that are shipped."""

from __future__ import annotations

import re
from pathlib import Path

from resnetdsl.diagnostics.model import Sink
from resnetdsl.diagnostics.words import word_all
from resnetdsl.elaborate.meant import nearest
from resnetdsl.paths import specs_dir
from resnetdsl.source import SourceFile
from resnetdsl.spec import Spec, SpecError, parse_spec
from resnetdsl.syntax.reading import read_source

_NETWORK = re.compile(r"^network\s+([A-Za-z_]\w*)", re.MULTILINE)


def load(source: str | Path) -> Spec:
    """A spec from a path, from its text, or from the name of a shipped network.

    A string is text if it has a brace or a line break, else a path if such a file is there, else a name.
    Mistakes inside the text are for `Spec.check` to tell; SpecError is raised where there is no text to look at.
    """
    if isinstance(source, str) and ("{" in source or "\n" in source):
        sink = Sink()
        return parse_spec(SourceFile("<text>", source), None, sink)
    path = Path(source)
    wanted = None
    if not is_path(path):
        shipped = find_network(str(source))
        if shipped is None:
            near = nearest(str(source), shipped_networks())
            hint = f"; did you mean `{near}`?" if near else ""
            raise SpecError(f"there is no file and no shipped network `{source}`{hint}")
        path, wanted = shipped, str(source)
    sink = Sink()
    name = path.name if path.is_relative_to(specs_dir()) else str(path)
    try:
        file = read_source(path, name, sink)
    except OSError as problem:
        raise SpecError(f"cannot read {path}: {problem.strerror or problem}") from problem
    if file is None:
        raise SpecError(f"cannot read {path}", word_all(sink.facts))
    spec = parse_spec(file, path, sink)
    spec.wanted = wanted
    return spec


def is_path(path: Path) -> bool:
    """Whether this can only mean a file: it is there (be it a pipe), or it is called like a spec."""
    return path.suffix == ".rnet" or (path.exists() and not path.is_dir())


def shipped_files() -> tuple[Path, ...]:
    """The specs that come with resnetdsl."""
    return tuple(sorted(specs_dir().glob("*.rnet")))


def shipped_networks() -> dict[str, Path]:
    """Every network of the shipped specs and its file, found without parsing them."""
    found: dict[str, Path] = {}
    for path in shipped_files():
        for name in _NETWORK.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, path)
    return found


def find_network(name: str) -> Path | None:
    """The file of a shipped network."""
    return shipped_networks().get(name)
