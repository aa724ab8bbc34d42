"""Norms. Leaf names, order and defaults are torch's, or timm's where torch has no such module."""

from __future__ import annotations

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, integer, number
from resnetdsl.ops.axes import bad_combination, needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Fault, Inference, InitCall, Kind, Module, Op, Param, Types, Weight
from resnetdsl.ops.onnx import Onnx

Keywords = tuple[tuple[str, Value], ...]


def _eps(default: float) -> Param:
    return Param("eps", Kind.FLOAT, default, minimum=0.0, maximum=1.0, doc="What is added to the variance.")


def _affine(default: bool) -> Param:
    return Param("affine", Kind.BOOL, default, doc="Whether a learned factor (and shift) for each channel follows.")


_INIT = Param(
    "init", Kind.FLOAT, 1.0, doc="What the learned factor starts as; 0 makes a residual branch start as nothing."
)


class Norm(Op):
    """What all norms share: the type stays, each channel may have a factor and a shift."""

    shift = True
    """Whether there is a bias beside the weight."""

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        faults = self.faults(attrs, inputs[0])
        return Inference(inputs, faults or needs_batch(self.name, inputs[0]))

    def faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        """What is wrong with this input."""
        return ()

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        if not flag(attrs, "affine"):
            return ()
        shape = (self.channels(inputs),)
        return (Weight("weight", shape), Weight("bias", shape)) if self.shift else (Weight("weight", shape),)

    def initialise(self, attrs: Attrs) -> tuple[InitCall, ...]:
        if not flag(attrs, "affine") or attrs["init"] == 1.0:
            return ()
        return (InitCall("weight", "constant_", (("val", number(attrs, "init")),)),)

    @staticmethod
    def channels(inputs: Types) -> int:
        return inputs[0].size("c") or 0

    def keywords(self, attrs: Attrs, affine: str, module_eps: float, module_affine: bool = True) -> Keywords:
        """The keyword arguments that differ from the module's own defaults."""
        eps, own = number(attrs, "eps"), flag(attrs, "affine")
        words: Keywords = (("eps", eps),) if eps != module_eps else ()
        return (*words, (affine, own)) if own != module_affine else words

    def onnx_affine(self, attrs: Attrs, inputs: Types, g: Onnx) -> tuple[str, str]:
        """Factor and shift of each channel; ones and zeros where the norm has none of its own."""
        if flag(attrs, "affine"):
            return g.weight("weight"), g.weight("bias")
        count = self.channels(inputs)
        return g.floats([1.0] * count), g.floats([0.0] * count)


class BatchNorm(Norm):
    name = "batch_norm"
    doc = "Each channel by its mean and variance over the batch, and by their running averages once trained."
    params = (
        _eps(1e-5),
        Param("momentum", Kind.FLOAT, 0.1, minimum=0.0, maximum=1.0, doc="The share of a new batch in the averages."),
        _affine(True),
        _INIT,
    )

    def faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        if x.axes not in {"chw", "c"}:
            return (wrong_layout(self.name, "chw or c", x),)
        if number(attrs, "eps") == 0:
            return (bad_combination("torch trains no `batch_norm` whose `eps` is 0", "eps"),)
        return ()

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        shape = (self.channels(inputs),)
        return (
            *super().weights(attrs, inputs),
            Weight("running_mean", shape, trainable=False),
            Weight("running_var", shape, trainable=False),
            Weight("num_batches_tracked", (), trainable=False, dtype="int64"),
        )

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        momentum = number(attrs, "momentum")
        keywords = self.keywords(attrs, "affine", 1e-5)
        if momentum != 0.1:
            keywords = (*keywords, ("momentum", momentum))
        target = "nn.BatchNorm2d" if inputs[0].is_image else "nn.BatchNorm1d"
        return Module(target, (self.channels(inputs),), keywords)

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        factor, shift = self.onnx_affine(attrs, inputs, g)
        statistics = (g.weight("running_mean"), g.weight("running_var"))
        return g("BatchNormalization", g.x, factor, shift, *statistics, epsilon=number(attrs, "eps"))


class LayerNorm(Norm):
    name = "layer_norm"
    doc = "The channels at each place by their mean and variance."
    params = (_eps(1e-6), _affine(True), _INIT)

    def faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        if x.is_image or x.axes.endswith("c"):
            return ()
        return (wrong_layout(self.name, "chw, or channels last", x),)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        channels = (self.channels(inputs),)
        if inputs[0].is_image:
            return Module("LayerNorm2d", channels, self.keywords(attrs, "elementwise_affine", 1e-6), "layer_norm_2d")
        return Module("nn.LayerNorm", channels, self.keywords(attrs, "elementwise_affine", 1e-5))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        image = inputs[0].is_image
        x = g("Transpose", g.x, perm=(0, 2, 3, 1)) if image else g.x
        affine = self.onnx_affine(attrs, inputs, g)
        x = g("LayerNormalization", x, *affine, axis=-1, epsilon=number(attrs, "eps"))
        return g("Transpose", x, perm=(0, 3, 1, 2)) if image else x


