"""E0201 and E0404 in text that was never run, and W0801, W0802, W0805: names bound and not used.

Elaboration sees only what the networks of a file reach. This looks at the tree, so that a misspelt name in a branch
not taken or in a block not used is found as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from resnetdsl.analysis.metrics import METRICS
from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate.copies import COPY_NAMES
from resnetdsl.elaborate.habits import python_module
from resnetdsl.elaborate.meant import nearest, unknown
from resnetdsl.elaborate.modules import Module, library
from resnetdsl.elaborate.values import POISON
from resnetdsl.source import Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import children, walk

Use = tuple[ast.Name, Span | None]
"""A name that is read, and where it was bound; None for a name of the language."""


@dataclass(slots=True)
class _Names:
    """The names of a body, with what each is and whether it was used. `uses` are those of the whole file."""

    parent: _Names | None
    places: dict[str, Span] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    uses: list[Use] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.parent is not None:
            self.uses = self.parent.uses

    def use(self, name: str) -> Span | None:
        """Where a name was bound; it counts as used from now on."""
        if name in self.places:
            self.used.add(name)
            return self.places[name]
        return self.parent.use(name) if self.parent is not None else None

    def all(self) -> list[str]:
        return [*self.places, *(self.parent.all() if self.parent else [])]


class _Everything(dict[str, Span]):
    """The names of a file that imports all of one that could not be read: any may be among them."""

    def __init__(self, known: dict[str, Span], elsewhere: Span) -> None:
        super().__init__(known)
        self._elsewhere = elsewhere

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Span:
        return self._elsewhere


def bindings(module: Module) -> dict[str, Span]:
    """The names of a file and where they are bound; those of a whole import at the start of the file."""
    elsewhere = module.file.span(0, 0)
    found = dict.fromkeys((*module.env.lazy, *module.env.names), elsewhere)
    for item in module.tree.items:
        for name, span in _bound_by(item):
            if found.get(name) is elsewhere:  # the first of two is the one that counts
                found[name] = span
    return found


def _bound_by(item: ast.Item) -> list[tuple[str, Span]]:
    match item:
        case ast.Definition() | ast.Instance():
            return [(item.name, item.name_span)]
        case ast.Let():
            return [(bound.name, bound.span) for bound in _flat(item.targets)]
        case ast.Import():
            return [(imported.alias or imported.name, imported.span) for imported in item.names]


def check(module: Module, sink: Sink) -> list[Use]:
    """Look at every definition of a file. Returns each use of a name that means something."""
    top = _Names(None, bindings(module))
    builtin = library()
    if module.env.unknown:
        top.places = _Everything(top.places, module.file.span(0, 0))
    for item in module.tree.items:
        match item:
            case ast.Definition():
                _definition(item, top, sink)
            case ast.Instance():
                for expression in (item.value, *item.expects):
                    _visit(expression, top, sink)
            case ast.Let():
                _visit(item.value, top, sink)
                if builtin.find(item.targets[0].name or "") is not None:
                    sink.report("W0804", item.targets[0].span, name=item.targets[0].name, what="a name of the language")
            case ast.Import():
                pass
        if isinstance(item, ast.Definition | ast.Instance) and builtin.find(item.name) is not None:
            sink.report("W0804", item.name_span, name=item.name, what="a name of the language or its library")
    for item in module.tree.items:
        if isinstance(item, ast.Import):
            for imported in item.names:
                name = imported.alias or imported.name
                if name not in top.used and module.env.names.get(name) is not POISON:  # or it was told already
                    sink.report("W0805", imported.span, name=name)
    return top.uses


def _definition(item: ast.Definition, top: _Names, sink: Sink) -> None:
    _different(item.params, sink)
    names = _Names(top, {"x": item.name_span})
    if item.kind is ast.DefinitionKind.SHORTCUT:
        names.places["to"] = item.name_span
    params = _Names(names, {param.name: param.span for param in item.params})
    for param in item.params:
        if param.default is not None:
            _visit(param.default, params, sink)
    _body(item.body, params, sink)
    for param in item.params:
        if param.name not in params.used and not param.name.startswith("_"):
            sink.report("W0802", param.span, name=param.name, owner=item.name)


def _different(params: Iterable[ast.Parameter | _Bound], sink: Sink) -> None:
    """No two parameters, or names bound at once, may be one; any number of them may be `_`, which nobody wants."""
    first: dict[str, Span] = {}
    for param in params:
        if param.name in first and param.name != "_":
            sink.report("E0202", param.span, also=(("first", first[param.name]),), name=param.name)
        first.setdefault(param.name, param.span)


def _body(body: ast.Body, outside: _Names, sink: Sink) -> None:
    """A body's names are its `let`s, parameters and loop variables, wherever in it they are bound."""
    names = _Names(outside, {"x": body.span, "here": body.span})
    lets: dict[str, Span] = {}
    for node in _own(body):
        match node:
            case ast.Let():
                _different(_flat(node.targets), sink)
                lets.update({target.name: target.span for target in _flat(node.targets)})
            case ast.In():
                _different(_flat(node.names), sink)
                names.places.update({target.name: target.span for target in _flat(node.names)})
            case ast.For():
                _different(_flat(node.targets), sink)
                names.places.update({target.name: target.span for target in _flat(node.targets)})
            case ast.Param() if all(isinstance(part, str) for part in node.label.parts):
                name = "".join(str(part) for part in node.label.parts).rpartition(".")[2]
                names.places[name] = node.label.span
            case _:
                pass
    lets = {name: span for name, span in lets.items() if name not in outside.places}
    names.places.update(lets)
    for statement in body.statements:
        _visit(statement, names, sink)
    for name, span in lets.items():
        if name not in names.used and not name.startswith("_"):
            sink.report("W0801", span, name=name)


