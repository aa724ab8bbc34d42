"""The pipeline, in the order in which things happen: read, parse, load, elaborate, check.

Everything that Python or the command line does with a spec starts here. No torch is imported until a module
is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

from resnetdsl.checks import check
from resnetdsl.checks.allow import Allowed, allowed
from resnetdsl.checks.attributes import check as check_attributes
from resnetdsl.checks.holes import Holes, together, without_echoes
from resnetdsl.checks.names import check as check_names
from resnetdsl.checks.orders import check as check_orders
from resnetdsl.collector import seldom
from resnetdsl.diagnostics.model import Diagnostic, Fact, Severity, Sink
from resnetdsl.diagnostics.words import sort, word_all
from resnetdsl.elaborate import budget
from resnetdsl.elaborate.backbones import hidden
from resnetdsl.elaborate.meant import nearest
from resnetdsl.elaborate.modules import Loader, Module, project_root
from resnetdsl.elaborate.network import Elaborated, elaborate
from resnetdsl.elaborate.run import Context
from resnetdsl.elaborate.values import DefinedLayer, Given, Value
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.network import Network, Origin
from resnetdsl.source import SourceFile
from resnetdsl.syntax import ast
from resnetdsl.syntax.parser import parse_expression
from resnetdsl.syntax.reading import read_source

Size = tuple[int, int, int]


def _drawn(diagnostics: tuple[Diagnostic, ...]) -> str:
    from resnetdsl.diagnostics.render.text import render_text  # most specs have nothing to draw

    return render_text(diagnostics)


class SpecError(Exception):
    """What was asked of a spec cannot be had of it. `diagnostics` say why, drawn in the exception's text."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        return f"{self.message}\n\n{_drawn(self.diagnostics)}" if self.diagnostics else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: the mistakes, for they are in the spec and not in Python."""
        from resnetdsl.diagnostics.render.text import render_text

        drawn = render_text(self.diagnostics, color=True).rstrip("\n")
        return [drawn, "", self.message] if drawn else [f"SpecError: {self.message}"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `graphs` has each network that was looked at, None where it has errors."""

    diagnostics: tuple[Diagnostic, ...]
    graphs: Mapping[str, CheckedGraph | None]

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(found for found in self.diagnostics if found.code.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(found for found in self.diagnostics if found.code.severity is Severity.WARNING)

    def __str__(self) -> str:
        from resnetdsl.diagnostics.render.text import summary

        return f"{_drawn(self.diagnostics)}\n{summary(self.diagnostics)}"

    def __repr__(self) -> str:
        from resnetdsl.diagnostics.render.text import summary

        return f"<Report: {summary(self.diagnostics)}>"

    def _repr_html_(self) -> str:
        from resnetdsl.diagnostics.render.html import render_html
        from resnetdsl.diagnostics.render.text import summary

        return f"{render_html(self.diagnostics)}<p>{escape(summary(self.diagnostics))}</p>"


def _size(given: object) -> Size:
    """A size of input as one may give it. Raises SpecError."""
    numbers = tuple(given) if isinstance(given, tuple | list) else ()
    if len(numbers) != 3 or not all(type(number) is int and number > 0 for number in numbers):
        raise SpecError(f"`input` is channels, height and width, such as (3, 224, 224), and not {given!r}")
    return numbers


@dataclass(slots=True)
class Spec:
    """A parsed file and what it defines."""

    file: SourceFile
    path: Path | None
    sink: Sink
    module: Module
    loader: Loader
    wanted: str | None = None
    """The network that `load("resnet50")` asked for."""
    _allowed: Allowed | None = None
    _named: bool = field(default=False)
    _late: Sink = field(default_factory=Sink)
    """What can be said of the text alone, and is said better where it is run."""

    def __repr__(self) -> str:
        names = self.networks
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"<Spec {self.file.name}: {', '.join(names[:3]) or 'no networks'}{more}>"

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks of the file that need no arguments, in the order of the text."""
        return tuple(name for name in self._all() if not self._missing(name))

    @property
    def templates(self) -> Mapping[str, tuple[str, ...]]:
        """The networks that need arguments, and which."""
        return {name: absent for name in self._all() if (absent := self._missing(name))}

    @property
    def origin(self) -> Origin:
        """The text of the file and of all that it imports."""
        files = ((self.file.name, self.file.text), *((file.name, file.text) for file in self.loader.imported()))
        return Origin(files)

    def doc(self, name: str) -> str:
        """The documentation of a network: its own, or that of the one it is an instance of."""
        if name not in self.module.networks:
            return ""
        layer = self._layer(name)
        return self.module.networks[name].doc or (layer.definition.syntax.doc if layer is not None else "")

    def network(self, name: str | None = None, *, input: Size | None = None, **overrides: Any) -> Network:
        """A checked network by name (or the only one), with overrides of its parameters: `classes=10`.

        `input` is (channels, height, width). Raises SpecError, which shows every diagnostic.
        """
        picked = self.pick(name)
        size = None if input is None else _size(input)
        values = {key: plain(value) for key, value in overrides.items()}
        return Network(picked, self.graph(picked, overrides=values, input=size), self.origin, values)

    @seldom
    def check(
        self,
        network: str | None = None,
        *,
        overrides: Mapping[str, Value] | None = None,
        input: Size | None = None,
        going_on: Callable[[], None] = lambda: None,
    ) -> Report:
        """Look for every mistake: in all networks of the file that need no arguments, or in one, with overrides.

        `going_on` is called before each network, and raises what it likes to give up.
        """
        sink = Sink()
        graphs: dict[str, CheckedGraph | None] = {}
        for name in self.networks if network is None else (self.pick(network),):
            going_on()
            inner = Sink()
            graphs[name] = self._graph(name, inner, overrides or {}, input)
            silenced = self._silenced(name)
            sink.take(fact for fact in inner.facts if fact.code not in silenced | self._silenced_at(fact))
        if not self._named:
            self._named = True
            for name, absent in self.templates.items():
                item = self.module.networks[name]
                if isinstance(item, ast.Instance) and item.expects:  # it is meant to be built
                    self.sink.report("E0228", item.name_span, name=name, missing=absent)
            check_attributes(self.module.tree, self._late)
            check_names(self.module, self.sink)
            check_orders(self.module, self.loader.imported(), self.sink)
        everything, holes = Sink(), Holes(self.sink.facts)
        own = [fact for fact in self.sink.facts if fact.code not in self._silenced_at(fact)]
        everything.take(together(holes.independent(without_echoes((*own, *sink.facts, *self._late.facts)))))
        return Report(sort(word_all(everything.facts)), graphs)

    def graph(
        self, name: str | None = None, *, overrides: Mapping[str, Value] | None = None, input: Size | None = None
    ) -> CheckedGraph:
        """The checked graph of one network. Raises SpecError with all diagnostics where there are errors."""
        name = self.pick(name)
        report = self.check(name, overrides=overrides, input=input)
        graph = report.graphs.get(name)
        if graph is None or report.errors:
            raise SpecError(f"network `{name}` has mistakes", report.errors)
        return graph

    def value(self, text: str, name: str = "<value>") -> Value:
        """An expression's value with the names of this file in reach, for `--set block=bottleneck`."""
        sink = Sink()
        expression = parse_expression(SourceFile(name, text), sink)
        if expression is not None and not sink.facts:
            run = self.loader.run
            before, run.sink = run.sink, sink
            try:
                with budget.roomy():
                    value = run.evaluator(expression, Context(self.module.env))
                if not sink.facts:
                    return value
            except budget.OverBudget:
                pass  # the sink says which
            finally:
                run.sink = before
        raise SpecError(f"`{text}` is no value", word_all(sink.facts))

    # --- inside ---

    def _all(self) -> tuple[str, ...]:
        return tuple(self.module.networks)

    def _layer(self, name: str) -> DefinedLayer | None:
        layer = self.module.env.value(name)
        return layer if isinstance(layer, DefinedLayer) else None

    def _missing(self, name: str) -> tuple[str, ...]:
        layer = self._layer(name)
        if layer is None:
            return ()
        params = layer.definition.syntax.params
        return tuple(p.name for p in params if p.default is None and p.name not in layer.given)

    def pick(self, name: str | None) -> str:
        """The network meant: by its name, or the one that was loaded by name, or the only one there is."""
        name = name or self.wanted
        if name is not None:
            if name not in self._all():
                near = nearest(name, self._all())
                hint = f"; did you mean `{near}`?" if near else ""
                raise SpecError(f"{self.file.name} has no network `{name}`{hint}")
            return name
        names = self.networks
        if not names:
            self._fail_without_network()
        if len(names) > 1:
            raise SpecError(f"{self.file.name} has {len(names)} networks: say which of {', '.join(names)}")
        return names[0]

    def _fail_without_network(self) -> None:
        found = word_all(self.sink.facts)
        raise SpecError(f"{self.file.name} has no network that can be built", tuple(found))

    def _graph(self, name: str, sink: Sink, overrides: Mapping[str, Value], input: Size | None) -> CheckedGraph | None:
        layer = self._layer(name)
        if layer is None:
            return None
        item = self.module.networks[name]
        params = [*(param.name for param in layer.definition.syntax.params), *hidden(layer.definition.syntax)]
        for key in overrides:
            if key not in params:
                near = nearest(key, params)
                hint = f"; did you mean `{near}`?" if near else f"; it has {', '.join(params) or 'none'}"
                raise SpecError(f"network `{name}` has no parameter `{key}`{hint}")
        if overrides:
            given = {key: Given(value, layer.span) for key, value in overrides.items()}
            layer = replace(layer, given={**layer.given, **given})
        absent = [p.name for p in layer.definition.syntax.params if p.default is None and p.name not in layer.given]
        if absent:
            sink.report("E0228", item.name_span, name=name, missing=tuple(absent))
            return None

        def run(size: Size | None, into: Sink) -> Elaborated:
            expects = item.expects if isinstance(item, ast.Instance) else ()
            return elaborate(name, layer, into, doc=item.doc, call=item.name_span, expects=expects, input_shape=size)

        return check(run(input, sink), lambda size: run(size, Sink()), as_written=not overrides and input is None)

    def _allows(self) -> Allowed:
        if self._allowed is None:
            self._allowed = allowed(self.module.tree)
        return self._allowed

    def _silenced(self, name: str) -> frozenset[str]:
        """The lints silenced for a network: at its own definition or at the one it is an instance of, in any file."""
        layer = self._layer(name)
        silenced = self._allows().of(self.module.networks[name])
        if layer is None:
            return silenced
        syntax = layer.definition.syntax
        tree = self.loader.tree(syntax.span.file)
        return silenced | (self._allows() if tree is None else allowed(tree)).of(syntax)

    def _silenced_at(self, fact: Fact) -> frozenset[str]:
        if fact.span.file is not self.file:
            return frozenset()
        return self._allows().at(fact.span.start)


@seldom
def parse_spec(file: SourceFile, path: Path | None, sink: Sink) -> Spec:
    """A spec from its text. Mistakes of syntax and imports are kept for `check`."""
    loader = Loader(sink, project_root(path) if path is not None else None)
    module = loader.main(file, path.resolve() if path is not None else None)
    return Spec(file, path, sink, module, loader)


def parse_text(name: str, data: bytes) -> Spec:
    """A spec from bytes that came from elsewhere than a file. SpecError if they are no text."""
    sink = Sink()
    file = read_source(data, name, sink)
    if file is None:
        raise SpecError(f"cannot read {name}", word_all(sink.facts))
    return parse_spec(file, None, sink)


def plain(value: Any) -> Any:
    """A Python value as one of the language: lists are tuples there."""
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value
