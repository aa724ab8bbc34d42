"""Activations: elementwise functions with a name, each of torch's module of that name, and softmax."""

from __future__ import annotations

from collections.abc import Callable

from resnetdsl.ir.graph import Value
from resnetdsl.ops.attrs import flag, number, text
from resnetdsl.ops.axes import dim, letter, no_such_axis, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Expression, Inference, Kind, Module, Op, Param, Types, Weight, Window

Keywords = tuple[tuple[str, Value], ...]


def _none(_: Attrs) -> Keywords:
    return ()


class Activation(Op):
    """One of torch's activation modules without weights.

    Never in place: whether the argument is needed again is for a compiler to find out, and it does.
    """

    def __init__(
        self,
        name: str,
        target: str,
        doc: str,
        params: tuple[Param, ...] = (),
        keywords: Callable[[Attrs], Keywords] = _none,
    ) -> None:
        self.name = name
        self.doc = doc
        self.params = params
        self._target = target
        self._keywords = keywords

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        return Inference(inputs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Module(self._target, (), self._keywords(attrs))


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

    @staticmethod
    def _slopes(attrs: Attrs, inputs: Types) -> int:
        return inputs[0].shape[0] if flag(attrs, "per_channel") else 1


class Softmax(Op):
    """Softmax or its logarithm along one axis."""

    params = (Param("axis", Kind.TEXT, "c", doc="The axis along which the results add up to one: c, h, w, n or ?."),)

    def __init__(self, name: str, function: str, doc: str) -> None:
        self.name = name
        self.doc = doc
        self._function = function

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


def _slope(attrs: Attrs) -> Keywords:
    return (("negative_slope", number(attrs, "slope")),) if attrs["slope"] != 0.01 else ()


def _alpha(attrs: Attrs) -> Keywords:
    return (("alpha", number(attrs, "alpha")),) if attrs["alpha"] != 1.0 else ()


def _approximate(attrs: Attrs) -> Keywords:
    return (("approximate", text(attrs, "approximate")),) if attrs["approximate"] != "none" else ()


def _softplus(attrs: Attrs) -> Keywords:
    return (("beta", number(attrs, "beta")),) if attrs["beta"] != 1.0 else ()


OPS = (
    Activation("relu", "nn.ReLU", "max(0, x)."),
    Activation("relu6", "nn.ReLU6", "min(max(0, x), 6)."),
    Activation(
        "leaky_relu",
        "nn.LeakyReLU",
        "x where it is positive, slope * x elsewhere.",
        (Param("slope", Kind.FLOAT, 0.01, doc="The factor of what is negative."),),
        _slope,
    ),
    PRelu(),
    Activation(
        "elu",
        "nn.ELU",
        "x where it is positive, alpha * (exp(x) - 1) elsewhere.",
        (Param("alpha", Kind.FLOAT, 1.0, doc="Minus the limit for what is very negative."),),
        _alpha,
    ),
    Activation("selu", "nn.SELU", "A scaled ELU whose constants keep mean and variance (Klambauer et al., 2017)."),
    Activation(
        "gelu",
        "nn.GELU",
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
    Activation("silu", "nn.SiLU", "x * sigmoid(x), also called swish."),
    Activation("mish", "nn.Mish", "x * tanh(softplus(x))."),
    Activation("sigmoid", "nn.Sigmoid", "1 / (1 + exp(-x)): what gates are made with."),
    Activation("tanh", "nn.Tanh", "The hyperbolic tangent."),
    Activation("hard_sigmoid", "nn.Hardsigmoid", "relu6(x + 3) / 6: a sigmoid of straight lines."),
    Activation("hard_swish", "nn.Hardswish", "x * relu6(x + 3) / 6: a swish of straight lines."),
    Activation(
        "softplus",
        "nn.Softplus",
        "log(1 + exp(beta * x)) / beta: a smooth ReLU.",
        (Param("beta", Kind.FLOAT, 1.0, minimum=1e-6, doc="The greater, the nearer to a ReLU."),),
        _softplus,
    ),
    Softmax("softmax", "softmax", "exp(x), divided by its sum along one axis."),
    Softmax("log_softmax", "log_softmax", "The logarithm of softmax, without its loss of precision."),
)
