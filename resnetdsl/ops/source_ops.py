"""Ops that compute nothing: where a network's tensors come from, and passing one on."""

from __future__ import annotations

from resnetdsl.ops.base import Attrs, Call, Expression, Inference, Module, Op, Types
from resnetdsl.ops.onnx import NotInOnnxError, Onnx


class Input(Op):
    name = "input"
    doc = "The tensor that the network is called with. Its type stands in the spec: `input 3x224x224`."
    arity = 0

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(None)  # said by the spec, not by the op

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression("x")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        raise NotInOnnxError("the input is the model's own")


class Identity(Op):
    name = "identity"
    doc = "Passes its operand on. It takes a place in its chain, as `nn.Identity` does in a checkpoint's indices."

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Module("nn.Identity")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g.x


OPS = (Input(), Identity())
