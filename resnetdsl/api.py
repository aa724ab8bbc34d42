"""`resnetdsl.load` and the networks it leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnetdsl.diagnostics.model import Sink
from resnetdsl.diagnostics.words import word_all
from resnetdsl.elaborate.arguments import nearest
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.paths import specs_dir
from resnetdsl.source import SourceFile
from resnetdsl.spec import Spec, SpecError, parse_spec
from resnetdsl.syntax.reading import read_source

if TYPE_CHECKING:
    from torch import nn  # noqa: TID251 - for annotations alone

    from resnetdsl.compile.compiler import CompileResult
    from resnetdsl.elaborate.values import Value
    from resnetdsl.emit.summary import Summary

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


@dataclass(frozen=True)
class Network:
    """A checked network, and all that can be made of it."""

    name: str
    checked: CheckedGraph
    spec: Spec
    overrides: Mapping[str, Value] = field(default_factory=dict)

    @property
    def graph(self) -> Any:
        """The `networkx.MultiDiGraph`: nodes hold a `Node` under `node`, edges their `type`, keyed by port."""
        return self.checked.nx

    def source(self) -> str:
        """PyTorch source that needs torch alone."""
        from resnetdsl.emit.pytorch.document import Header, emit

        return emit(self.checked, header=Header(self.spec.file.name, self.spec.digest))

    def module(self) -> nn.Module:
        """That source, run: a module with freshly drawn weights, in training mode."""
        from resnetdsl.emit.module import build
        from resnetdsl.emit.pytorch.document import class_name

        return build(self.source(), class_name(self.checked))

    def dump(self) -> str:
        """The graph as YAML, which `resnetdsl.ir.load.load` reads back."""
        from resnetdsl.ir.dump import dump

        return dump(self.checked)

    def summary(self) -> Summary:
        """The table of layers."""
        from resnetdsl.emit.summary import summarise

        return summarise(self.checked)

    def compile(
        self,
        output: str | Path,
        *,
        device: str = "auto",
        dtype: str = "float32",
        batch: str | int = 1,
        weights: str | Path | None = None,
        module: nn.Module | None = None,
        seed: int = 0,
        progress: Callable[[str], None] | None = None,
    ) -> CompileResult:
        """An AOTInductor package at `output`, verified against eager PyTorch; `resnetdsl.load_artifact` runs it.

        `batch` is a size or a range, `"1..32"`. The weights are those of `module` if it is given, else of the
        checkpoint `weights`, else random from `seed`. Raises CompileError; then nothing is written.
        """
        from resnetdsl.compile.build import compile_network

        return compile_network(
            self,
            output,
            device=device,
            dtype=dtype,
            batch=batch,
            weights=weights,
            module=module,
            seed=seed,
            progress=progress,
        )

    def render(self, level: str = "stage", format: str = "svg") -> str:
        """A diagram as text: `svg`, `dot` or `mermaid`, at level `network`, `stage`, `block` or `op`."""
        from resnetdsl.emit.diagram import to_dot, to_mermaid, to_svg, view
        from resnetdsl.emit.outline import Level

        drawn = view(self.checked, Level(level))
        return {"svg": to_svg, "dot": to_dot, "mermaid": to_mermaid}[format](drawn)

    def _repr_svg_(self) -> str:
        return self.render()
