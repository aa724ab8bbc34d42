"""The networks of the papers that no library ships, written by hand in PyTorch as their well-known ports are.

Nothing here comes from resnetdsl. The names of the layers are those of the specs, so that weights go over by name.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv3x3(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False)


def option_a(x: Tensor, channels: int, stride: int) -> Tensor:
    """Every second pixel, and zeros behind the channels (He et al., 2015, section 3.3)."""
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, channels - x.shape[1]))


# --- shortcuts of He et al., 2016, table 1 ---------------------------------------------------------


class OptionA(nn.Module):
    """Identity, or option A where the shape changes. What F becomes is up to the subclasses."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.after, self.stride = after, stride

    def match(self, x: Tensor) -> Tensor:
        return option_a(x, self.after, self.stride)

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return self.match(x) + branch


class Nothing(OptionA):
    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return branch


class Half(OptionA):
    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return 0.5 * self.match(x) + branch


class HalfOfBoth(OptionA):
    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return 0.5 * self.match(x) + 0.5 * branch


class Gate(OptionA):
    """g(x) = sigmoid(W x + b) as a 1x1 convolution; the bias starts at -6."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__(before, after, stride)
        self.gate_bias = nn.Parameter(torch.full((after,), -6.0))
        self.gate = nn.Conv2d(after, after, kernel_size=1, bias=False)

    def g(self, x: Tensor) -> Tensor:
        return torch.sigmoid(F.conv2d(self.match(x), self.gate.weight, self.gate_bias))


class ShortcutGate(Gate):
    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return (1 - self.g(x)) * self.match(x) + branch


class ExclusiveGate(Gate):
    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        g = self.g(x)
        return (1 - g) * self.match(x) + g * branch


class Conv1x1(OptionA):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__(before, after, stride)
        self.add_module("0", nn.Conv2d(before, after, kernel_size=1, stride=stride, bias=False))

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return self.get_submodule("0")(x) + branch


class Dropped(OptionA):
    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return F.dropout(self.match(x), 0.5, self.training) + branch


# --- units ------------------------------------------------------------------------------------------

Unit = Callable[[int, int, int], nn.Module]


class Original(nn.Module):
    """Figure 4a: weights, norm, activation, weights, norm, addition, activation."""

    def __init__(self, before: int, after: int, stride: int, shortcut: type[OptionA] = OptionA) -> None:
        super().__init__()
        self.conv1 = conv3x3(before, after, stride)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = conv3x3(after, after)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = shortcut(before, after, stride)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(self.downsample(x, branch))


class BNAfterAddition(Original):
    """Figure 4b."""

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv2(F.relu(self.bn1(self.conv1(x))))
        return F.relu(self.bn2(self.downsample(x, branch)))


class ReLUBeforeAddition(Original):
    """Figure 4c."""

    def forward(self, x: Tensor) -> Tensor:
        branch = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return self.downsample(x, branch)


class ReLUOnlyPreactivation(Original):
    """Figure 4d."""

    def forward(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(F.relu(x))))))
        return self.downsample(x, branch)


class StochasticDepth(Original):
    """The branch survives with a probability of its own; expectation is kept while training."""

    survival = 1.0

    def forward(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.training:
            alive = branch.new_empty(len(x), 1, 1, 1).bernoulli_(self.survival)
            branch = branch * alive / self.survival
        return F.relu(self.downsample(x, branch))


class Preactivation(nn.Module):
    """Figure 4e with two 3x3; `common` puts the first norm and activation before the fork."""

    def __init__(self, before: int, after: int, stride: int, common: bool, project: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = conv3x3(before, after, stride)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv2 = conv3x3(after, after)
        self.common, self.dropout = common, dropout
        self.after, self.stride = after, stride
        self.downsample = nn.Sequential()
        if project and (before != after or stride != 1):
            self.downsample.append(nn.Conv2d(before, after, kernel_size=1, stride=stride, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        ready = F.relu(self.bn1(x))
        if self.common:
            x = ready
        out = F.relu(self.bn2(self.conv1(ready)))
        out = self.conv2(F.dropout(out, self.dropout, self.training))
        return out + (self.downsample(x) if len(self.downsample) else option_a(x, self.after, self.stride))


class PreactivationBottleneck(nn.Module):
    """As `bottleneck` of https://github.com/KaimingHe/resnet-1k-layers, resnet-pre-act.lua."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, width, kernel_size=1, stride=stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, kernel_size=1, bias=False)
        self.downsample = None
        if before != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(before, 4 * width, kernel_size=1, stride=stride, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        ready = F.relu(self.bn1(x))
        out = self.conv1(ready)
        out = self.conv2(F.relu(self.bn2(out)))
        out = self.conv3(F.relu(self.bn3(out)))
        return out + (x if self.downsample is None else self.downsample(ready))


# --- networks ---------------------------------------------------------------------------------------


class Cifar(nn.Module):
    """Three stages of n units for 32x32 images. `post` networks have norm and activation behind the first convolution,
    `pre` ones behind the last unit."""

    def __init__(
        self, n: int, unit: Unit, width: int = 16, expansion: int = 1, pre: bool = False, last: bool = False
    ) -> None:
        super().__init__()
        self.pre, self.last = pre, last
        self.conv1 = conv3x3(3, 16)
        if not pre:
            self.bn1 = nn.BatchNorm2d(16)
        channels = 16
        for stage in range(3):
            units = []
            for index in range(n):
                stride = 2 if stage > 0 and index == 0 else 1
                units.append(unit(channels, width * 2**stage, stride))
                channels = width * 2**stage * expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*units))
        if pre:
            self.bn1 = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        if not self.pre:
            x = F.relu(self.bn1(x))
        for stage in ("layer1", "layer2", "layer3"):
            x = self.get_submodule(stage)(x)
        if self.pre:
            x = F.relu(self.bn1(x))
        if self.last:
            x = F.relu(x)
        return self.fc(x.mean(dim=(2, 3)))


def cifar_resnet(
    n: int, shortcut: type[OptionA] = OptionA, unit: type[Original] = Original, last: bool = False
) -> Cifar:
    """6n + 2 layers with one of the shortcuts and one of the orders above."""
    return Cifar(n, lambda before, after, stride: unit(before, after, stride, shortcut), last=last)


def stochastic_resnet(n: int, rate: float = 0.5) -> Cifar:
    """p_l = 1 - l / L * (1 - p_L) with l from 1 (Huang et al., 2016, equation 4)."""
    network = cifar_resnet(n, unit=StochasticDepth)
    units = [part for part in network.modules() if isinstance(part, StochasticDepth)]
    for place, unit in enumerate(units, start=1):
        unit.survival = 1 - place / len(units) * rate
    return network


def preresnet(n: int) -> Cifar:
    """Two 3x3 a unit, option A. The very first unit's activation comes before its fork (section 4.1)."""
    built = []

    def unit(before: int, after: int, stride: int) -> nn.Module:
        built.append(1)
        return Preactivation(before, after, stride, common=len(built) == 1 or stride != 1, project=False)

    return Cifar(n, unit, pre=True)


def preresnet_bottleneck(n: int) -> Cifar:
    return Cifar(n, PreactivationBottleneck, expansion=4, pre=True)


def wide_resnet(depth: int, k: int, dropout_rate: float = 0.0) -> Cifar:
    """As in https://github.com/szagoruyko/wide-residual-networks: projections read the activated tensor."""

    def unit(before: int, after: int, stride: int) -> nn.Module:
        return Preactivation(before, after, stride, common=before != after, project=True, dropout=dropout_rate)

    return Cifar((depth - 4) // 6, unit, width=16 * k, pre=True)
