"""Arithmetic on tensors: two operands with broadcasting, one operand and a constant, and functions of one operand."""

from __future__ import annotations

from resnetdsl.ops.attrs import literal, number
from resnetdsl.ops.axes import bad_combination
from resnetdsl.ops.base import Attrs, Call, Expression, Inference, Kind, Op, Param, Types
from resnetdsl.ops.broadcasting import broadcast


class Binary(Op):
    """An operator on two tensors. `form` is its text, with {left} and {right} for the operands."""

    arity = 2

    def __init__(self, name: str, form: str, doc: str) -> None:
        self.name = name
        self.doc = doc
        self._form = form

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        met = broadcast(self.name, *inputs)
        return Inference((met.result,), (met.fault,) if met.fault else ())

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        met = broadcast(self.name, *inputs)
        return Expression(self._form.format(left="{0}" + met.left, right="{1}" + met.right))


class Constant(Op):
    """An operator on a tensor and a number. `form` has {value} for the number."""

    def __init__(self, name: str, form: str, doc: str) -> None:
        self.name = name
        self.doc = doc
        self.params = (Param("value", Kind.FLOAT, doc="The number."),)
        self._form = form

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        value = number(attrs, "value")
        if self.name == "add_scalar" and value < 0:  # `x + -1` is how nobody writes it.
            return Expression(f"{{0}} - {literal(-value)}")
        return Expression(self._form.format("{0}", value=literal(value)))


class Function(Op):
    """A function of one tensor, element by element."""

    def __init__(self, name: str, form: str, doc: str) -> None:
        self.name = name
        self.doc = doc
        self._form = form

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression(self._form)


class Clamp(Op):
    name = "clamp"
    doc = "What is less than `min` becomes `min`, what is more than `max` becomes `max`."
    params = (
        Param("min", Kind.FLOAT, None, doc="The lower bound; none where it is not given."),
        Param("max", Kind.FLOAT, None, doc="The upper bound; none where it is not given."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        low, high = attrs["min"], attrs["max"]
        if low is None and high is None:
            return Inference(inputs, (bad_combination("`clamp` needs `min` or `max` or both"),))
        if low is not None and high is not None and number(attrs, "min") > number(attrs, "max"):
            return Inference(inputs, (bad_combination("`min` is more than `max`", "min"),))
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        bounds = [f"{name}={literal(number(attrs, name))}" for name in ("min", "max") if attrs[name] is not None]
        return Expression(f"torch.clamp({{0}}, {', '.join(bounds)})")


OPS = (
    Binary("add", "{left} + {right}", "The sum of two tensors: `a + b`."),
    Binary("subtract", "{left} - {right}", "The difference of two tensors: `a - b`."),
    Binary("multiply", "{left} * {right}", "The product of two tensors, element by element: `a * b`, a gate."),
    Binary("divide", "{left} / {right}", "The quotient of two tensors: `a / b`."),
    Binary("power", "{left} ** {right}", "One tensor to the power of another: `a ^ b`."),
    Binary("maximum", "torch.maximum({left}, {right})", "The greater of two tensors, element by element."),
    Binary("minimum", "torch.minimum({left}, {right})", "The lesser of two tensors, element by element."),
    Constant("add_scalar", "{} + {value}", "A tensor plus a number: `x + 1`."),
    Constant("multiply_scalar", "{} * {value}", "A tensor times a number: `x * 0.5`."),
    Constant("rsub_scalar", "{value} - {}", "A number minus a tensor: `1 - gate`."),
    Constant("divide_scalar", "{} / {value}", "A tensor divided by a number: `x / 2`."),
    Constant("rdiv_scalar", "{value} / {}", "A number divided by a tensor: `1 / x`."),
    Constant("power_scalar", "{} ** {value}", "A tensor to the power of a number: `x ^ 2`."),
    Function("exp", "torch.exp({0})", "e to the power of x."),
    Function("log", "torch.log({0})", "The natural logarithm."),
    Function("sqrt", "torch.sqrt({0})", "The square root."),
    Function("rsqrt", "torch.rsqrt({0})", "One over the square root."),
    Function("abs", "torch.abs({0})", "The absolute value."),
    Function("square", "torch.square({0})", "x times x."),
    Function("reciprocal", "torch.reciprocal({0})", "One over x."),
    Clamp(),
)