class RmsNorm(Norm):
    name = "rms_norm"
    doc = "The channels at each place by the root of their mean square: layer norm without the mean."
    params = (_eps(1e-6), _affine(True), _INIT)
    shift = False

    def faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        if x.is_image or x.axes.endswith("c"):
            return ()
        return (wrong_layout(self.name, "chw, or channels last", x),)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        channels = (self.channels(inputs),)
        if inputs[0].is_image:
            return Module("RmsNorm2d", channels, self.keywords(attrs, "affine", 1e-6), "rms_norm_2d")
        # nn.RMSNorm takes the type's own epsilon where none is given, so it is always given.
        return Module("nn.RMSNorm", channels, self.keywords(attrs, "elementwise_affine", -1.0))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        image = inputs[0].is_image
        axis = g.ints(1 if image else -1)
        mean = g("ReduceMean", g("Mul", g.x, g.x), axis, keepdims=1)
        x = g("Div", g.x, g("Sqrt", g("Add", mean, g.number(number(attrs, "eps")))))
        if not flag(attrs, "affine"):
            return x
        return g("Mul", x, g.insert(g.weight("weight"), (1, 2) if image else ()))


class GroupNorm(Norm):
    name = "group_norm"
    doc = "Groups of channels by their mean and variance over the whole plane (Wu and He, 2018)."
    params = (
        Param("groups", Kind.INT, 32, minimum=1, doc="How many groups; 1 normalises all channels together."),
        _eps(1e-5),
        _affine(True),
        _INIT,
        Param("group_size", Kind.INT, None, minimum=1, doc="The channels of a group, where that is given instead."),
    )

    def faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        if not x.axes.startswith("c"):
            return (wrong_layout(self.name, "chw or c", x),)
        said = "groups" if attrs["group_size"] is None else "group_size"
        groups = self.groups(attrs, x)
        if said == "group_size" and x.shape[0] % integer(attrs, said):
            data = {"what": "the number of channels", "value": x.shape[0], "by": integer(attrs, said)}
            return (Fault("E0316", data, said),)
        if x.shape[0] % groups:
            return (Fault("E0303", {"channels": x.shape[0], "groups": groups, "which": "input"}, said),)
        if x.numel == groups:
            return (bad_combination("each group holds a single value, which its norm makes zero", said),)
        return ()

    @staticmethod
    def groups(attrs: Attrs, x: TensorType) -> int:
        """How many groups, told by their number or their size."""
        if attrs["group_size"] is None:
            return integer(attrs, "groups")
        return max(1, x.shape[0] // integer(attrs, "group_size"))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        args = (self.groups(attrs, inputs[0]), self.channels(inputs))
        return Module("nn.GroupNorm", args, self.keywords(attrs, "affine", 1e-5))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        """The instance norm of each group as one long row, in its own shape again, times factor plus shift."""
        (x,) = inputs
        groups, rest = self.groups(attrs, x), range(1, len(x.axes))
        row = g.reshape(g.x, 0, groups, -1)
        ones, zeros = g.floats([1.0] * groups), g.floats([0.0] * groups)
        row = g("InstanceNormalization", row, ones, zeros, epsilon=number(attrs, "eps"))
        result = g("Reshape", row, g.shape(g.x))
        if not flag(attrs, "affine"):
            return result
        factor, shift = (g.insert(g.weight(name), rest) for name in ("weight", "bias"))
        return g("Add", g("Mul", result, factor), shift)


class InstanceNorm(Norm):
    name = "instance_norm"
    doc = "Each channel of each image by its mean and variance over the plane."
    params = (_eps(1e-5), _affine(False), _INIT)

    def faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        if not x.is_image:
            return (wrong_layout(self.name, "chw", x),)
        if x.shape[1] * x.shape[2] == 1:
            return (bad_combination("the plane holds a single value, which its norm makes zero"),)
        return ()

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Module("nn.InstanceNorm2d", (self.channels(inputs),), self.keywords(attrs, "affine", 1e-5, False))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        affine = self.onnx_affine(attrs, inputs, g)
        return g("InstanceNormalization", g.x, *affine, epsilon=number(attrs, "eps"))


OPS = (BatchNorm(), LayerNorm(), GroupNorm(), InstanceNorm(), RmsNorm())
