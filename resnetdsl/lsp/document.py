"""A text and what is known of it: its tree, its names, its mistakes and its networks, found when they are asked for.

A document is one version of a text. The next version is another document, so nothing that was found ever changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from lsprotocol import types as lsp

from resnetdsl.analysis.costs import Cost, costs
from resnetdsl.checks.names import Use
from resnetdsl.checks.names import check as find_uses
from resnetdsl.diagnostics.model import Sink
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.lsp.places import Encoding, Places
from resnetdsl.paths import library_dir
from resnetdsl.source import SourceFile, Span
from resnetdsl.spec import Report, Spec, parse_spec
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import children


class OutdatedError(Exception):
    """Nobody wants to know any more."""


class Document:
    """`outdated` is set once there is a newer version; then what takes long is given up."""

    def __init__(
        self, uri: str, text: str, path: Path | None, encoding: Encoding = Encoding.Utf16, version: int | None = None
    ) -> None:
        self.uri = uri
        self.version = version
        self.path = path
        self.file = SourceFile(path.name if path is not None else uri, text)
        self.places = Places(self.file, encoding)
        self.outdated = False

    @cached_property
    def spec(self) -> Spec:
        return parse_spec(self.file, self.path, Sink())

    @cached_property
    def report(self) -> Report:
        """Of all networks that need no arguments. The slow part, and the one that an OutdatedError may end."""
        return self.spec.check(going_on=self._go_on)

    @cached_property
    def uses(self) -> list[Use]:
        """Every use of a name in the text, and where that is bound."""
        return find_uses(self.spec.module, Sink())

    def _go_on(self) -> None:
        if self.outdated:
            raise OutdatedError

    @property
    def tree(self) -> ast.File:
        return self.spec.module.tree

    @property
    def graphs(self) -> dict[str, CheckedGraph]:
        """The networks without errors."""
        return {name: graph for name, graph in self.report.graphs.items() if graph is not None}

    @cached_property
    def costs(self) -> dict[str, dict[int, Cost]]:
        """Of each network's nodes."""
        return {name: costs(graph) for name, graph in self.graphs.items()}

    def around(self, offset: int) -> list[ast.Node]:
        """The nodes that hold a place, the outermost first. The place behind a node's last character is its own."""
        found: list[ast.Node] = []
        inner: Iterator[ast.Node] = iter(self.tree.items)
        while (node := next((each for each in inner if each.span.start <= offset <= each.span.end), None)) is not None:
            found.append(node)
            inner = children(node)
        return found

    def location(self, span: Span) -> lsp.Location | None:
        """A span as an editor opens it; None where its text is no file that there is."""
        if span.file is self.file:
            return lsp.Location(self.uri, self.places.range(span))
        path = self._path(span.file)
        if path is None or not path.is_file():
            return None
        return lsp.Location(path.as_uri(), Places(span.file, self.places.encoding).range(span))

    def _path(self, file: SourceFile) -> Path | None:
        """Where an imported file or one of the library stands."""
        imported = self.spec.loader.path(file)
        return library_dir() / Path(file.name).name if imported is None else imported
