"""Layers that act while training only."""

from __future__ import annotations

from resnetdsl.ops.attrs import number
from resnetdsl.ops.axes import needs_batch
from resnetdsl.ops.base import Attrs, Call, Inference, Kind, Module, Op, Param, Types
from resnetdsl.ops.onnx import Onnx


class Dropout(Op):
    name = "dropout"
    doc = "Sets elements to zero at random while training and scales the others up (`nn.Dropout`)."
    params = (Param("rate", Kind.FLOAT, 0.5, minimum=0, maximum=1, doc="The share of elements that are dropped."),)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Module("nn.Dropout", (), (("p", number(attrs, "rate")),))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g.x  # nothing, once trained


class DropPath(Op):
    name = "drop_path"
    doc = (
        "Stochastic depth (Huang et al., 2016): drops the whole tensor of a sample at random while training and scales"
        " the others up by 1 / (1 - rate), as timm does."
    )
    params = (Param("rate", Kind.FLOAT, 0.0, minimum=0, maximum=1, doc="The share of samples that are dropped."),)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs, needs_batch(self.name, inputs[0]))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Module("DropPath", (), (("p", number(attrs, "rate")),), "drop_path")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g.x  # nothing, once trained


OPS = (Dropout(), DropPath())
