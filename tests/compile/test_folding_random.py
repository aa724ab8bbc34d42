"""Random networks of norms, factors and layers with whatever stands between them: lowered, they compute the same.

Tensors are read by several, layers are shared, outputs are anywhere: what passes take for granted is broken often.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
import torch

from resnetdsl.compile.lower.pipeline import PASSES, lower
from tests.compile.lowering import distance, network
from tests.compile.test_folding import unexplained

SIZES = (1, 5, 8)


@dataclass
class Writer:
    """Statements of a body; `tensors` are the names in reach, each with its channels and its side."""

    rng: random.Random
    lines: list[str] = field(default_factory=list)
    tensors: list[tuple[str, int, int]] = field(default_factory=lambda: [("x", 4, 8)])
    shared: list[tuple[str, int]] = field(default_factory=list)
    taps: int = 0

    def body(self, statements: int) -> str:
        self.lines += [
            f'param {name}{shape} = "normal"' for name, shape in (("u", "[4]"), ("v", "[4, 1, 1]"), ("s", ""))
        ]
        self.lines += ["let w = shared conv(4, 3x3)", "let b = shared batch_norm"]
        for _ in range(statements):
            self.statement()
        return "\n".join([*self.lines, f"{self.tensors[-1][0]} -> conv(3, 1x1)"])

    def statement(self) -> None:
        name, channels, side = self.rng.choice(self.tensors[-4:] if self.rng.random() < 0.25 else self.tensors[-1:])
        made = f"t{len(self.lines)}"
        match self.rng.randrange(12):
            case 0 | 1 | 9:
                found, (channels, side) = self.layer(channels, side)
                self.lines.append(f"let {made} = {name} -> {found}")
            case 2 | 3 | 4:
                self.lines.append(f"let {made} = {self.affine(name, channels)}")
            case 5 | 10 | 11:
                found, side = self.between(side)
                self.lines.append(f"let {made} = {name} -> {found}")
            case 6:
                other = self.rng.choice([each for each in self.tensors if each[1:] == (channels, side)])[0]
                self.lines.append(f"let {made} = {name} {self.rng.choice('++-*')} {other}")
            case 7:
                other, more, _ = self.rng.choice([each for each in self.tensors if each[2] == side])
                if channels + more > 16:
                    return
                self.lines.append(f"let {made} = concat({name}, {other})")
                channels += more
            case _:
                if side > 1 or self.rng.random() < 0.5:
                    self.taps += 1
                    self.lines.append(f"tap o{self.taps} = {name}")
                    return
                self.lines.append(f"let {made} = {name} * ({name} -> sigmoid)")
        self.tensors.append((made, channels, side))

    def layer(self, channels: int, side: int) -> tuple[str, tuple[int, int]]:
        out = self.rng.choice((channels, 4, 8))
        groups = self.rng.choice((1, 1, 2, channels)) if out % channels == 0 and channels % 2 == 0 else 1
        more = f"groups = {groups}, bias = {self.rng.choice(('true', 'false'))}"
        options = [
            (f"conv({out}, 1x1, {more})", (out, side)),
            (f"conv({out}, 3x3, {more})", (out, side)),
            (f"conv({out}, 3x3, dilation = 2, {more})", (out, side)),
            (f"std_conv({out}, 3x3, {more})", (out, side)),
            (f"scaled_std_conv({out}, 1x1, {more})", (out, side)),
            (f"conv_transpose({out}, 3x3, pad = 1, {more})", (out, side)),
            ('permute("hwc") -> linear(4) -> permute("chw")', (4, side)),
        ]
        if side > 4:
            options.append((f'conv({out}, 3x3, pad_mode = "reflect", {more})', (out, side)))
        if channels == 4:
            options.append(("w", (4, side)))
        return self.rng.choice(options)

    def affine(self, x: str, channels: int) -> str:
        options = [
            f"{x} -> batch_norm",
            f"{x} -> batch_norm",
            f"{x} -> batch_norm(affine = false, eps = 1e-3)",
            f"{x} -> scale",
            f"{x} * 0.5 + 1",
            f"1 - {x}",
            f"{x} / -2",
            f"{x} * s",
            f"{x} * -0.7",
            f"{x} * 0.7",
            f"s - {x}",
        ]
        if channels == 4:
            options += [f"{x} * u", f"v + {x}", f"{x} - exp(u)", f"{x} / (1 + square(v))", f"{x} -> b"]
        return self.rng.choice(options)

    def between(self, side: int) -> tuple[str, int]:
        same = [
            "relu",
            "relu6",
            "sigmoid",
            "leaky_relu(0.1)",
            "identity",
            "dropout(0.3)",
            'permute("hwc") -> permute("chw")',
        ]
        same += ["avg_pool(3, 1, 1)", "avg_pool(3, 1, 1, count_pad = false)", "max_pool(3, 1, 1)", "instance_norm"] * (
            side > 1
        )
        same += ["group_norm(2)", "blur_pool(stride = 1)", "channel_shuffle(2)"] * (side > 4)
        other = [("global_avg_pool", 1)] + [("avg_pool(2)", side // 2), ("upsample(2)", side * 2)] * (1 < side < 9)
        return self.rng.choice([(each, side) for each in same] * 2 + other)


def write(seed: int) -> str:
    rng = random.Random(seed)
    return Writer(rng).body(rng.randint(4, 14))


def holds(seed: int) -> None:
    net = network(write(seed), size="4x8x8")
    found = lower(net.checked)
    assert distance(net, found, torch.float64, seed=seed) < 1e-9
    assert unexplained(found) == []
    rng = random.Random(seed)
    without = rng.sample([each.name for each in PASSES], rng.randint(1, 4))
    assert distance(net, lower(net.checked, without), torch.float64, seed=seed) < 1e-9


@pytest.mark.parametrize("start", range(0, 120, 20))
def test_random_networks(start: int) -> None:
    for seed in range(start, start + 20):
        holds(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 7000, 250))
def test_many_random_networks(start: int) -> None:
    for seed in range(start, start + 250):
        holds(seed)


@pytest.mark.parametrize("body", ["(x + x) + conv(4, 1x1)(x)", "x + (conv(4, 3x3)(x) + x)"])
def test_a_tensor_that_is_summed_twice_counts_twice(body: str) -> None:
    net = network(f"let y = {body}\ny -> conv(3, 1x1)\n", size="4x8x8")
    assert distance(net, lower(net.checked), torch.float64, seed=1) < 1e-9
