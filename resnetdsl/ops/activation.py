"""Activations: elementwise functions with a name, each of torch's module of that name, and softmax."""

from __future__ import annotations

from collections.abc import Callable

from resnetdsl.ir.graph import Value
from resnetdsl.ops.attrs import flag, number, text
from resnetdsl.ops.axes import dim, letter, no_such_axis, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Expression, Inference, Kind, Module, Op, Param, Types, Weight, Window
from resnetdsl.ops.onnx import Onnx

Keywords = tuple[tuple[str, Value], ...]


InOnnx = Callable[[Attrs, Onnx], str]


def _none(_: Attrs) -> Keywords:
    return ()


def _as(operator: str) -> InOnnx:
    """An activation that is an operator of ONNX."""
    return lambda _, g: g(operator, g.x)


class Activation(Op):
    """One of torch's activation modules without weights.

    Never in place: whether the argument is needed again is for a compiler to find out, and it does.
    """

    def __init__(
        self,
        name: str,
        target: str,
        onnx: InOnnx,
        doc: str,
        params: tuple[Param, ...] = (),
        keywords: Callable[[Attrs], Keywords] = _none,
    ) -> None:
        self.name = name
        self.doc = doc
        self.params = params
        self._target = target
        self._onnx = onnx
        self._keywords = keywords

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Module(self._target, (), self._keywords(attrs))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return self._onnx(attrs, g)


class PRelu(Op):
    name = "prelu"
    doc = "max(0, x) + slope * min(0, x), where the slope is learned: one for all channels, or one for each."
    params = (
        Param("init", Kind.FLOAT, 0.25, doc="What the slope starts as."),
        Param("per_channel", Kind.BOOL, False, doc="Whether each channel has a slope of its own."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        if flag(attrs, "per_channel") and not (x.axes.startswith("c") and x.batched):
            return Inference(inputs, (wrong_layout(self.name, "chw or c", x),))
        return Inference(inputs)

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        return (Weight("weight", (self._slopes(attrs, inputs),)),)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        init = number(attrs, "init")
        keywords: Keywords = () if init == 0.25 else (("init", init),)
        slopes = self._slopes(attrs, inputs)
        return Module("nn.PReLU", () if slopes == 1 else (slopes,), keywords)

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        slope = g.weight("weight")
        if flag(attrs, "per_channel"):
            slope = g.insert(slope, range(1, len(inputs[0].axes)))
        elif not inputs[0].axes and not inputs[0].batched:  # a single number
            slope = g("Squeeze", slope)
        return g("PRelu", g.x, slope)

    @staticmethod
    def _slopes(attrs: Attrs, inputs: Types) -> int:
        return inputs[0].shape[0] if flag(attrs, "per_channel") else 1


class Softmax(Op):
    """Softmax or its logarithm along one axis."""

    params = (Param("axis", Kind.TEXT, "c", doc="The axis along which the results add up to one: c, h, w, n or ?."),)

    def __init__(self, name: str, function: str, operator: str, doc: str) -> None:
        self.name = name
        self.doc = doc
        self._function = function
        self._operator = operator

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        axis = letter(text(attrs, "axis"))
        if len(axis) != 1 or axis not in inputs[0].axes:
            return Inference(inputs, (no_such_axis(inputs[0], axis, "axis"),))
        return Inference(inputs)

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return Window(None if letter(text(attrs, "axis")) in {"h", "w", "n"} else (1, 1))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        (x,) = inputs
        at = dim(x, x.axes.index(letter(text(attrs, "axis"))))
        return Expression(f"torch.{self._function}({{0}}, dim={at})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        (x,) = inputs
        return g(self._operator, g.x, axis=dim(x, x.axes.index(letter(text(attrs, "axis")))))


def _slope(attrs: Attrs) -> Keywords:
    return (("negative_slope", number(attrs, "slope")),) if attrs["slope"] != 0.01 else ()


def _alpha(attrs: Attrs) -> Keywords:
    return (("alpha", number(attrs, "alpha")),) if attrs["alpha"] != 1.0 else ()


def _approximate(attrs: Attrs) -> Keywords:
    return (("approximate", text(attrs, "approximate")),) if attrs["approximate"] != "none" else ()


def _softplus(attrs: Attrs) -> Keywords:
    return (("beta", number(attrs, "beta")),) if attrs["beta"] != 1.0 else ()


def _softplus_in_onnx(attrs: Attrs, g: Onnx) -> str:
    beta = number(attrs, "beta")
    if beta == 1.0:
        return g("Softplus", g.x)
    return g("Div", g("Softplus", g("Mul", g.x, g.number(beta))), g.number(beta))


OPS = (
    Activation("relu", "nn.ReLU", _as("Relu"), "max(0, x)."),
    Activation("relu6", "nn.ReLU6", lambda _, g: g("Clip", g.x, g.number(0.0), g.number(6.0)), "min(max(0, x), 6)."),
    Activation(
        "leaky_relu",
        "nn.LeakyReLU",
        lambda attrs, g: g("LeakyRelu", g.x, alpha=number(attrs, "slope")),
        "x where it is positive, slope * x elsewhere.",
        (Param("slope", Kind.FLOAT, 0.01, doc="The factor of what is negative."),),
        _slope,
    ),
    PRelu(),
    Activation(
        "elu",
        "nn.ELU",
        lambda attrs, g: g("Elu", g.x, alpha=number(attrs, "alpha")),
        "x where it is positive, alpha * (exp(x) - 1) elsewhere.",
        (Param("alpha", Kind.FLOAT, 1.0, doc="Minus the limit for what is very negative."),),
        _alpha,
    ),
    Activation(
        "selu", "nn.SELU", _as("Selu"), "A scaled ELU whose constants keep mean and variance (Klambauer et al., 2017)."
    ),
    Activation(
        "gelu",
        "nn.GELU",
        lambda attrs, g: g("Gelu", g.x, approximate=text(attrs, "approximate")),
        "x times the normal distribution's probability of less than x.",
        (
            Param(
                "approximate",
                Kind.CHOICE,
                "none",
                choices=("none", "tanh"),
                doc="`tanh` for the approximation that older networks were trained with.",
            ),
        ),
        _approximate,
    ),
    Activation("silu", "nn.SiLU", lambda _, g: g("Mul", g.x, g("Sigmoid", g.x)), "x * sigmoid(x), also called swish."),
    Activation("mish", "nn.Mish", _as("Mish"), "x * tanh(softplus(x))."),
    Activation("sigmoid", "nn.Sigmoid", _as("Sigmoid"), "1 / (1 + exp(-x)): what gates are made with."),
    Activation("tanh", "nn.Tanh", _as("Tanh"), "The hyperbolic tangent."),
    Activation(
        "hard_sigmoid",
        "nn.Hardsigmoid",
        lambda _, g: g("HardSigmoid", g.x, alpha=1 / 6, beta=0.5),
        "relu6(x + 3) / 6: a sigmoid of straight lines.",
    ),
    Activation("hard_swish", "nn.Hardswish", _as("HardSwish"), "x * relu6(x + 3) / 6: a swish of straight lines."),
    Activation(
        "softplus",
        "nn.Softplus",
        _softplus_in_onnx,
        "log(1 + exp(beta * x)) / beta: a smooth ReLU.",
        (Param("beta", Kind.FLOAT, 1.0, minimum=1e-6, doc="The greater, the nearer to a ReLU."),),
        _softplus,
    ),
    Softmax("softmax", "softmax", "Softmax", "exp(x), divided by its sum along one axis."),
    Softmax("log_softmax", "log_softmax", "LogSoftmax", "The logarithm of softmax, without its loss of precision."),
)
