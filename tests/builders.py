"""Graphs made by hand, with the scopes and paths that the elaborator gives: for tests of what works on graphs.

make = Builder("tiny")
x = make.input(3, 32, 32)
with make.scope(ScopeKind.STAGE, "layer1", path="layer1"):
    x = make("conv", x, at="conv1", out_channels=8, kernel=3)
graph = make.done(x)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from resnetdsl.ir.graph import Graph, Output, ScopeKind, Source, Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import REQUIRED, Kind, Op
from resnetdsl.ops.registry import OPS


def complete(op: Op, given: dict[str, object]) -> dict[str, Value]:
    """The attributes of an op in the normalised form, defaults filled in."""
    attrs: dict[str, Value] = {}
    for param in op.params:
        value = given.pop(param.name, param.default)
        assert value is not REQUIRED, f"{op.name} needs {param.name}"
        if isinstance(value, int) and not isinstance(value, bool):
            if param.kind is Kind.SIZE:
                value = (value, value)
            elif param.kind is Kind.PADDING:
                value = (value,) * 4
            elif param.kind is Kind.FLOAT:
                value = float(value)
        attrs[param.name] = value  # type: ignore[assignment]
    assert not given, f"{op.name} has no {', '.join(given)}"
    return attrs


class Builder:
    """Appends nodes inside the scope that is open. Paths are given relative to it."""

    def __init__(self, name: str, doc: str = "") -> None:
        self.graph = Graph(name, doc)
        self.here = self.graph.add_scope(ScopeKind.NETWORK, name, "").id

    def input(self, channels: int, height: int, width: int) -> Source:
        kind = TensorType.image(channels, height, width)
        return Source(self.graph.add("input", {}, (), (kind,), "input", self.here).id)

    def __call__(self, op: str, *sources: Source, at: str, **given: object) -> Source:
        known = OPS[op]
        attrs = complete(known, dict(given))
        found = known.infer(attrs, tuple(map(self.graph.type, sources)))
        assert found.outputs is not None, (op, at, found.faults)
        assert not found.faults, (op, at, found.faults)
        return Source(self.graph.add(op, attrs, sources, found.outputs, self.path(at), self.here).id)

    def path(self, label: str) -> str:
        prefix = self.graph.scopes[self.here].path
        return f"{prefix}.{label}" if prefix and label else prefix or label

    @contextmanager
    def scope(
        self, kind: ScopeKind, name: str, at: str = "", index: int | None = None, count: int | None = None
    ) -> Iterator[None]:
        outer = self.here
        self.here = self.graph.add_scope(
            kind,
            name,
            self.path(at),
            outer,
            index=index,
            count=count,
            doc=f"What {name} is." if kind is ScopeKind.BLOCK else "",
        ).id
        yield
        self.here = outer

    def channels(self, x: Source) -> int:
        return self.graph.type(x).shape[0]

    def tap(self, name: str, x: Source) -> None:
        self.graph.outputs.append(Output(name, x))

    def done(self, x: Source) -> Graph:
        self.tap("output", x)
        return self.graph


def projection(make: Builder, x: Source, to: Source, at: str) -> Source:
    """Option B: identity where the shapes agree, a strided 1x1 convolution where not."""
    have, want = make.graph.type(x), make.graph.type(to)
    with make.scope(ScopeKind.SHORTCUT, "projection", at):
        if have == want:
            return make("identity", x, at="")
        stride = have.shape[1] // want.shape[1]
        y = make("conv", x, at="0", out_channels=want.shape[0], kernel=1, stride=stride)
        return make("batch_norm", y, at="1")


def basic(make: Builder, x: Source, width: int, stride: int) -> Source:
    with make.scope(ScopeKind.RESIDUAL, "residual"):
        y = make("conv", x, at="conv1", out_channels=width, kernel=3, stride=stride)
        y = make("relu", make("batch_norm", y, at="bn1"), at="2")
        y = make("conv", y, at="conv2", out_channels=width, kernel=3)
        y = make("batch_norm", y, at="bn2")
        y = make("add", y, projection(make, x, y, "downsample"), at="add")
    return make("relu", y, at="6")


def bottleneck(make: Builder, x: Source, width: int, stride: int) -> Source:
    with make.scope(ScopeKind.RESIDUAL, "residual"):
        y = make("conv", x, at="conv1", out_channels=width, kernel=1)
        y = make("relu", make("batch_norm", y, at="bn1"), at="2")
        y = make("conv", y, at="conv2", out_channels=width, kernel=3, stride=stride)
        y = make("relu", make("batch_norm", y, at="bn2"), at="5")
        y = make("conv", y, at="conv3", out_channels=4 * width, kernel=1)
        y = make("batch_norm", y, at="bn3")
        y = make("add", y, projection(make, x, y, "downsample"), at="add")
    return make("relu", y, at="9")


def se_bottleneck(make: Builder, x: Source, width: int, stride: int) -> Source:
    with make.scope(ScopeKind.RESIDUAL, "residual"):
        y = make("conv", x, at="conv1", out_channels=width, kernel=1)
        y = make("relu", make("batch_norm", y, at="bn1"), at="2")
        y = make("conv", y, at="conv2", out_channels=width, kernel=3, stride=stride)
        y = make("relu", make("batch_norm", y, at="bn2"), at="5")
        y = make("conv", y, at="conv3", out_channels=4 * width, kernel=1)
        y = make("batch_norm", y, at="bn3")
        with make.scope(ScopeKind.BLOCK, "se", "se"):
            z = make("global_avg_pool", y, at="0")
            z = make("relu", make("conv", z, at="fc1", out_channels=width // 4, kernel=1, bias=True), at="2")
            z = make("sigmoid", make("conv", z, at="fc2", out_channels=4 * width, kernel=1, bias=True), at="4")
            y = make("multiply", y, z, at="multiply")
        y = make("add", y, projection(make, x, y, "downsample"), at="add")
    return make("relu", y, at="9")


def preact_basic(make: Builder, x: Source, width: int, stride: int) -> Source:
    pre = make("relu", make("batch_norm", x, at="bn1"), at="1")
    y = make("conv", pre, at="conv1", out_channels=width, kernel=3, stride=stride)
    y = make("relu", make("batch_norm", y, at="bn2"), at="4")
    y = make("conv", y, at="conv2", out_channels=width, kernel=3)
    if make.graph.type(x) == make.graph.type(y):
        return make("add", y, x, at="add")
    with make.scope(ScopeKind.SHORTCUT, "projection", "downsample"):
        short = make("conv", pre, at="0", out_channels=width, kernel=1, stride=stride)
    return make("add", y, short, at="add")


Block = Callable[[Builder, Source, int, int], Source]


def resnet(
    name: str,
    block: Block,
    depths: tuple[int, ...],
    size: int = 224,
    classes: int = 1000,
    doc: str = "Deep residual learning.",
    taps: bool = False,
    slim: bool = False,
) -> Graph:
    """Table 1 of He et al., 2015, stride on the 3x3 as torchvision has it.

    `slim` strides in the last block of a stage instead of the first of the next, as TF-Slim does.
    """
    make = Builder(name, doc)
    x = make.input(3, size, size)
    with make.scope(ScopeKind.STEM, "stem"):
        x = make("conv", x, at="conv1", out_channels=64, kernel=7, stride=2)
        x = make("relu", make("batch_norm", x, at="bn1"), at="2")
        x = make("max_pool", x, at="3", kernel=3, stride=2, pad=1)
    for i, count in enumerate(depths):
        with make.scope(ScopeKind.STAGE, f"layer{i + 1}", f"layer{i + 1}"):
            for j in range(count):
                with make.scope(ScopeKind.BLOCK, block.__name__, str(j), j, count):
                    strided = (i < len(depths) - 1 and j == count - 1) if slim else (i > 0 and j == 0)
                    x = block(make, x, 64 * 2**i, 2 if strided else 1)
        if taps:
            make.tap(f"c{i + 2}", x)
    with make.scope(ScopeKind.HEAD, "head"):
        x = make("global_avg_pool", x, at="pool")
        x = make("flatten", x, at="flatten")
        x = make("linear", x, at="fc", out_features=classes)
    return make.done(x)


def resnet18(**more: object) -> Graph:
    return resnet("resnet18", basic, (2, 2, 2, 2), **more)  # type: ignore[arg-type]


def resnet50(**more: object) -> Graph:
    return resnet("resnet50", bottleneck, (3, 4, 6, 3), **more)  # type: ignore[arg-type]


def resnet152(**more: object) -> Graph:
    return resnet("resnet152", bottleneck, (3, 8, 36, 3), **more)  # type: ignore[arg-type]


def cifar_resnet(n: int) -> Graph:
    """6n + 2 layers for 32x32 images, section 4.2."""
    make = Builder(f"cifar_resnet{6 * n + 2}")
    x = make.input(3, 32, 32)
    with make.scope(ScopeKind.STEM, "stem"):
        x = make("conv", x, at="conv1", out_channels=16, kernel=3)
        x = make("relu", make("batch_norm", x, at="bn1"), at="2")
    for i in range(3):
        with make.scope(ScopeKind.STAGE, f"layer{i + 1}", f"layer{i + 1}"):
            for j in range(n):
                with make.scope(ScopeKind.BLOCK, "basic", str(j), j, n):
                    x = basic(make, x, 16 * 2**i, 2 if i > 0 and j == 0 else 1)
    with make.scope(ScopeKind.HEAD, "head"):
        x = make("flatten", make("global_avg_pool", x, at="pool"), at="flatten")
        x = make("linear", x, at="fc", out_features=10)
    return make.done(x)


def densenet(depths: tuple[int, ...] = (2, 3), growth: int = 8, size: int = 32) -> Graph:
    """Each layer reads all before it: a list of tensors and a concat."""
    make = Builder("densenet")
    x = make.input(3, size, size)
    x = make("conv", x, at="conv0", out_channels=2 * growth, kernel=3)
    for i, count in enumerate(depths):
        with make.scope(ScopeKind.STAGE, f"denseblock{i + 1}", f"denseblock{i + 1}"):
            features = [x]
            for j in range(count):
                with make.scope(ScopeKind.BLOCK, "dense_layer", f"denselayer{j + 1}", j, count):
                    y = make("concat", *features, at="concat") if len(features) > 1 else features[0]
                    y = make("relu", make("batch_norm", y, at="norm1"), at="1")
                    y = make("conv", y, at="conv1", out_channels=growth, kernel=3)
                    features.append(y)
            x = make("concat", *features, at="concat")
        if i + 1 < len(depths):
            with make.scope(ScopeKind.STAGE, f"transition{i + 1}", f"transition{i + 1}"):
                x = make("conv", x, at="conv", out_channels=make.channels(x) // 2, kernel=1)
                x = make("avg_pool", x, at="pool", kernel=2)
    with make.scope(ScopeKind.HEAD, "head"):
        x = make("flatten", make("global_avg_pool", x, at="pool"), at="flatten")
        x = make("linear", x, at="classifier", out_features=10)
    return make.done(x)


def vgg16() -> Graph:
    make = Builder("vgg16")
    x = make.input(3, 224, 224)
    number = 0
    with make.scope(ScopeKind.GROUP, "features", "features"):
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                x = make("conv", x, at=str(number), out_channels=width, kernel=3, bias=True)
                x = make("relu", x, at=str(number + 1))
                number += 2
            x = make("max_pool", x, at=str(number), kernel=2)
            number += 1
    make.tap("features", x)
    with make.scope(ScopeKind.GROUP, "classifier", "classifier"):
        x = make("flatten", x, at="flatten")
        for number, width in ((0, 4096), (3, 4096)):
            x = make("linear", x, at=str(number), out_features=width)
            x = make("dropout", make("relu", x, at=str(number + 1)), at=str(number + 2))
        x = make("linear", x, at="6", out_features=1000)
    return make.done(x)
