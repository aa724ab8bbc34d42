"""The statements of a body, run on the tensor that the body received."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from resnetdsl.elaborate.arguments import normalise, want_whole
from resnetdsl.elaborate.inputs import Dim, dims
from resnetdsl.elaborate.layers import label_of, layer_of
from resnetdsl.elaborate.run import Context, Counter, Place, Promise, Run
from resnetdsl.elaborate.targets import bind_name, bind_target, bind_targets, unpack
from resnetdsl.elaborate.values import (
    POISON,
    Given,
    Poison,
    Tensor,
    Value,
    contains_poison,
    describe,
    doubt,
    tensors_in,
    whole,
)
from resnetdsl.ir.graph import Output, ScopeKind, Source
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.registry import OPS
from resnetdsl.source import Span
from resnetdsl.syntax import ast

_COMMON = (3, 224, 224)
"""A size to go on with where the one that is given makes no sense."""

_START = next(param for param in OPS["param"].params if param.name == "value")


@dataclass(slots=True)
class State:
    """A body under way: the running value (None before the `input` of a network), and what it gives back by `out`."""

    value: Value
    kind: ast.DefinitionKind | None
    out: Value = None
    out_span: Span | None = None
    refused: bool = False
    """Whether a `require` did not hold: what the rest would make of such arguments is of no interest."""


class Executor:
    """Runs bodies. `for` and `if` open no scope of names, as in Python."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._input_below: Span | None = None
        """Where the network at hand has its `input`, for those that write it too late."""
        self._table: dict[type[ast.Statement], Callable[[Any, Context, State], None]] = {
            ast.Step: self._step,
            ast.Let: self._let,
            ast.For: self._for,
            ast.If: self._if,
            ast.Param: self._param,
            ast.In: self._in,
            ast.Out: self._out,
            ast.Tap: self._tap,
            ast.Order: self._order,
            ast.Expect: self._expect,
            ast.Require: self._require,
            ast.Input: self._input,
            ast.Stem: self._part,
            ast.Head: self._part,
            ast.Stage: self._stage,
        }

    def run_body(self, body: ast.Body, context: Context, value: Value, kind: ast.DefinitionKind | None = None) -> Value:
        """The result of a body on a value: what `out` names, or else the running value at its end."""
        if "x" not in context.env.kept:
            context.env.names["x"] = value
        if kind is ast.DefinitionKind.NETWORK and value is None:
            inputs = (each.span for each in body.statements if isinstance(each, ast.Input))
            self._input_below = next(inputs, None)
        state = State(value, kind)
        self.statements(body, context, state)
        return state.value if state.out_span is None else state.out

    def statements(self, body: ast.Body, context: Context, state: State) -> None:
        for statement in body.statements:
            if state.refused:
                return
            if state.out_span is not None:
                self.run.report("E0220", statement.span, context.place, what="a line", where="after `out`")
                return
            self.run.spend(statement.span)
            if "here" not in context.env.kept:
                context.env.names["here"] = state.value
            self._table[type(statement)](statement, context, state)
            if context.place is not None and context.place.notes is not None:
                context.place.notes.see(state.value)

    # --- steps and names ---

    def _step(self, node: ast.Step, context: Context, state: State) -> None:
        state.value = self._advance(node.value, context, state.value)

    def _advance(self, node: ast.Expr, context: Context, running: Value) -> Value:
        """A layer is applied to the running value, a tensor takes its place, `none` does nothing."""
        value = self.run.evaluator(node, _quiet(context))
        if tensors_in(value) is not None or contains_poison(value):
            return doubt(running) if contains_poison(value) else value
        if running is None and isinstance(value, tuple) and value and all(whole(size) for size in value):
            return self._no_input(node.span, context)  # `3x32x32` without the word
        layer = layer_of(self.run, value, node.span, context)
        if layer is None:
            return running
        if isinstance(layer, Poison) or context.place is None:
            return doubt(running)
        if running is None:
            return self._no_input(node.span, context)
        return self.run.applier.apply(layer, running, context.place)

    def _let(self, node: ast.Let, context: Context, _: State) -> None:
        value = self.run.evaluator(node.value, _quiet(context))
        if len(node.targets) == 1:
            bind_target(self.run, node.targets[0], value, context)
        else:
            unpack(self.run, node.targets, value, node.value.span, context)

    def _for(self, node: ast.For, context: Context, state: State) -> None:
        found = self.run.evaluator.items(node.iterable, context)
        items = (POISON,) if isinstance(found, Poison) else found
        names = [name for target in node.targets for name in _names(target)]
        before = {name: context.env.names[name] for name in names if name in context.env.names}
        kept = context.env.kept
        for index, item in enumerate(items):
            bound = bind_targets(self.run, node.targets, index, item, context)
            self.statements(node.body, context, state)
            if not bound:
                state.value = doubt(state.value)
                break
        if isinstance(found, Poison):
            state.value = doubt(state.value)
        for name in names:
            context.env.names.pop(name, None)
        context.env.names.update(before)
        context.env.kept = kept

    def _if(self, node: ast.If, context: Context, state: State) -> None:
        wanted = self.run.evaluator.condition(node.condition, context)
        if isinstance(wanted, Poison):
            state.value = doubt(state.value)
        elif wanted:
            self.statements(node.then, context, state)
        elif node.otherwise is not None:
            self.statements(node.otherwise, context, state)

    def _param(self, node: ast.Param, context: Context, _: State) -> None:
        label = label_of(self.run, node.label, context)
        shape: list[int] = []
        for dim in node.shape:
            value = self.run.evaluator(dim, context)
            size = want_whole(self.run, context.place, value, dim.span, "a dimension of `param`")
            if not isinstance(size, Poison) and size < 1:
                size = self.run.report(
                    "E0210", dim.span, context.place, what="a dimension of `param`", value=size, minimum=1
                )
            if isinstance(size, Poison):
                label = POISON
            else:
                shape.append(size)
        value = None if node.value is None else self.run.evaluator(node.value, context)
        start: object = POISON
        if node.value is None:
            start = 0.0
        elif not isinstance(value, Poison):
            start = normalise(self.run, context.place, "param", _START, Given(value, node.value.span))
        made: Value = POISON
        if not isinstance(label, Poison) and start is not POISON and context.place is not None:
            attrs = {"shape": tuple(shape), "value": start}
            outputs = self.run.builder.apply(OPS["param"], attrs, (), context.place, label, node.span)
            made = outputs if isinstance(outputs, Poison) else outputs[0]
        if len(node.label.parts) == 1 and isinstance(node.label.parts[0], str):
            bind_name(node.label.parts[0].rpartition(".")[2], made, context)

    def _order(self, node: ast.Order, context: Context, _: State) -> None:
        for label in node.labels:
            name = label_of(self.run, label, context)
            if isinstance(name, str) and context.place is not None:
                self.run.graph.put_in_order(context.place.prefix, name)

    # --- several inputs and outputs ---

    def _in(self, node: ast.In, context: Context, state: State) -> None:
        if state.kind is ast.DefinitionKind.NETWORK:
            self._misplaced("`in`", "in a network, whose input is named by `input`", node.span, context)
            context.env.names.update((target.name, POISON) for target in node.names if target.name is not None)
            state.value, self.run.refused = POISON, True
            return
        value = state.value
        given = len(value) if isinstance(value, tuple) else 1
        if len(node.names) != given and not contains_poison(value):
            wanted = len(node.names)
            value = self.run.report("E0224", node.span, context.place, callee="this block", wanted=wanted, got=given)
        if given == 1 and not isinstance(value, tuple):
            value = (value,) if len(node.names) == 1 else POISON
        unpack(self.run, node.names, value, node.span, context)

    def _out(self, node: ast.Out, context: Context, state: State) -> None:
        values = tuple(self._advance(value, context, state.value) for value in node.values)
        state.out = values[0] if len(values) == 1 else values
        state.out_span = node.span

    def _tap(self, node: ast.Tap, context: Context, state: State) -> None:
        label = label_of(self.run, node.label, context)
        value = state.value if node.value is None else self._advance(node.value, context, state.value)
        if isinstance(label, Poison) or isinstance(value, Poison):
            return
        if not isinstance(value, Tensor):
            span = node.span if node.value is None else node.value.span
            self.run.report("E0219", span, context.place, got=describe(value))
            return
        if label == "output":
            self.run.report("E0403", node.label.span, context.place, name=label)
            return
        for output in self.run.graph.outputs:
            if output.name == label:
                span = self.run.graph.node(output.source.node).span or node.span
                self.run.report("E0403", node.label.span, context.place, (("first", span),), name=label)
                return
        span = node.span if node.value is None else node.value.span
        if context.place is not None and self.run.builder.depends_on_input(value, span, context.place):
            self.run.taps[label] = node.label.span
            self.run.graph.outputs.append(Output(label, value.source))

    # --- what only a network has ---

    def _misplaced(self, what: str, where: str, span: Span, context: Context) -> None:
        self.run.report("E0220", span, context.place, what=what, where=where)

    def _no_input(self, span: Span, context: Context) -> Poison:
        """A network's layer stands above its `input`, or there is none."""
        late = self._input_below
        also = () if late is None else (("late", late),)
        where = "in its body" if late is None else "above"
        return self.run.report("E0221", span, context.place, also, name=self.run.graph.name, where=where)

    def _in_network(self, what: str, node: ast.Statement, context: Context, state: State) -> bool:
        if state.kind is ast.DefinitionKind.NETWORK:
            return True
        self._misplaced(what, f"in a {state.kind.value}" if state.kind else "inside a layer", node.span, context)
        return False

    def _expect(self, node: ast.Expect, context: Context, state: State) -> None:
        if not self._in_network("`expect`", node, context, state) or self._is_layer(context):
            return
        if context.place is None or context.place.as_written:
            kept = Context(context.env.child(**context.env.names), context.place)
            self.run.promises.extend(Promise(expectation, kept) for expectation in node.expectations)

    def _is_layer(self, context: Context) -> bool:
        """Whether the network at hand is a layer of another; what it promises of itself is not meant of that."""
        trail = () if context.place is None else self.run.graph.trail(context.place.scope)
        return any(scope.kind is ScopeKind.BLOCK for scope in trail)

    def _require(self, node: ast.Require, context: Context, state: State) -> None:
        """What a definition demands of its arguments; the message points at whoever gave them."""
        met = self.run.evaluator.condition(node.condition, context)
        if isinstance(met, Poison) or met:
            return
        message = self.run.evaluator(node.message, context)
        if isinstance(message, str):
            asked = self._call_of(context)
            self.run.report("E0230", asked or node.span, context.place, (("demanded", node.span),), message=message)
        elif not isinstance(message, Poison):
            where = "the message of `require`"
            self.run.report(
                "E0207", node.message.span, context.place, wanted="a string", got=describe(message), where=where
            )
        state.value, state.refused, self.run.refused = POISON, True, True

    def _call_of(self, context: Context) -> Span | None:
        """The text that called the definition which is being expanded."""
        if context.place is None:
            return None
        trail = self.run.graph.trail(context.place.scope)
        calls = [scope.call for scope in trail if scope.definition is not None and scope.call is not None]
        return calls[-1] if calls else None

    def _input(self, node: ast.Input, context: Context, state: State) -> None:
        if not self._in_network("`input`", node, context, state) or context.place is None:
            return
        if not self._is_root(context.place):
            self._inner_input(node, context, state)
            return
        if self.run.input_span is not None:
            self.run.report("E0222", node.span, context.place, (("first", self.run.input_span),))
            return
        self.run.input_span = node.span
        found = dims(self.run, node, context)
        state.value = self._input_node(found or _COMMON, node.span, context.place)
        if found is None:
            state.value = doubt(state.value)
        if "x" not in context.env.kept:
            context.env.names["x"] = state.value

    def _input_node(self, found: tuple[Dim, ...], span: Span, place: Place) -> Tensor:
        graph = self.run.graph
        sizes = self.run.input_shape
        if sizes is None:
            sizes = tuple(dim if isinstance(dim, int) else dim[1] for dim in found)
            graph.input_ranges = tuple(None if isinstance(dim, int) else dim for dim in found)
        if self.run.builder.too_large((sizes,), place, span):
            sizes = _COMMON
        node = graph.add("input", {}, (), (TensorType(sizes, "chw"),), "input", place.scope, span)
        return Tensor(Source(node.id), node.outputs[0], span)

    def _inner_input(self, node: ast.Input, context: Context, state: State) -> None:
        """A network used as a layer of another: its `input` says how many channels it takes."""
        found = dims(self.run, node, context)
        if found is None or not isinstance(state.value, Tensor) or state.value.doubtful:
            return
        if state.value.type.size("c") != found[0]:
            wanted, got = f"a tensor of {found[0]} channels", describe(state.value)
            where = f"the input of this network, given {state.value.type}"
            self.run.report("E0207", node.span, context.place, wanted=wanted, got=got, where=where)

    def _is_root(self, place: Place) -> bool:
        return self.run.graph.scopes[place.scope].kind is ScopeKind.NETWORK

    def _part(self, node: ast.Stem | ast.Head, context: Context, state: State) -> None:
        kind, name = (ScopeKind.STEM, "stem") if isinstance(node, ast.Stem) else (ScopeKind.HEAD, "head")
        if not self._in_network(f"`{name}`", node, context, state) or context.place is None:
            return
        if state.value is None:
            state.value = self._no_input(node.span, context)
        if kind is ScopeKind.HEAD and context.place.notes is not None:
            return
        scope = self.run.graph.add_scope(kind, name, context.place.prefix, context.place.scope, call=node.span)
        inner = replace(context.place, scope=scope.id)
        state.value = self._enclosed(node.body, Context(context.env, inner), state.value, state.kind)

    def _enclosed(self, body: ast.Body, context: Context, value: Value, kind: ast.DefinitionKind | None) -> Value:
        """A stem's or head's body: its `x` is what it received; its other names are the network's."""
        outside = context.env.names.get("x")
        result = self.run_body(body, context, value, kind)
        context.env.names["x"] = outside
        return result

    def _stage(self, node: ast.Stage, context: Context, state: State) -> None:
        if not self._in_network("`stage`", node, context, state) or context.place is None:
            return
        label = label_of(self.run, node.label, context)
        if isinstance(label, Poison):
            label = "stage"
        context.place.counter.next()
        path = context.place.path(label)
        scope = self.run.graph.add_scope(ScopeKind.STAGE, label, path, context.place.scope, call=node.span)
        inner = replace(context.place, scope=scope.id, prefix=path, counter=Counter(), to=None, notes=None)
        inside = Context(context.env, inner)
        value = self.run.evaluator(node.value, inside)
        if tensors_in(value) is not None:
            state.value = value
            return
        layer = layer_of(self.run, value, node.value.span, inside)
        if isinstance(layer, Poison):
            state.value = doubt(state.value)
        elif layer is not None and state.value is None:
            state.value = self._no_input(node.span, context)
        elif layer is not None:
            state.value = self.run.applier.apply(layer, state.value, inner, "")


def _quiet(context: Context) -> Context:
    """The context of an expression: layers that it applies by itself are no steps of the network."""
    if context.place is None or context.place.notes is None:
        return context
    return Context(context.env, replace(context.place, notes=None))


def _names(target: ast.Target) -> list[str]:
    if target.name is not None:
        return [target.name]
    return [name for part in target.parts for name in _names(part)]
