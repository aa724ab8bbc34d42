"""Arithmetic on tensors: two operands with broadcasting, one operand and a constant, and functions of one operand."""

from __future__ import annotations

from resnetdsl.ops.attrs import literal, number
from resnetdsl.ops.axes import bad_combination
from resnetdsl.ops.base import Attrs, Call, Expression, Inference, Kind, Op, Param, Types
from resnetdsl.ops.broadcasting import broadcast
from resnetdsl.ops.onnx import Onnx


class Binary(Op):
    """An operator on two tensors. `form` is its text, with {left} and {right} for the operands."""

    arity = 2

    def __init__(self, name: str, form: str, operator: str, doc: str) -> None:
        self.name = name
        self.doc = doc
        self._form = form
        self._operator = operator

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        met = broadcast(self.name, *inputs)
        return Inference((met.result,), (met.fault,) if met.fault else ())

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        met = broadcast(self.name, *inputs)
        return Expression(self._form.format(left="{0}" + met.left, right="{1}" + met.right))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        met = broadcast(self.name, *inputs)
        left, right = g.operands
        return g(self._operator, g.insert(left, met.left_axes), g.insert(right, met.right_axes))


class Constant(Op):
    """An operator on a tensor and a number. `form` has {value} for the number."""

    def __init__(self, name: str, form: str, operator: str, doc: str) -> None:
        self.name = name
        self.doc = doc
        self.params = (Param("value", Kind.FLOAT, doc="The number."),)
        self._form = form
        self._operator = operator

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        value = number(attrs, "value")
        if self.name == "add_scalar" and value < 0:  # `x + -1` is how nobody writes it.
            return Expression(f"{{0}} - {literal(-value)}")
        return Expression(self._form.format("{0}", value=literal(value)))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        """The operator's name says on which side the number stands: `c - x` or `x - c`."""
        operator, _, side = self._operator.partition(" ")
        value = g.number(number(attrs, "value"))
        return g(operator, value, g.x) if side == "left" else g(operator, g.x, value)


class Function(Op):
    """A function of one tensor, element by element."""

    def __init__(self, name: str, form: str, operators: tuple[str, ...], doc: str) -> None:
        self.name = name
        self.doc = doc
        self._form = form
        self._operators = operators

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression(self._form)

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        x = g.x
        for operator in self._operators:
            x = g(operator, x, x) if operator == "Mul" else g(operator, x)
        return x


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

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        low, high = (g.number(number(attrs, end)) if attrs[end] is not None else "" for end in ("min", "max"))
        return g("Clip", g.x, low, high)


OPS = (
    Binary("add", "{left} + {right}", "Add", "The sum of two tensors: `a + b`."),
    Binary("subtract", "{left} - {right}", "Sub", "The difference of two tensors: `a - b`."),
    Binary("multiply", "{left} * {right}", "Mul", "The product of two tensors, element by element: `a * b`, a gate."),
    Binary("divide", "{left} / {right}", "Div", "The quotient of two tensors: `a / b`."),
    Binary("power", "{left} ** {right}", "Pow", "One tensor to the power of another: `a ^ b`."),
    Binary("maximum", "torch.maximum({left}, {right})", "Max", "The greater of two tensors, element by element."),
    Binary("minimum", "torch.minimum({left}, {right})", "Min", "The lesser of two tensors, element by element."),
    Constant("add_scalar", "{} + {value}", "Add", "A tensor plus a number: `x + 1`."),
    Constant("multiply_scalar", "{} * {value}", "Mul", "A tensor times a number: `x * 0.5`."),
    Constant("rsub_scalar", "{value} - {}", "Sub left", "A number minus a tensor: `1 - gate`."),
    Constant("divide_scalar", "{} / {value}", "Div", "A tensor divided by a number: `x / 2`."),
    Constant("rdiv_scalar", "{value} / {}", "Div left", "A number divided by a tensor: `1 / x`."),
    Constant("power_scalar", "{} ** {value}", "Pow", "A tensor to the power of a number: `x ^ 2`."),
    Function("exp", "torch.exp({0})", ("Exp",), "e to the power of x."),
    Function("log", "torch.log({0})", ("Log",), "The natural logarithm."),
    Function("sqrt", "torch.sqrt({0})", ("Sqrt",), "The square root."),
    Function("rsqrt", "torch.rsqrt({0})", ("Sqrt", "Reciprocal"), "One over the square root."),
    Function("abs", "torch.abs({0})", ("Abs",), "The absolute value."),
    Function("square", "torch.square({0})", ("Mul",), "x times x."),
    Function("reciprocal", "torch.reciprocal({0})", ("Reciprocal",), "One over x."),
    Clamp(),
)
