"""Layers meet tensors: this makes the nodes, the scopes and the names.

A name is given by a label or, without one, by the position in the chain. Sequences, sums and residuals have
no name of their own: their layers stand in the chain around them. A block takes one position and starts a chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from resnetdsl.elaborate import budget
from resnetdsl.elaborate.arguments import missing
from resnetdsl.elaborate.backbones import run_network
from resnetdsl.elaborate.builder import Weights
from resnetdsl.elaborate.run import Context, Counter, Place, Run
from resnetdsl.elaborate.values import (
    POISON,
    BodyLayer,
    DefinedLayer,
    DoubtLayer,
    FunctionLayer,
    Given,
    LabelledLayer,
    Layer,
    MergeLayer,
    OpLayer,
    Poison,
    RepeatLayer,
    ResidualLayer,
    SequenceLayer,
    SharedLayer,
    Tensor,
    Value,
    contains_poison,
    describe,
    doubt,
    tensors_in,
)
from resnetdsl.ir.graph import ScopeKind
from resnetdsl.ops.base import REQUIRED
from resnetdsl.source import Span
from resnetdsl.syntax import ast

_SCOPES = {
    ast.DefinitionKind.NETWORK: ScopeKind.BLOCK,
    ast.DefinitionKind.BLOCK: ScopeKind.BLOCK,
    ast.DefinitionKind.SHORTCUT: ScopeKind.SHORTCUT,
    ast.DefinitionKind.STEM: ScopeKind.STEM,
    ast.DefinitionKind.HEAD: ScopeKind.HEAD,
}

Copy = tuple[int, int]
"""Which copy of a repeat, of how many."""


@dataclass(frozen=True, slots=True)
class _FirstUse:
    """Where a shared layer got its names, and what it made there."""

    place: Place
    component: str
    weights: Weights
    span: Span
    type: str


class Applier:
    """Applies layers to values for a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._shared: dict[object, _FirstUse] = {}

    def apply(
        self, layer: Layer, value: Value, place: Place, component: str | None = None, copy: Copy | None = None
    ) -> Value:
        """The result of a layer on a tensor or a list of them.

        `component` is the name the layer has been given: None asks for the next position, "" means that the place
        itself is already named after it.
        """
        if contains_poison(value):
            return POISON
        self.run.spend(layer.span)
        self.run.spend_on(value, layer.span)
        self.run.meter.nesting += 1
        if self.run.meter.nesting > budget.NESTING:
            self._too_deep(layer.span, place, budget.NESTING)
        result = self._apply(layer, value, place, component, copy)
        self.run.meter.nesting -= 1
        return doubt(value) if isinstance(result, Poison) else result

    def _apply(self, layer: Layer, value: Value, place: Place, component: str | None, copy: Copy | None) -> Value:
        if place.notes is not None and not isinstance(layer, SequenceLayer | LabelledLayer | DefinedLayer | BodyLayer):
            place = replace(place, notes=None)  # what happens inside is no step of the network
        match layer:
            case DoubtLayer():
                place.counter.next()
                return POISON
            case OpLayer():
                return self._op(layer, value, place, component)
            case DefinedLayer():
                return self._defined(layer, value, place, component, copy)
            case LabelledLayer():
                place.counter.next()
                inner = self._inside(layer, place, component, copy)
                return self.apply(layer.layer, value, inner, layer.label, copy)
            case SequenceLayer():
                inner = self._inside(layer, place, component, copy)
                for step in layer.steps:
                    value = self.apply(step, value, inner)
                    if inner.notes is not None:
                        inner.notes.see(value)
                return value
            case RepeatLayer():
                inner = self._inside(layer, place, component, copy)
                return self._repeat(layer, value, inner)
            case MergeLayer():
                inner = self._inside(layer, place, component, copy)
                return self._merge(layer, value, inner)
            case ResidualLayer():
                inner = self._inside(layer, place, component, copy)
                return self._residual(layer, value, inner)
            case BodyLayer():
                inner = self._inside(layer, place, place.counter.next() if component is None else component, copy)
                return self.deeper(
                    lambda: self.run.executor.run_body(layer.body, Context(layer.env.child(), inner), value),
                    layer.span,
                    place,
                )
            case SharedLayer():
                return self._share(layer, value, place, component)
            case FunctionLayer():
                inner = self._inside(layer, place, component, copy)
                return self.run.evaluator.caller.apply_function(
                    layer.function, [Given(value, layer.span)], layer.span, inner
                )
            case _:
                raise AssertionError(type(layer))

    def deeper(self, work: Callable[[], Value], span: Span, place: Place | None) -> Value:
        """Do something one level further down; the levels are bounded, so recursion ends."""
        meter = self.run.meter
        if meter.depth >= budget.DEPTH:
            self._too_deep(span, place, budget.DEPTH)
        meter.depth += 1
        try:
            return work()
        finally:
            meter.depth -= 1

    def _too_deep(self, span: Span, place: Place | None, limit: int) -> NoReturn:
        self.run.report("E0502", span, place, depth=limit + 1, limit=limit)
        raise budget.OverBudget

    def _inside(self, layer: Layer, place: Place, name: str | None, copy: Copy | None) -> Place:
        """The place inside a layer that is no definition: a group if it has a name, else the place around it."""
        if not name:
            return place
        index, count = copy or (None, None)
        path = place.path(name)
        call = layer.span
        scope = self.run.graph.add_scope(ScopeKind.GROUP, name, path, place.scope, call=call, index=index, count=count)
        notes = place.notes if isinstance(layer, BodyLayer) else None
        return replace(place, scope=scope.id, prefix=path, counter=Counter(), notes=notes)

    def _op(self, layer: OpLayer, value: Value, place: Place, component: str | None) -> Value:
        op = layer.op
        name = place.counter.next() if component is None else component
        inputs = tensors_in(value)
        if inputs is None:
            return self.run.report("E0219", layer.span, place, got=describe(value))
        if op.arity is not None and len(inputs) != op.arity:
            if any(tensor.doubtful for tensor in inputs):
                return POISON
            return self.run.report("E0224", layer.span, place, callee=op.name, wanted=op.arity, got=len(inputs))
        absent = missing(op.params, layer.attrs)
        if absent:
            if not layer.doubtful:
                for lacking in absent:
                    self.run.report("E0204", layer.span, place, name=lacking, callee=op.name, kind="the layer")
            return POISON
        attrs = dict(layer.attrs)
        for param in op.params:
            if attrs.get(param.name) is POISON:  # Reported when it was given; a default lets the run go on.
                if param.default is REQUIRED:
                    return POISON
                attrs[param.name] = param.default
        outputs = self.run.builder.apply(op, attrs, inputs, place, name, layer.span, layer.spans, layer.doubtful)
        if isinstance(outputs, Poison):
            return POISON
        return outputs if len(outputs) > 1 or op.makes_list else outputs[0]

    def _defined(
        self, layer: DefinedLayer, value: Value, place: Place, component: str | None, copy: Copy | None
    ) -> Value:
        kind = layer.definition.syntax.kind
        name = place.counter.next() if component is None and kind.adds_path else component
        if tensors_in(value) is None:
            return self.run.report("E0219", layer.span, place, got=describe(value))
        inner = self._scope(layer, place, name or "", copy)
        if layer.definition.syntax.kind is ast.DefinitionKind.NETWORK:
            result, _ = run_network(
                self.run,
                layer,
                value,
                inner,
                lambda at: self.deeper(lambda: self.enter(layer, value, at), layer.span, place),
            )
        else:
            result = self.deeper(lambda: self.enter(layer, value, inner), layer.span, place)
        return doubt(result) if layer.doubtful else result

    def _scope(self, layer: DefinedLayer, place: Place, name: str, copy: Copy | None) -> Place:
        """The place inside a definition. Without a name of its own, the names in it go on from those outside."""
        syntax = layer.definition.syntax
        kind = _SCOPES[syntax.kind]
        around = self.run.graph.scopes[place.scope]
        if not syntax.kind.adds_path and not name and around.kind is kind:
            return replace(place, to=None)  # `stem { imagenet_stem(64) }` is one stem
        index, count = copy or (None, None)
        path = place.path(name)
        scope = self.run.graph.add_scope(
            kind,
            syntax.name,
            path,
            place.scope,
            call=layer.span,
            definition=syntax.name_span,
            index=index,
            count=count,
            doc=syntax.doc,
        )
        counter = Counter() if name or syntax.kind.adds_path else place.counter
        to = place.to if kind is ScopeKind.SHORTCUT else None
        notes = place.notes if kind is ScopeKind.STEM else None
        return Place(scope.id, path, counter, to, place.replay, place.limit, notes, place.as_written)

    def enter(self, layer: DefinedLayer, value: Value, place: Place) -> Value:
        """Run a definition's body on a value, its parameters bound."""
        context = self.parameters(layer, value, place)
        return self.run.executor.run_body(layer.definition.syntax.body, context, value, layer.definition.syntax.kind)

    def parameters(self, layer: DefinedLayer, value: Value, place: Place) -> Context:
        """The names that a definition's body sees. Defaults may use `x`; what is missing is poisoned."""
        syntax = layer.definition.syntax
        env = layer.definition.env.child(x=value)
        env.kept = frozenset(param.name for param in syntax.params) & {"x", "here"}
        context = Context(env, place)
        self.run.blame.enter(place.scope, layer)
        if syntax.kind is ast.DefinitionKind.SHORTCUT:
            given = layer.given.get("to")
            to = given.value if given is not None else place.to
            if to is None:
                to = self.run.report(
                    "E0204",
                    layer.span,
                    place,
                    (("defined", syntax.name_span),),
                    name="to",
                    callee=syntax.name,
                    kind="the shortcut",
                )
            env.names["to"] = to
            context = Context(env, replace(place, to=to if isinstance(to, Tensor) else None))
        for param in syntax.params:
            if param.name in layer.given:
                env.names[param.name] = layer.given[param.name].value
            elif param.default is not None:
                env.names[param.name] = self.run.evaluator(param.default, context)
            else:
                if not layer.doubtful:
                    self.run.report(
                        "E0204",
                        layer.span,
                        place,
                        (("defined", param.span),),
                        name=param.name,
                        callee=syntax.name,
                        kind=f"the {syntax.kind.value}",
                    )
                env.names[param.name] = POISON
        return context

    def _repeat(self, layer: RepeatLayer, value: Value, place: Place) -> Value:
        """The copies in a row. A copy that is no single layer becomes a group with its position as name."""
        count = len(layer.copies)
        before, worked = len(self.run.graph), self.run.meter.work
        for index, copy in enumerate(layer.copies):
            component = None if _is_single(copy) else place.counter.next()
            value = self.apply(copy, value, place, component, (index, count))
            if index == 0:
                # Told by the first copy, a mistyped count ends here and not after a million nodes.
                after = before + (len(self.run.graph) - before) * count
                if after > budget.NODES:
                    self.run.report("E0501", layer.span, place, count=after, limit=budget.NODES)
                    raise budget.OverBudget
                self.run.foresee(layer.span, (self.run.meter.work - worked) * (count - 1))
        return value

    def _merge(self, layer: MergeLayer, value: Value, place: Place) -> Value:
        results = tuple(
            self.apply(operand, value, place) if isinstance(operand, Layer) else operand for operand in layer.operands
        )
        return POISON if contains_poison(results) else layer.join(self.run, results, place)

    def _residual(self, layer: ResidualLayer, value: Value, place: Place) -> Value:
        """The body's output plus the shortcut's, which reads the same input and is told where the body ended."""
        scope = self.run.graph.add_scope(ScopeKind.RESIDUAL, "residual", place.prefix, place.scope, call=layer.span)
        inner = replace(place, scope=scope.id)
        context = Context(layer.env.child(), replace(inner, to=None))
        main = self.deeper(lambda: self.run.executor.run_body(layer.body, context, value), layer.span, place)
        if layer.shortcut is None or isinstance(main, Poison):
            return main
        if not isinstance(main, Tensor):
            return self.run.report(
                "E0207", layer.span, place, wanted="one tensor", got=describe(main), where="the end of a residual"
            )
        label = None if isinstance(layer.shortcut, LabelledLayer | OpLayer) else place.counter.name("shortcut")
        shortcut = self.apply(layer.shortcut, value, replace(inner, to=main), label)
        if isinstance(shortcut, Poison):
            return Tensor(main.source, main.type, main.span, doubtful=True)
        if not isinstance(shortcut, Tensor):
            return self.run.report(
                "E0207", layer.shortcut_span, place, wanted="one tensor", got=describe(shortcut), where="a shortcut"
            )
        return self._add(layer, main, shortcut, inner)

    def _add(self, layer: ResidualLayer, main: Tensor, shortcut: Tensor, place: Place) -> Value:
        if main.type != shortcut.type and not (main.doubtful or shortcut.doubtful):
            same_channels = main.type.size("c") == shortcut.type.size("c")
            bare = layer.shortcut.layer if isinstance(layer.shortcut, LabelledLayer) else layer.shortcut
            plain = isinstance(bare, OpLayer) and bare.op.name == "identity"
            fix = None
            if plain and main.type.is_image and shortcut.type.is_image and main.type.stride != shortcut.type.stride:
                fix = f"`residual(projection)` maps {shortcut.type} to {main.type}"
            elif plain and not same_channels:
                fix = f"`residual(projection)` maps {shortcut.type.size('c')} channels to {main.type.size('c')}"
            self.run.report(
                "E0301",
                layer.shortcut_span,
                place,
                (("main", main.span),),
                what="residual",
                main=str(main.type),
                shortcut=str(shortcut.type),
                fix=fix,
                found="identity" if fix else None,
                suggestion="projection" if fix else None,
            )
            return main
        return self.run.builder.one("add", {}, (main, shortcut), place, layer.span)

    def _share(self, layer: SharedLayer, value: Value, place: Place, component: str | None) -> Value:
        """The first use names the weights; later ones run under those names and must need the same weights."""
        first = self._shared.get(layer.key)
        name = place.counter.next() if component is None else component
        types = ", ".join(str(tensor.type) for tensor in tensors_in(value) or ())
        start = len(self.run.graph)
        doubtful = any(tensor.doubtful for tensor in tensors_in(value) or ())
        if first is None:
            result = self.apply(layer.layer, value, replace(place, counter=Counter()), name)
            weights = () if doubtful else self.run.builder.weights(start)
            self._shared[layer.key] = _FirstUse(place, name, weights, layer.span, types)
            return result
        again = replace(place, prefix=first.place.prefix, counter=Counter(), replay=True)
        result = self.apply(layer.layer, value, again, first.component)
        if first.weights and not doubtful and self.run.builder.weights(start) != first.weights:
            self.run.report("E0314", layer.span, place, (("first", first.span),), first=first.type, now=types)
        return result


def _is_single(layer: Layer) -> bool:
    """Whether a layer takes one position in its chain and is named after it."""
    if isinstance(layer, DefinedLayer):
        return layer.definition.syntax.kind.adds_path
    return isinstance(layer, OpLayer | SharedLayer | BodyLayer | LabelledLayer)
