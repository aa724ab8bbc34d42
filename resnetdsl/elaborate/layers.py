"""Expressions that are layers: chains, labels, shared weights, residuals."""

from __future__ import annotations

from resnetdsl.elaborate.labels import unfit
from resnetdsl.elaborate.meant import instead
from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.values import (
    POISON,
    DoubtLayer,
    Function,
    FunctionLayer,
    LabelledLayer,
    Layer,
    OpLayer,
    Poison,
    ResidualLayer,
    SequenceLayer,
    SharedLayer,
    Value,
    contains_poison,
    describe,
    tensors_in,
    uncertain,
)
from resnetdsl.ops.registry import OPS
from resnetdsl.source import Span
from resnetdsl.syntax import ast


def not_a_layer(run: Run, value: Value, span: Span, context: Context) -> Poison:
    if uncertain(value):
        return POISON
    words = instead(value, context.env)
    return run.report("E0218", span, context.place, got=describe(value), **words)


def layer_of(run: Run, value: Value, span: Span, context: Context) -> Layer | Poison | None:
    """A value as a layer; None for `none`."""
    if value is None or isinstance(value, Layer):
        return value
    if isinstance(value, Function):
        return FunctionLayer(span, value)
    return not_a_layer(run, value, span, context)


def chain(run: Run, node: ast.Chain, context: Context) -> Value:
    """Layers in sequence: composed, or applied at once where the chain starts from a tensor."""
    first = run.evaluator(node.steps[0], context)
    applying = tensors_in(first) is not None
    broken = contains_poison(first)
    running = first
    layers: list[Layer] = []
    for step in node.steps:
        if step is node.steps[0]:
            if applying or broken:
                continue
            value = first
        else:
            value = run.evaluator(step, context)
        layer = layer_of(run, value, step.span, context)
        if isinstance(layer, Poison):
            layer = DoubtLayer(step.span)
            broken = broken or value is first
        if layer is None or broken:
            continue
        if applying and context.place is not None:
            running = run.applier.apply(layer, running, context.place)
        elif isinstance(layer, SequenceLayer):  # flat, so that a chain carried through a loop gets no deeper
            run.spend_on(layer.steps, step.span)
            layers.extend(layer.steps)
        else:
            layers.append(layer)
    if broken:
        return POISON
    return running if applying else SequenceLayer(node.span, tuple(layers))


def label_of(run: Run, node: ast.Label, context: Context) -> str | Poison:
    """The text of a label, fit to be a module path."""
    text = run.evaluator.template(node.parts, node.span, context, whole=True)
    if isinstance(text, Poison):
        return POISON
    reason = unfit(text)
    if reason is not None:
        return run.report("E0402", node.span, context.place, label=text, reason=reason)
    return text


def labelled(run: Run, node: ast.Labelled, context: Context) -> Value:
    label = label_of(run, node.label, context)
    layer = layer_of(run, run.evaluator(node.value, context), node.value.span, context)
    if isinstance(layer, Poison):
        return DoubtLayer(node.span)
    if layer is None or isinstance(label, Poison):
        return layer
    return LabelledLayer(node.span, label, node.label.span, layer)


def shared(run: Run, node: ast.Shared, context: Context) -> Value:
    layer = layer_of(run, run.evaluator(node.value, context), node.value.span, context)
    if isinstance(layer, Poison):
        return DoubtLayer(node.span)
    return layer if layer is None else SharedLayer(node.span, layer, object())


def residual(run: Run, node: ast.Residual, context: Context) -> Value:
    if node.shortcut is None:
        identity = OpLayer(node.keyword_span, OPS["identity"])
        return ResidualLayer(node.span, identity, node.keyword_span, node.body, context.env)
    shortcut = layer_of(run, run.evaluator(node.shortcut, context), node.shortcut.span, context)
    if isinstance(shortcut, Poison):
        shortcut = DoubtLayer(node.shortcut.span)
    bare = node.shortcut.value if isinstance(node.shortcut, ast.Labelled) else node.shortcut
    return ResidualLayer(node.span, shortcut, bare.span, node.body, context.env)
