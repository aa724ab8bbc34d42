"""Random specs that use every construct of the language, well-typed more often than not.

The generator asks a `Choices` for everything, so that hypothesis can drive it and shrink what it finds, and a plain
seeded `random.Random` can make tens of thousands in the slow suite.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")

PADS = ("0", "1", "2", '"same"', "[0, 1, 0, 1]")
SHORTCUTS = ("", "(projection)", "(identity)")
WINDOWS = ("2", "3, 2, 1", "3, stride = 2, pad = 1, ceil = true", "3, 1, 1")
SCALES = ("2", '2, mode = "bilinear"', "scale = 0.5")


class Choices(Protocol):
    def number(self, low: int, high: int) -> int: ...


@dataclass
class Seeded:
    """Choices by a seeded generator."""

    random: random.Random

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)


@dataclass
class Generator:
    """Writes one spec. `depth` bounds nesting; `names` are the tensors in reach by name."""

    choices: Choices
    lines: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    multi: list[str] = field(default_factory=list)
    labels: int = 0

    def pick(self, options: Sequence[T]) -> T:
        return options[self.choices.number(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.choices.number(1, 100) <= percent

    def spec(self) -> str:
        for i in range(self.choices.number(0, 3)):
            self.definition(f"b{i}")
        if self.chance(30):
            self.function()
        self.network()
        return "\n".join(self.lines) + "\n"

    def label(self) -> str:
        """A fresh label; now and then one that is taken, dotted, templated or unfit."""
        self.labels += 1
        if self.chance(4):
            return self.pick(("a1", "class", "forward", '"9x"', '"a b"', '"x.y"', "__init__"))
        return self.pick((f"a{self.labels}", f"a{self.labels}", f'"g.m{self.labels}"', f"t{{{self.labels} + 1}}"))

    # --- definitions ---

    def definition(self, name: str) -> None:
        """A block of one input and one output, often a residual; or one of two inputs and outputs."""
        if self.chance(15):
            self.lines += [f"block {name}2 {{", "    in p, q", *self.body(2, "    ", ("p", "q")), "    out p, q", "}"]
            self.multi.append(f"{name}2")
            return
        kind = self.pick(("plain", "residual", "gate", "recursive"))
        self.lines.append(f"block {name}(width = 8, stride = 1, act = relu, norm = batch_norm, k = 2) {{")
        match kind:
            case "residual":
                shortcut = self.pick(("", "(identity)", "(projection)", "(s: projection)", "(none)", "(dropout(0.1))"))
                self.lines.append(f"    residual{shortcut} {{")
                self.lines.append(f"        {self.label()}: conv(width, 3x3, stride = stride) -> norm -> act")
                self.lines += self.body(1, "        ")
                self.lines += [self.pick(("        conv(width, 1x1) -> norm", "        conv(x.channels, 1x1) -> norm"))]
                self.lines += ["    }", "    act"]
            case "gate":
                self.lines.append("    conv(width, 1x1, stride = stride) -> norm -> act")
                self.lines.append(
                    "    identity * (global_avg_pool -> conv(max(width / 4, 2), 1x1, bias = true) -> act"
                    " -> conv(width, 1x1) -> sigmoid)"
                )
            case "recursive":
                self.lines += [
                    "    if k > 0 {",
                    f"        {name}(width, stride, act, norm, k - 1)",
                    "    }",
                    "    else {",
                ]
                self.lines += ["        conv(width, 3x3) -> norm", "    }"]
            case _:
                self.lines.append("    conv(width, 3x3, stride = stride) -> norm -> act")
                self.lines += self.body(2, "    ")
        self.lines.append("}")
        self.blocks.append(name)

    def function(self) -> None:
        self.lines.append(
            self.pick(("let f = (a, b) => a * 2 + b", "let f = (a, b) => max(a, b)", "let f = (a, b) => a / b"))
        )
        self.lines.append(
            self.pick(("let w = f(4, 8)", "let ws = [f(8, v) for v in 1..4 if v != 2]", "let w = len([8] * 3)"))
        )

    def network(self) -> None:
        side = self.pick((8, 9, 16, 17, 33))
        self.lines.append(f"network net(width = {self.pick((8, 8, 16, 12))}, classes = 10) {{")
        if self.chance(10):
            self.lines.append(f"    input 3, {side}..{side + 8} step 4, {side}..{side + 8} step 4")
        else:
            self.lines.append(f"    input {self.pick((3, 3, 1, 8))}x{side}x{self.pick((side, side, side + 1))}")
        self.lines += ["    stem {", "        conv1: conv(width, 3x3) -> bn1: batch_norm -> relu", "    }"]
        for i in range(self.choices.number(0, 3)):
            self.lines.append(f"    stage s{i}: {self.repeat()}")
            if self.chance(20):
                self.lines.append(f"    tap c{i}")
        self.lines += self.body(3, "    ")
        if self.chance(60):
            self.lines += ["    head {", "        global_avg_pool", "        fc: linear(classes)", "    }"]
        if self.chance(15):
            self.lines.append(f"    expect {self.pick(('params > 10', 'macs == 4.1G', 'depth < 400', 'output == 10'))}")
        self.lines.append("}")

    def repeat(self) -> str:
        count = self.pick(("1", "2", "3", "2", "0"))
        stride = self.pick(("2 if first else 1", "1", "2", "1 + index % 2"))
        if self.blocks and self.chance(70):
            return f"{count} * {self.pick(self.blocks)}(width * {self.pick((1, 2, 1))}, {stride})"
        if self.chance(30):
            return f"{count} * residual {{ {self.layer()} -> conv(x.channels, 1x1) }}"
        return f"{count} * ({self.layer()} -> {self.layer()})"

    # --- bodies ---

    def body(self, most: int, indent: str, tensors: tuple[str, ...] = ("x",)) -> list[str]:
        """Some lines on the running tensor, or on the named tensors of a block with several inputs."""
        found: list[str] = []
        for _ in range(self.choices.number(0, most)):
            found += self.statement(indent, tensors)
        return found

    def statement(self, indent: str, tensors: tuple[str, ...]) -> list[str]:
        if tensors != ("x",):
            name = self.pick(tensors)
            return [f"{indent}let {name} = {self.pick(tensors)} -> {self.layer()}"]
        self.labels += 1
        n = self.labels
        options: tuple[Callable[[], list[str]], ...] = (
            lambda: [f"{indent}{self.layer()}"],
            lambda: [f"{indent}{self.label()}: {self.layer()} -> {self.layer()}"],
            lambda: [f"{indent}{self.repeat()}"],
            lambda: [f"{indent}let t{n} = {self.layer()}", f"{indent}t{n} + t{n}"],
            lambda: [f"{indent}let t{n} = shared {self.layer()}", f"{indent}t{n}", f"{indent}t{n}"],
            lambda: [f"{indent}{self.operator()}"],
            lambda: [
                f"{indent}for i, v in [8, 16, {self.pick((8, 16, 10))}] {{",
                f"{indent}    c{n}_{{i}}: conv(v, 3x3)",
                f"{indent}}}",
            ],
            lambda: [
                f"{indent}if {self.condition()} {{",
                f"{indent}    {self.layer()}",
                f"{indent}}} else {{",
                f"{indent}    {self.layer()}",
                f"{indent}}}",
            ],
            lambda: [f"{indent}concat({self.layer()}, {self.layer()})"],
            lambda: [f"{indent}identity -> {{ {self.layer()} }}"],
            lambda: [f"{indent}(t => {self.tensor('t')})"],
            lambda: self.carry(indent, n),
            lambda: [
                f"{indent}split(parts = 2) -> concat"
                if self.chance(50)
                else f"{indent}identity -> (s => s[0..4] -> relu)"
            ],
            lambda: [f"{indent}residual{self.pick(SHORTCUTS)} {{ {self.layer()} -> {self.layer()} }}"],
            lambda: self.several(indent, n),
            lambda: self.newer(indent, n),
        )
        return self.pick(options)()

    def newer(self, indent: str, n: int) -> list[str]:
        """Names for the running tensor, demands, weights in loops (read or not), taps inside of bodies."""
        return self.pick(
            (
                [f"{indent}let h{n} = here", f"{indent}{self.layer()}", f"{indent}here + h{n}"],
                [f"{indent}let here = 8", f"{indent}conv(here, 1x1)"],
                [f'{indent}require here.channels % {self.pick((1, 2, 5))} == 0, "{{here.channels}} channels"'],
                [f"{indent}for i in 0..2 {{", f"{indent}    param w{n}_{{i}}[x.channels] = 0.5", f"{indent}}}"],
                [f"{indent}param w{n}[x.channels] = 0.5", f"{indent}here * w{n}"],
                [f"{indent}identity -> {{ tap q{n}", f"{indent}    {self.layer()} }}"],
                [
                    f"{indent}let g{n} = shared {{ param w[x.channels] = 1",
                    f"{indent}    w * x }}",
                    f"{indent}g{n} -> g{n}",
                ],
            )
        )

    def carry(self, indent: str, n: int) -> list[str]:
        """A fold: a name from outside the loop is bound again inside it."""
        if self.chance(50):
            return [
                f"{indent}let total{n} = 0",
                f"{indent}for v in 1..4 {{",
                f"{indent}    let total{n} = total{n} + v * {self.pick((2, 4))}",
                f"{indent}}}",
                f"{indent}conv(total{n}, 1x1)",
            ]
        return [
            f"{indent}let layers{n} = [conv(v, 1x1) for v in [8, 8, {self.pick((8, 12))}]]",
            f"{indent}sum(layers{n})",
        ]

    def several(self, indent: str, n: int) -> list[str]:
        if not self.multi:
            return [f"{indent}(s => [s, s -> relu] -> maximum)"]
        return [f"{indent}identity -> (s => [s, s -> relu] -> {self.pick(self.multi)})", f"{indent}concat"]

    def condition(self) -> str:
        return self.pick(
            ("true", "1 < 2 and not false", "len([1, 2]) == 3", "divisible(9, 8) == 8", "2 % 2 == 0 or false")
        )

    def tensor(self, x: str) -> str:
        """Arithmetic on a tensor."""
        return self.pick(
            (
                f"{x} * 0.5",
                f"1 - {x}",
                f"{x} + ({x} -> sigmoid)",
                f"{x} * ({x} -> global_avg_pool -> sigmoid)",
                f"({x} -> relu) ^ 2",
                f"{x} / 3",
                f"-{x}",
                f"{x}[0..{self.pick((2, 4, 8))}]",
            )
        )

    def operator(self) -> str:
        """Layers joined by operators."""
        a, b = self.layer(), self.layer()
        return self.pick(
            (f"{a} + identity", "identity * sigmoid", f"{a} + {b}", f"identity - {a}", "1 - sigmoid", "relu * 0.3")
        )

    def layer(self) -> str:
        """One layer: mostly one that keeps the shape."""
        if self.blocks and self.chance(15):
            return f"{self.pick(self.blocks)}({self.width()})"
        return self.pick(
            (
                "relu",
                "batch_norm",
                self.pick(
                    ("gelu", "silu", "hard_swish", "prelu", "leaky_relu(0.2)", "softmax", "tanh", "mish", "softplus")
                ),
                f"conv({self.width()}, {self.pick(('3x3', '1x1', '5', '1x3', '2x2', '7x7'))})",
                f"conv({self.width()}, 3x3, stride = {self.pick(('1', '2', '2x1'))}, bias = true)",
                f"conv({self.width()}, 3x3, groups = {self.pick(('2', '4', 'x.channels', '3'))})",
                f"conv({self.width()}, 3x3, pad = {self.pick(PADS)}, dilation = {self.pick(('1', '2'))})",
                f"{self.pick(('max_pool', 'avg_pool'))}({self.pick(WINDOWS)})",
                self.pick(
                    (
                        "dropout(0.2)",
                        "drop_path(0.1)",
                        "scale",
                        "layer_norm",
                        "group_norm(4)",
                        "instance_norm",
                        "blur_pool",
                    )
                ),
                f"upsample({self.pick(SCALES)})",
                f"pad_channels(0, {self.pick(('4', '8'))})",
                "channel_shuffle(2)",
                'permute("hwc") -> layer_norm -> permute("chw")',
                "std_conv(8, 3x3)",
                "identity",
                self.pick(
                    (
                        "global_avg_pool",
                        "flatten",
                        "linear(8)",
                        "conv(8)",
                        "foo",
                        "conv(8.5, 3x3)",
                        "pixel_shuffle(2)",
                        "none",
                    )
                ),
            )
        )

    def width(self) -> str:
        return self.pick(
            (
                "8",
                "16",
                "x.channels",
                "x.channels",
                "x.channels",
                "width",
                "x.channels / 2",
                "divisible(x.channels * 0.75)",
            )
        )


def generate(seed: int) -> str:
    """The spec of a seed."""
    return Generator(Seeded(random.Random(seed))).spec()
