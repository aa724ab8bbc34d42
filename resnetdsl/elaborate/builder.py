"""Ops into the graph: shapes inferred, faults reported, names kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod
from typing import cast

from resnetdsl.elaborate import budget
from resnetdsl.elaborate.dilation import actual, dilated, spread
from resnetdsl.elaborate.run import Place, Run
from resnetdsl.elaborate.values import POISON, Poison, Tensor
from resnetdsl.ir.graph import Node, Source
from resnetdsl.ir.graph import Value as AttrValue
from resnetdsl.ops.base import Op
from resnetdsl.ops.registry import OPS
from resnetdsl.source import Span

Weights = tuple[tuple[str, tuple[int, ...]], ...]


class Builder:
    """Adds nodes to the graph of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._weighted: dict[str, tuple[Span, int]] = {}
        self._weightless: dict[str, Node] = {}
        self._numbers: dict[str, int] = {}
        self._prefixes: dict[str, tuple[Span, int]] = {}

    def apply(
        self,
        op: Op,
        attrs: Mapping[str, object],
        inputs: tuple[Tensor, ...],
        place: Place,
        component: str,
        span: Span,
        arg_spans: Mapping[str, Span] | None = None,
        doubtful: bool = False,
    ) -> tuple[Tensor, ...] | Poison:
        """Add one op named `component` under the place; its outputs, or POISON where no type can be told.

        Faults that rest on a doubtful tensor are echoes of an earlier mistake and are not reported.
        """
        if len(self.run.graph) >= budget.NODES:
            self.run.report("E0501", span, place, count=len(self.run.graph) + 1, limit=budget.NODES)
            raise budget.OverBudget
        if op.wants_vector and len(inputs) == 1 and inputs[0].type.is_image and inputs[0].type.shape[1:] == (1, 1):
            flat = self.apply(OPS["flatten"], {}, inputs, place, "flatten", span)
            if isinstance(flat, Poison):
                return POISON
            inputs = flat
        plain = cast(
            "Mapping[str, AttrValue]", {param.name: attrs.get(param.name, param.default) for param in op.params}
        )
        types = tuple(tensor.type for tensor in inputs)
        factor = (1, 1)
        if place.limit is not None and types:
            plain, factor = dilated(op, plain, types[0], place.limit)
            if (most := max(types[0].dilation)) > budget.SIZE:
                return self.run.report(
                    "E0210", span, place, what="a dilation", value=most, minimum=1, maximum=budget.SIZE
                )
        doubtful = doubtful or any(tensor.doubtful for tensor in inputs)
        inference = op.infer(plain, types)
        if inference.faults and not doubtful:
            for fault in inference.faults:
                at = (arg_spans or {}).get(fault.param or "", span)
                also: tuple[tuple[str, Span], ...] = ()
                if len(inputs) == 2:
                    also = (("left", inputs[0].span), ("right", inputs[1].span))
                self.run.report(fault.code, at, place, also, **fault.data)
        if inference.outputs is None:
            return POISON
        doubtful = doubtful or (bool(inference.faults) and len(inputs) > 1)  # which of them is wrong nobody knows
        weights = () if inference.faults else op.weights(plain, types)
        shapes = (*(type.shape for type in inference.outputs), *(weight.shape for weight in weights))
        if self.too_large(shapes, place, span, doubtful):
            return POISON
        path = place.path(component)
        weighted = bool(weights)
        path = self._claim(path, place, span) if weighted else self._unique(path)
        sources = tuple(tensor.source for tensor in inputs)
        made = inference.outputs
        if place.limit is not None:
            made = tuple(spread(type, types, factor) for type in made)
        node = self.run.graph.add(op.name, plain, sources, tuple(map(actual, made)), path, place.scope, span)
        if not weighted:
            self._weightless[path] = node
        return tuple(Tensor(Source(node.id, i), type, span, doubtful) for i, type in enumerate(made))

    def too_large(self, shapes: Iterable[tuple[int, ...]], place: Place, span: Span, doubtful: bool = False) -> bool:
        """Whether one of these shapes is beyond all memory, which is reported."""
        vast = next((shape for shape in shapes if prod(shape) > budget.VALUES), None)
        if vast is not None and not doubtful:
            self.run.report("E0505", span, place, shape="x".join(map(str, vast)), limit=budget.VALUES)
        return vast is not None

    def depends_on_input(self, tensor: Tensor, span: Span, place: Place) -> bool:
        """Whether a result has a batch dimension; one that is made of weights alone has none, which is reported."""
        if tensor.type.batched or tensor.doubtful:
            return True
        reason = "an output of a network is made of its input, and this is made of weights alone"
        self.run.report("E0317", span, place, reason=reason)
        return False

    def one(
        self, name: str, attrs: Mapping[str, object], inputs: tuple[Tensor, ...], place: Place, span: Span
    ) -> Tensor | Poison:
        """An operator of one output, such as `add`, named after itself."""
        made = self.apply(OPS[name], attrs, inputs, place, name, span)
        return made if isinstance(made, Poison) else made[0]

    def weights(self, start: int) -> Weights:
        """Names and shapes of the weights of the nodes from `start` on, to compare two uses of a shared layer."""
        found = []
        for id in range(start, len(self.run.graph)):
            node = self.run.graph.node(id)
            for weight in OPS[node.op].weights(node.attrs, self.run.graph.input_types(id)):
                name = f"{node.path}.{weight.name}" if weight.name else node.path
                found.append((name, weight.shape))
        return tuple(found)

    # --- names ---

    def _claim(self, path: str, place: Place, span: Span) -> str:
        """The path for a node with weights: two such layers cannot have one, and none may lie inside another."""
        if place.replay:
            return path
        first = self._weighted.get(path) or self._prefixes.get(path)
        above = [path[:i] for i, char in enumerate(path) if char == "."]
        for head in above:
            first = first or self._weighted.get(head)
        if first is not None:
            self._taken(path, place, span, *first)
            return self._unique(path)
        if path in self._weightless:
            # A name in the checkpoint comes before a name for tables alone.
            other = self._weightless.pop(path)
            other.path = self._unique(path)
            self._weightless[other.path] = other
        self._weighted[path] = span, place.scope
        for head in above:
            self._prefixes.setdefault(head, (span, place.scope))
        return path

    def _taken(self, path: str, place: Place, span: Span, first: Span, scope: int) -> None:
        """Say that a path is taken: of two blocks of one name their own, and not that of each layer in them."""
        ours, theirs = self.run.graph.trail(place.scope), self.run.graph.trail(scope)
        names = {around.path: around for around in theirs if around not in ours and around.path}
        for around in ours:
            other = names.get(around.path)
            if other is not None and around not in theirs and around.call is not None and other.call is not None:
                path, span, first = around.path, around.call, other.call
                place = replace(place, scope=around.parent or 0)
                break
        hint = "it is in a loop: the label has to tell the rounds apart, as `layer{i}` does" if span == first else None
        self.run.report("E0401", span, place, (("first", first),), path=path, hint=hint)

    def _unique(self, path: str) -> str:
        made = path
        while made in self._weightless or made in self._weighted:
            self._numbers[path] = self._numbers.get(path, 1) + 1
            made = f"{path}_{self._numbers[path]}"
        return made
