"""Calls: arguments onto a layer, operands into an op, values into a function."""

from __future__ import annotations

from dataclasses import replace

from resnetdsl.diagnostics.model import Edit, Fact
from resnetdsl.elaborate.arguments import bind, normalise
from resnetdsl.elaborate.backbones import hidden
from resnetdsl.elaborate.builtins import BUILTINS, Call, run_builtin
from resnetdsl.elaborate.operators import is_number, mixed
from resnetdsl.elaborate.run import Context, Place, Run
from resnetdsl.elaborate.values import (
    POISON,
    Builtin,
    DefinedLayer,
    DoubtLayer,
    Function,
    Given,
    Layer,
    MergeLayer,
    OpLayer,
    Poison,
    SharedLayer,
    Tensor,
    Value,
    contains_poison,
    describe,
    uncertain,
)
from resnetdsl.source import Span
from resnetdsl.syntax import ast

Arguments = list[tuple[ast.Argument, Value]]


class Caller:
    """Calls values. Calling a layer that has arguments already overrides them: `resnet50(classes = 10)`."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def at(self, layer: Layer, span: Span) -> Layer:
        """The layer as named here, so that messages point at this use of it."""
        return replace(layer, span=span) if isinstance(layer, OpLayer | DefinedLayer | SharedLayer) else layer

    def call(self, function: Value, arguments: Arguments, node: ast.Call, context: Context) -> Value:
        match function:
            case Poison():
                return POISON
            case None:
                return None  # An absent layer stays absent, whatever its block would have given it.
            case OpLayer():
                return self._op(function, arguments, node, context)
            case DefinedLayer():
                return self._defined(function, arguments, node, context)
            case Builtin():
                return self._builtin(function, arguments, node, context)
            case Function():
                return self._function(function, arguments, node, context)
            case _ if uncertain(function):
                return POISON
            case _:
                return self.run.report("E0208", node.function.span, context.place, got=describe(function))

    def _op(self, layer: OpLayer, arguments: Arguments, node: ast.Call, context: Context) -> Value:
        op, place = layer.op, context.place
        if op.name in BUILTINS and arguments and all(is_number(value) for _, value in arguments):
            return self._builtin(BUILTINS[op.name], arguments, node, context)
        operands: list[Value] = []
        while arguments and arguments[0][0].name is None and _is_operand(arguments[0][1], op.arity):
            value = arguments[0][1]
            operands.extend(value if isinstance(value, tuple) else (value,))
            arguments = arguments[1:]
        late = [value for argument, value in arguments if argument.name is None and _is_operand(value, op.arity)]
        if late and not contains_poison(tuple(late)):
            first, value = arguments[0]
            wanted, where = "a tensor or a layer", f"an operand of `{op.name}`"
            if not uncertain(value):
                self.run.report("E0207", first.span, place, wanted=wanted, got=describe(value), where=where)
            return DoubtLayer(node.span)
        names = tuple(param.name for param in op.params)
        given, good = bind(self.run, place, op.name, names, arguments)
        attrs, spans = dict(layer.attrs), dict(layer.spans)
        for param in op.params:
            if param.name not in given:
                continue
            normal = normalise(self.run, place, op.name, param, given[param.name])
            if normal is POISON:
                good = False
                if param.name not in attrs:
                    attrs[param.name] = POISON
            else:
                attrs[param.name] = normal
            spans[param.name] = given[param.name].span
        called = OpLayer(node.span, op, attrs, spans, doubtful=layer.doubtful or not good)
        return self._onto(called, operands, node.span, place) if operands else called

    def _onto(self, layer: OpLayer, operands: list[Value], span: Span, place: Place | None) -> Value:
        """`concat(a, b)`: tensors are the operands at once, layers are once they have their input."""
        if contains_poison(tuple(operands)):
            return POISON
        if all(isinstance(operand, Tensor) for operand in operands) and place is not None:
            return self.run.applier.apply(layer, tuple(operands), place)
        if all(isinstance(operand, Layer) for operand in operands):
            return MergeLayer(span, lambda run, values, at: run.applier.apply(layer, values, at), tuple(operands))
        if uncertain(tuple(operands)):
            return POISON
        left, right = describe(operands[0]), describe(operands[-1])
        hint = mixed(*operands)
        return self.run.report("E0211", span, place, op=layer.op.name, left=left, right=right, hint=hint)

    def _defined(self, layer: DefinedLayer, arguments: Arguments, node: ast.Call, context: Context) -> Value:
        syntax = layer.definition.syntax
        names = tuple(param.name for param in syntax.params)
        given, good = bind(self.run, context.place, syntax.name, names, arguments, syntax.name_span, hidden(syntax))
        return DefinedLayer(node.span, layer.definition, {**layer.given, **given}, layer.doubtful or not good)

    def _function(self, function: Function, arguments: Arguments, node: ast.Call, context: Context) -> Value:
        values = [Given(value, argument.value.span) for argument, value in arguments]
        for argument, _ in arguments:
            if argument.name is not None:
                return self.run.report(
                    "E0203",
                    argument.name_span or argument.span,
                    context.place,
                    name=argument.name,
                    callee="this function",
                )
        return self.apply_function(function, values, node.span, context.place)

    def apply_function(self, function: Function, values: list[Given], span: Span, place: Place | None) -> Value:
        """The body of `(a, b) => e` with its parameters bound."""
        params = function.syntax.params
        if len(values) != len(params):
            also = (("defined", function.syntax.span),)
            return self.run.report(
                "E0224", span, place, also, callee="this function", wanted=len(params), got=len(values)
            )
        env = function.env.child(**{param.name: given.value for param, given in zip(params, values, strict=True)})
        return self.run.applier.deeper(
            lambda: self.run.evaluator(function.syntax.body, Context(env, place)), span, place
        )

    def _builtin(self, function: Builtin, arguments: Arguments, node: ast.Call, context: Context) -> Value:
        if any(contains_poison(value) for _, value in arguments):
            return POISON
        place = context.place
        if function.variadic:
            for argument, _ in arguments:
                if argument.name is not None:
                    return self.run.report(
                        "E0203", argument.name_span or argument.span, place, name=argument.name, callee=function.name
                    )
            rest = tuple(Given(value, argument.value.span) for argument, value in arguments)
            return run_builtin(Call(self.run, place, function.name, {}, rest, node.span))
        given, good = bind(self.run, place, function.name, function.params, arguments)
        if not good:
            return POISON
        for name in function.params[: function.required]:
            if name not in given:
                return self.run.report("E0204", node.span, place, name=name, callee=function.name, kind="the function")
        return run_builtin(Call(self.run, place, function.name, given, (), node.span))


def meant_by_name(run: Run, function: Value, argument: ast.Argument) -> ast.Argument | None:
    """`stride: 2` and `stride => 2` in place of `stride = 2`, which is said; None for an argument as it should be."""
    match argument.name, argument.value:
        case None, ast.Labelled(label=ast.Label(parts=(str() as name,), quoted=False) as written, value=value):
            name_end, sign = written.span.end, ":"
        case None, ast.Conditional(then=ast.Labelled() as then) as chosen:  # the label binds more tightly
            written, value = then.label, replace(chosen, then=then.value)
            if then.label.quoted or len(written.parts) != 1 or not isinstance(written.parts[0], str):
                return None
            name, name_end, sign = written.parts[0], written.span.end, ":"
        case None, ast.Lambda(params=(ast.Parameter(name=name) as parameter,), body=value):
            name_end, sign = parameter.span.end, "=>"
        case _:
            return None
    if name not in _names_of(function):
        return None
    file = argument.span.file
    start = file.text.index(sign, name_end)
    span = file.span(start, start + len(sign))
    fix = (Edit(span, "=" if file.text[start - 1] == " " else " ="),)
    words = {"found": f"`{sign}`", "expected": "`=`", "doing": "an argument", "suggestion": "="}
    run.sink.take((Fact("E0101", span, words, fix=fix),))
    return ast.Argument(argument.span, name, value, file.span(argument.span.start, name_end))


def _names_of(function: Value) -> tuple[str, ...]:
    """The parameters of what is called."""
    match function:
        case OpLayer():
            return tuple(param.name for param in function.op.params)
        case DefinedLayer():
            return tuple(param.name for param in function.definition.syntax.params)
        case Builtin() if not function.variadic:
            return function.params
        case _:
            return ()


def _is_operand(value: Value, arity: int | None) -> bool:
    """Whether a positional argument of an op is an operand: no primitive has a tensor or a layer for a parameter."""
    if isinstance(value, tuple) and value:
        return all(_is_operand(item, arity) for item in value)
    return isinstance(value, Tensor) or (isinstance(value, Layer | Poison) and arity != 1)
