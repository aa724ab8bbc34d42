"""`resnetdsl.load` and the networks it leads to."""

from __future__ import annotations

import re
from pathlib import Path

from resnetdsl.diagnostics.model import Sink
from resnetdsl.diagnostics.words import word_all
from resnetdsl.elaborate.arguments import nearest
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
        return parse_spec(SourceFile("<text>", source), None, Sink())
    path = Path(source)
    if path.suffix != ".rnet" and not path.is_file():
        shipped = find_network(str(source))
        if shipped is None:
            near = nearest(str(source), shipped_networks())
            hint = f"; did you mean `{near}`?" if near else ""
            raise SpecError(f"there is no file and no shipped network `{source}`{hint}")
        path = shipped
    sink = Sink()
    file = read_source(path, str(source if path == Path(source) else path.name), sink)
    if file is None:
        raise SpecError(f"cannot read {path}", word_all(sink.facts))
    return parse_spec(file, path, sink)


def shipped_networks() -> dict[str, Path]:
    """Every network of the shipped specs and its file, found without parsing them."""
    found: dict[str, Path] = {}
    for path in sorted(specs_dir().glob("*.rnet")):
        for name in _NETWORK.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, path)
    return found


def find_network(name: str) -> Path | None:
    """The file of a shipped network."""
    return shipped_networks().get(name)


