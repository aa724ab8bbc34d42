"""The value of an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate import budget
from resnetdsl.elaborate.arguments import nearest, unknown, want_whole, whole
from resnetdsl.elaborate.calling import Caller
from resnetdsl.elaborate.habits import MEANT, python_module
from resnetdsl.elaborate.labels import unfit
from resnetdsl.elaborate.operators import binary, bounded_list, bounded_number, bounded_text, too_long
from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.values import (
    POISON,
    BodyLayer,
    DoubtLayer,
    Function,
    FunctionLayer,
    LabelledLayer,
    Layer,
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
    tensors_in,
    uncertain,
)
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.registry import OPS
from resnetdsl.source import Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import walk

COPY_NAMES = ("index", "first", "last", "count")
"""What a repeated expression can ask about its copy."""

TENSOR_ATTRIBUTES = ("channels", "height", "width", "shape", "stride")


class Evaluator:
    """Evaluates expressions for a run. Total: every expression has a value, if only POISON."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.caller = Caller(run)
        self._asks_copy: dict[int, bool] = {}
        self._table: dict[type[ast.Expr], Callable[[Any, Context], Value]] = {
            ast.Number: self._number,
            ast.Bool: lambda node, _: node.value,
            ast.Text: self._text,
            ast.Name: self._name,
            ast.ListExpr: self._list,
            ast.Comprehension: self._comprehension,
            ast.Lambda: lambda node, context: Function(node, context.env),
            ast.Call: self._call,
            ast.Attribute: self._attribute,
            ast.Index: self._index,
            ast.Slice: self._slice,
            ast.Range: self._range,
            ast.Unary: self._unary,
            ast.Binary: self._binary,
            ast.Conditional: self._conditional,
            ast.Chain: self._chain,
            ast.Labelled: self._labelled,
            ast.Shared: self._shared,
            ast.Residual: self._residual,
            ast.BodyExpr: lambda node, context: BodyLayer(node.span, node.body, context.env),
        }

    def __call__(self, node: ast.Expr, context: Context) -> Value:
        self.run.spend(node.span)
        value = self._table[type(node)](node, context)
        if isinstance(value, tuple):
            return POISON if POISON in value else bounded_list(self.run, context.place, value, node.span)
        return value

    # --- values ---

    def _number(self, node: ast.Number, context: Context) -> Value:
        return bounded_number(self.run, context.place, node.value, node.span)

    def _text(self, node: ast.Text, context: Context) -> Value:
        return self.template(node.parts, node.span, context)

    def template(
        self, parts: tuple[str | ast.Expr, ...], span: Span, context: Context, whole: bool = False
    ) -> str | Poison:
        """Text with its `{...}` filled in by numbers and strings; by `whole` numbers alone where it names something."""
        text: str | Poison = ""
        for part in parts:
            if isinstance(text, Poison):
                return POISON
            if isinstance(part, str):
                text += part
                continue
            value = self(part, context)
            if uncertain(value):
                return POISON
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                where = "the text"
                return self.run.report(
                    "E0207", part.span, context.place, wanted="a number or a string", got=describe(value), where=where
                )
            if whole and isinstance(value, float):
                value = want_whole(self.run, context.place, value, part.span, "a number in a label")
            if isinstance(value, Poison):
                return POISON
            more = f"{float(value):g}" if isinstance(value, float) else str(value)
            text = bounded_text(self.run, context.place, text + more, span)
        return text

    def _name(self, node: ast.Name, context: Context) -> Value:
        env = context.env.find(node.id)
        if env is None and context.env.may_have_more():
            return POISON
        if env is None:
            meant = unknown(node.id, context.env.all_names())
            return self.run.report("E0201", node.span, context.place, name=node.id, **meant)
        value = env.value(node.id)
        if isinstance(value, Layer):
            return self.caller.at(value, node.span)
        return value

    def _list(self, node: ast.ListExpr, context: Context) -> Value:
        return tuple(self(item, context) for item in node.items)

    def _comprehension(self, node: ast.Comprehension, context: Context) -> Value:
        known = self.items(node.iterable, context)
        items = (POISON,) if isinstance(known, Poison) else known
        found: list[Value] = []
        for index, item in enumerate(items):
            inner = Context(context.env.child(), context.place)
            broken = not self.bind_targets(node.targets, index, item, inner) or item is POISON
            wanted = True if node.condition is None else self.condition(node.condition, inner)
            if not wanted:
                continue
            found.append(self(node.body, inner))
            if broken or isinstance(wanted, Poison):
                return POISON
        return tuple(found)

    def items(self, node: ast.Expr, context: Context) -> tuple[Value, ...] | Poison:
        """The elements of what a loop runs over."""
        value = self(node, context)
        if isinstance(value, tuple):
            return value
        if not uncertain(value):
            self.run.report(
                "E0207",
                node.span,
                context.place,
                wanted="a list",
                got=describe(value),
                where="what a `for` runs over",
                hint=f"`0..{node.span.text}` are the whole numbers from 0 up to it" if whole(value) else None,
            )
        return POISON

    def bind_targets(self, targets: tuple[ast.Target, ...], index: int | Poison, item: Value, context: Context) -> bool:
        """Bind the variables of a loop: one target takes the element, two take index and element."""
        if item is POISON:
            index = POISON
        if len(targets) == 2:
            return self.bind_target(targets[0], index, context) and self.bind_target(targets[1], item, context)
        return self.bind_target(targets[0], item, context)

    def bind_target(self, target: ast.Target, value: Value, context: Context) -> bool:
        if target.name is not None:
            self.bind(target.name, value, context)
            return True
        return self.unpack(target.parts, value, target.span, context)

    def bind(self, name: str, value: Value, context: Context) -> None:
        context.env.names[name] = value
        if name == "here":  # from here on the name means this, and not the running tensor
            context.env.kept |= {name}

    def unpack(self, targets: tuple[ast.Target, ...], value: Value, span: Span, context: Context) -> bool:
        """Take a list apart into as many targets; after a mistake all of them are poisoned."""
        good = isinstance(value, tuple) and len(value) == len(targets)
        if not good and not uncertain(value):
            got = describe(value)
            self.run.report("E0215", span, context.place, wanted=len(targets), got=got)
        parts = cast("tuple[Value, ...]", value) if good else (POISON,) * len(targets)
        for target, part in zip(targets, parts, strict=True):
            self.bind_target(target, part, context)
        return good

    def _call(self, node: ast.Call, context: Context) -> Value:
        function = self(node.function, context)
        arguments = [(argument, self(argument.value, context)) for argument in node.arguments]
        return self.caller.call(function, arguments, node, context)

    def _attribute(self, node: ast.Attribute, context: Context) -> Value:
        first = python_module(node)
        if first is not None and context.env.find(first.id) is None:
            written = node.span.text
            meant = unknown(written, context.env.all_names())
            return self.run.report("E0201", node.span, context.place, name=written, **meant)
        value = self(node.value, context)
        if isinstance(value, Poison):
            return POISON
        if not isinstance(value, Tensor):
            return self.run.report(
                "E0214", node.span, context.place, attribute=node.name, owner=describe(value), suggestion=None
            )
        if value.doubtful and node.name in TENSOR_ATTRIBUTES:
            return POISON
        type = value.type
        match node.name:
            case "channels" if (channels := type.size("c")) is not None:
                return channels
            case "height" | "width" if (size := type.size(node.name[0])) is not None:
                self.run.reads_size = True
                return size
            case "shape":
                self.run.reads_size = self.run.reads_size or len(type.shape) > 1
                return type.shape
            case "stride":
                vertical, horizontal = (rate if isinstance(rate, int) else float(rate) for rate in type.stride)
                return vertical if vertical == horizontal else (vertical, horizontal)
            case _:
                known = self._as_layer(node, context)
                return self.run.report(
                    "E0214",
                    node.span,
                    context.place,
                    attribute=node.name,
                    owner=describe(value),
                    suggestion=None if known else nearest(node.name, [n for n in TENSOR_ATTRIBUTES if _has(type, n)]),
                    hint=known,
                )

    def _as_layer(self, node: ast.Attribute, context: Context) -> str | None:
        """`x.flatten()` is `x -> flatten`, where there is such a layer."""
        env = context.env
        meant = node.name if env.find(node.name) else next((m for m in MEANT.get(node.name, ()) if env.find(m)), None)
        home = env.find(meant) if meant is not None else None
        if meant is None or home is None or meant in TENSOR_ATTRIBUTES or not isinstance(home.value(meant), Layer):
            return None
        return f"a layer is applied to a tensor by `->`: `{node.value.span.text} -> {meant}`"

    def _index(self, node: ast.Index, context: Context) -> Value:
        value, index = self(node.value, context), self(node.index, context)
        if uncertain(value) and not isinstance(value, tuple):
            return POISON
        if not isinstance(value, tuple):
            return self.run.report(
                "E0207", node.value.span, context.place, wanted="a list", got=describe(value), where="an index"
            )
        place = want_whole(self.run, context.place, index, node.index.span, "an index")
        if isinstance(place, Poison):
            return POISON
        if not -len(value) <= place < len(value):
            return self.run.report("E0213", node.index.span, context.place, index=place, length=len(value))
        return value[place]

    def _slice(self, node: ast.Slice, context: Context) -> Value:
        value = self(node.value, context)
        bounds: list[int | None] = []
        for end in (node.low, node.high):
            if end is None:
                bounds.append(None)
                continue
            bound = want_whole(self.run, context.place, self(end, context), end.span, "the end of a slice")
            if isinstance(bound, Poison):
                return POISON
            bounds.append(bound)
        low, high = bounds
        if isinstance(value, Poison):
            return POISON
        if isinstance(value, tuple):
            return value[low:high]
        if isinstance(value, Tensor) and context.place is not None and not value.doubtful:
            channels = value.type.size("c") or 0
            start, stop = low or 0, channels if high is None else high
            attrs = {"start": start + channels * (start < 0), "stop": stop + channels * (stop < 0)}
            return self.run.builder.one("slice", attrs, (value,), context.place, node.span)
        if isinstance(value, Tensor):
            return POISON
        return self.run.report(
            "E0207", node.value.span, context.place, wanted="a list or a tensor", got=describe(value), where="a slice"
        )

    def _range(self, node: ast.Range, context: Context) -> Value:
        ends: list[int] = []
        for part, what in ((node.low, "start"), (node.high, "end"), (node.step, "step")):
            if part is None:
                ends.append(1)
                continue
            end = want_whole(self.run, context.place, self(part, context), part.span, f"the {what} of a range")
            if isinstance(end, Poison):
                return POISON
            ends.append(end)
        if ends[2] == 0:
            return self.run.report(
                "E0605", node.span, context.place, low=ends[0], high=ends[1], step=0, reason="a step of 0 never arrives"
            )
        numbers = range(*ends)
        if len(numbers) > budget.LIST:
            return too_long(self.run, context.place, node.span, len(numbers))
        return tuple(numbers)

    # --- operators ---

    def _unary(self, node: ast.Unary, context: Context) -> Value:
        if node.op is ast.UnaryOp.NOT:
            value = self.condition(node.operand, context)
            return value if isinstance(value, Poison) else not value
        operand = self(node.operand, context)
        if contains_poison(operand):
            return POISON
        if not isinstance(operand, int | float | Tensor | Layer) or isinstance(operand, bool):
            wanted, where = "a number, a tensor or a layer", "the operand of `-`"
            return self.run.report(
                "E0207", node.operand.span, context.place, wanted=wanted, got=describe(operand), where=where
            )
        return binary(self.run, context.place, ast.BinaryOp.MULTIPLY, operand, -1, node.span)

    def condition(self, node: ast.Expr, context: Context) -> bool | Poison:
        value = self(node, context)
        if isinstance(value, bool | Poison):
            return value
        if uncertain(value):
            return POISON
        return self.run.report(
            "E0207", node.span, context.place, wanted="true or false", got=describe(value), where="a condition"
        )

    def _binary(self, node: ast.Binary, context: Context) -> Value:
        if node.op in (ast.BinaryOp.AND, ast.BinaryOp.OR):
            left = self.condition(node.left, context)
            if isinstance(left, Poison) or left is (node.op is ast.BinaryOp.OR):
                return left
            return self.condition(node.right, context)
        left_value = self(node.left, context)
        if node.op is ast.BinaryOp.MULTIPLY and isinstance(left_value, Poison):
            copy = self(node.right, self._copy(0, 1, context))
            return SequenceLayer(node.span, (copy, DoubtLayer(node.left.span))) if isinstance(copy, Layer) else POISON
        if node.op is ast.BinaryOp.MULTIPLY and isinstance(left_value, int) and not isinstance(left_value, bool):
            return self._times(left_value, node, context)
        return binary(self.run, context.place, node.op, left_value, self(node.right, context), node.span)

    def _times(self, count: int, node: ast.Binary, context: Context) -> Value:
        """`n * e`: a product if `e` is a number, copies if it is a layer; each copy is evaluated for itself."""
        if self._asks_about_copy(node.right) and not self._makes_copies(node.right, count, context):
            return binary(self.run, context.place, ast.BinaryOp.MULTIPLY, count, self(node.right, context), node.span)
        value = self(node.right, self._copy(0, count, context))
        if not isinstance(value, Layer):
            return binary(self.run, context.place, ast.BinaryOp.MULTIPLY, count, value, node.span)
        if count < 0:
            return self.run.report(
                "E0210", node.left.span, context.place, what="a number of copies", value=count, minimum=0
            )
        if count > budget.NODES:
            return self.run.report("E0501", node.span, context.place, count=count, limit=budget.NODES)
        if not self._asks_about_copy(node.right):
            return RepeatLayer(node.span, (value,) * count)
        copies = [value]
        for index in range(1, count):
            copy = self(node.right, self._copy(index, count, context))
            if not isinstance(copy, Layer):
                return POISON if isinstance(copy, Poison) else self._not_a_layer(copy, node.right.span, context)
            copies.append(copy)
        return RepeatLayer(node.span, tuple(copies[:count]))

    def _makes_copies(self, node: ast.Expr, count: int, context: Context) -> bool:
        """Whether what is to be multiplied is a layer: then `index` in it is a copy's, else that of the repeat around.

        Tried out with nothing to show for it: no message, and no place to apply layers at.
        """
        sink, self.run.sink = self.run.sink, Sink()
        try:
            value = self(node, Context(self._copy(0, count, context).env))
        except budget.OverBudget:
            sink.take(self.run.sink.facts)
            raise
        finally:
            self.run.sink = sink
        return isinstance(value, Layer) or (value is POISON and context.env.find("index") is None)

    def _copy(self, index: int, count: int, context: Context) -> Context:
        names = context.env.child(index=index, first=index == 0, last=index == count - 1, count=count)
        return Context(names, context.place)

    def _asks_about_copy(self, node: ast.Expr) -> bool:
        """Whether copies may differ; if not, one evaluation serves them all."""
        known = self._asks_copy.get(id(node))
        if known is None:
            known = any(
                isinstance(part, ast.Shared) or (isinstance(part, ast.Name) and part.id in COPY_NAMES)
                for part in walk(node)
            )
            self._asks_copy[id(node)] = known
        return known

    def _conditional(self, node: ast.Conditional, context: Context) -> Value:
        wanted = self.condition(node.condition, context)
        if isinstance(wanted, Poison):
            return POISON
        return self(node.then if wanted else node.otherwise, context)

    # --- layers ---

    def _not_a_layer(self, value: Value, span: Span, context: Context) -> Poison:
        if uncertain(value):
            return POISON
        return self.run.report("E0218", span, context.place, got=describe(value), hint=self._instead(value, context))

    def _instead(self, value: Value, context: Context) -> str:
        """What may have been meant by a value that is no layer."""
        if isinstance(value, str) and (near := nearest(value, context.env.all_names())) is not None:
            return f"layers go by their names, without quotes: `{near}`"
        if isinstance(value, tuple) and value and all(isinstance(item, Layer) for item in value):
            return "layers follow one another with `->`: `conv(64, 3x3) -> relu`"
        return "write `let name = ...` to give a value a name"

    def layer(self, value: Value, span: Span, context: Context) -> Layer | Poison | None:
        """A value as a layer; None for `none`."""
        if value is None or isinstance(value, Layer):
            return value
        if isinstance(value, Function):
            return FunctionLayer(span, value)
        return self._not_a_layer(value, span, context)

    def _chain(self, node: ast.Chain, context: Context) -> Value:
        """Layers in sequence: composed, or applied at once where the chain starts from a tensor."""
        first = self(node.steps[0], context)
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
                value = self(step, context)
            layer = self.layer(value, step.span, context)
            if isinstance(layer, Poison):
                layer = DoubtLayer(step.span)
                broken = broken or value is first
            if layer is None or broken:
                continue
            if applying and context.place is not None:
                running = self.run.applier.apply(layer, running, context.place)
            elif isinstance(layer, SequenceLayer):  # flat, so that a chain carried through a loop gets no deeper
                self.run.spend_on(layer.steps, step.span)
                layers.extend(layer.steps)
            else:
                layers.append(layer)
        if broken:
            return POISON
        return running if applying else SequenceLayer(node.span, tuple(layers))

    def label(self, node: ast.Label, context: Context) -> str | Poison:
        """The text of a label, fit to be a module path."""
        text = self.template(node.parts, node.span, context, whole=True)
        if isinstance(text, Poison):
            return POISON
        reason = unfit(text)
        if reason is not None:
            return self.run.report("E0402", node.span, context.place, label=text, reason=reason)
        return text

    def _labelled(self, node: ast.Labelled, context: Context) -> Value:
        label = self.label(node.label, context)
        layer = self.layer(self(node.value, context), node.value.span, context)
        if isinstance(layer, Poison):
            return DoubtLayer(node.span)
        if layer is None or isinstance(label, Poison):
            return layer
        return LabelledLayer(node.span, label, node.label.span, layer)

    def _shared(self, node: ast.Shared, context: Context) -> Value:
        layer = self.layer(self(node.value, context), node.value.span, context)
        if isinstance(layer, Poison):
            return DoubtLayer(node.span)
        return layer if layer is None else SharedLayer(node.span, layer, object())

    def _residual(self, node: ast.Residual, context: Context) -> Value:
        if node.shortcut is None:
            identity = OpLayer(node.keyword_span, OPS["identity"])
            return ResidualLayer(node.span, identity, node.keyword_span, node.body, context.env)
        shortcut = self.layer(self(node.shortcut, context), node.shortcut.span, context)
        if isinstance(shortcut, Poison):
            shortcut = DoubtLayer(node.shortcut.span)
        return ResidualLayer(node.span, shortcut, node.shortcut.span, node.body, context.env)


def _has(type: TensorType, name: str) -> bool:
    """Whether tensors of a type have an attribute: a vector has no height."""
    return name in ("shape", "stride") or type.size(name[0]) is not None