def _own(body: ast.Body) -> list[ast.Node]:
    """The statements of a body and of the loops and branches in it, which open no scope."""
    found: list[ast.Node] = []
    waiting: list[ast.Node] = list(body.statements)
    while waiting:
        node = waiting.pop()
        found.append(node)
        match node:
            case ast.For():
                waiting.extend(node.body.statements)
            case ast.If():
                waiting.extend(node.then.statements)
                waiting.extend(node.otherwise.statements if node.otherwise else ())
            case ast.Stem() | ast.Head():
                waiting.extend(node.body.statements)
            case _:
                pass
    return found


def _flat(targets: tuple[ast.Target, ...]) -> list[_Bound]:
    found: list[_Bound] = []
    for target in targets:
        if target.name is not None:
            found.append(_Bound(target.name, target.span))
        found.extend(_flat(target.parts))
    return found


@dataclass(frozen=True, slots=True)
class _Bound:
    name: str
    span: Span


def _visit(node: ast.Node, names: _Names, sink: Sink) -> None:
    match node:
        case ast.Name() | ast.Attribute():
            _use(node, names, sink)
        case ast.Binary(op=ast.BinaryOp.MULTIPLY):
            _visit(node.left, names, sink)
            _visit(node.right, _Names(names, dict.fromkeys(COPY_NAMES, node.span)), sink)
        case ast.Conditional():
            _half_labelled(node, sink)
            for child in children(node):
                _visit(child, names, sink)
        case ast.Lambda():
            _different(node.params, sink)
            _arrow(node, sink)
            _visit(node.body, _Names(names, {param.name: param.span for param in node.params}), sink)
        case ast.Comprehension():
            _visit(node.iterable, names, sink)
            _different(_flat(node.targets), sink)
            inner = _Names(names, {bound.name: bound.span for bound in _flat(node.targets)})
            for part in (node.body, node.condition):
                if part is not None:
                    _visit(part, inner, sink)
        case ast.Residual():
            if node.shortcut is not None:
                _visit(node.shortcut, names, sink)
            _body(node.body, names, sink)
        case ast.BodyExpr():
            _body(node.body, names, sink)
        case ast.Target():
            pass
        case ast.Expectation():
            _metric(node, sink)
            _visit(node.value, names, sink)
        case _:
            for child in children(node):
                _visit(child, names, sink)


def _arrow(node: ast.Lambda, sink: Sink) -> None:
    """`relu => conv(8, 3x3)` is a function that forgets what it is given. `->` was meant."""
    match node.params:
        case (param,) if library().find(param.name) is not None:
            if all(not isinstance(part, ast.Name) or part.id != param.name for part in walk(node.body)):
                hint = "`->` puts layers in sequence; `=>` makes a function"
                sink.report("W0804", param.span, name=param.name, what="a name of the language", hint=hint)
        case _:
            pass


def _half_labelled(node: ast.Conditional, sink: Sink) -> None:
    """`bn: a if c else b`: the label is meant for both arms and names one."""
    for arm, other in ((node.then, node.otherwise), (node.otherwise, node.then)):
        if not isinstance(arm, ast.Labelled) or isinstance(other, ast.Labelled | ast.Chain | ast.Conditional):
            continue
        is_absent = isinstance(other, ast.Name) and other.id == "none"
        before = arm.span.file.text[: arm.span.start].rstrip()
        if not is_absent and not before.endswith(("(", ",")):
            sink.report("E0404", other.span, also=(("label", arm.label.span),), label=arm.label.span.text)


def _use(node: ast.Name | ast.Attribute, names: _Names, sink: Sink) -> None:
    if isinstance(node, ast.Attribute):
        first = python_module(node)
        if first is not None and names.use(first.id) is None:
            _unknown(node.span.text, node.span, names, sink)
        else:
            _visit(node.value, names, sink)
        return
    place = names.use(node.id)
    if place is not None:
        names.uses.append((node, place))
        return
    if library().find(node.id) is not None:
        names.uses.append((node, None))
        return
    _unknown(node.id, node.span, names, sink)


def _unknown(name: str, span: Span, names: _Names, sink: Sink) -> None:
    meant = unknown(name, [*names.all(), *library().all_names()], len(sink.facts))
    bound = names.use(meant["suggestion"] or "")  # That it is not used would be an echo.
    also = (("bound", bound),) if bound is not None and bound.text == meant["suggestion"] else ()
    sink.report("E0201", span, also=also, name=name, **meant)


def _metric(node: ast.Expectation, sink: Sink) -> None:
    if node.metric not in METRICS:
        meant = nearest(node.metric, METRICS)
        sink.report("E0225", node.metric_span, metric=node.metric, suggestion=meant, accepted=tuple(METRICS))
