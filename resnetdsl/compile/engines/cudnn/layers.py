"""A convolution with the sum and the activation behind it, in each of the ways in which libraries do it.

PyTorch's own way is a convolution, then kernels that go through memory again for bias, sum and activation.
cuDNN takes all three along where the activation is a ReLU. A convolution of 1x1 is a matrix product, and its library
takes a bias and a ReLU along. Which is the fastest depends on the layer, its sizes and the card, so it is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

from resnetdsl.compile.engines.schedule.kernels import ACTS
from resnetdsl.compile.engines.schedule.steps import Conv, Linear, Step

Run = Callable[..., Tensor]
"""Of the image and, where the layer has one, the summand."""

_WIDE = 8
"""Channels that tensor cores want a multiple of, in a type of 16 bits."""


class Way(Enum):
    """How a convolution is done."""

    PLAIN = "plain"
    """PyTorch's convolution, then its sum and activation in place."""
    FUSED = "fused"
    """cuDNN's convolution with bias, sum and ReLU in one."""
    PRODUCT = "product"
    """A matrix product over all pixels."""
    PLAIN_WIDE = "plain, wide"
    """The first two with zeros for more channels: the three of a picture fit no tensor core."""
    FUSED_WIDE = "fused, wide"


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution with its weights. `order` is that of images, in which `weight` lies too: a kernel of 1x1 lies in
    several at once, so that it cannot be asked.
    """

    conv: Conv
    weight: Tensor
    bias: Tensor | None
    order: torch.memory_format

    def ways(self) -> list[Way]:
        """Those that compute it. The first always does; of the others a library may have no kernel."""
        conv = self.conv
        relu = conv.act is not None and conv.act.name == "relu"
        wide = conv.groups == 1 and self.weight.shape[1] < _WIDE
        found = [Way.PLAIN]
        found += [Way.FUSED] if relu else []
        found += [Way.PRODUCT] if self._pixelwise else []
        found += [Way.PLAIN_WIDE] if wide else []
        found += [Way.FUSED_WIDE] if wide and relu else []
        return found

    def run(self, way: Way) -> Run:
        match way:
            case Way.PLAIN:
                return self._plain(self.weight, self._image)
            case Way.FUSED:
                return self._fused(self.weight, self._image)
            case Way.PRODUCT:
                return self._product()
            case Way.PLAIN_WIDE:
                return self._plain(self._widened(), self._wide)
            case Way.FUSED_WIDE:
                return self._fused(self._widened(), self._wide)

    def _plain(self, weight: Tensor, image: Callable[[Tensor], Tensor]) -> Run:
        conv, bias, finish = self.conv, self.bias, self._finish
        geometry = (conv.stride, conv.padding, conv.dilation, conv.groups)
        return lambda x, *summand: finish(F.conv2d(image(x), weight, bias, *geometry), *summand)

    def _fused(self, weight: Tensor, image: Callable[[Tensor], Tensor]) -> Run:
        conv = self.conv
        # Without one PyTorch fills one with zeros at each call.
        bias = weight.new_zeros(weight.shape[0]) if self.bias is None else self.bias
        geometry = (conv.stride, conv.padding, conv.dilation, conv.groups)
        if not conv.adds:
            relu = torch.ops.aten.cudnn_convolution_relu.default
            return lambda x: relu(image(x), weight, bias, *geometry)
        add_relu, order = torch.ops.aten.cudnn_convolution_add_relu.default, self.order
        # A summand that is part of a larger image is no operand for every kernel.
        return lambda x, y: add_relu(image(x), weight, y.contiguous(memory_format=order), 1.0, bias, *geometry)

    def _product(self) -> Run:
        columns, turned, bias, finish = self.weight.shape[1], self.weight.flatten(1).t(), self.bias, self._finish
        act = self.conv.act
        takes_relu = not self.conv.adds and act is not None and act.name == "relu"

        def product(x: Tensor, *summand: Tensor) -> Tensor:
            batch, _, height, width = x.shape
            rows = self._image(x).permute(0, 2, 3, 1).reshape(-1, columns)
            if bias is not None and takes_relu:
                made = torch._addmm_activation(bias, rows, turned)
            else:
                made = torch.mm(rows, turned) if bias is None else torch.addmm(bias, rows, turned)
            image = made.view(batch, height, width, -1).permute(0, 3, 1, 2)
            return image if bias is not None and takes_relu else finish(image, *summand)

        return product

    def _finish(self, made: Tensor, *summand: Tensor) -> Tensor:
        """What a library did not take along, in place."""
        if summand:
            made.add_(summand[0])
        return made if self.conv.act is None else ACTS[self.conv.act.name](self.conv.act)(made)

    def _image(self, x: Tensor) -> Tensor:
        padded = F.pad(x, self.conv.pad) if self.conv.pad else x
        return padded.contiguous(memory_format=self.order)

    def _wide(self, x: Tensor) -> Tensor:
        """With zeros for the channels that are missing; one copy, in whatever order the image comes."""
        batch, channels, height, width = x.shape
        size = (batch, _WIDE, height, width)
        wide = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=self.order).zero_()
        wide[:, :channels] = x
        return F.pad(wide, self.conv.pad) if self.conv.pad else wide

    def _widened(self) -> Tensor:
        more = _WIDE - self.weight.shape[1]
        return F.pad(self.weight, (0, 0, 0, 0, 0, more)).contiguous(memory_format=self.order)

    @property
    def _pixelwise(self) -> bool:
        """Whether each pixel, whose channels lie together, is a row of a matrix."""
        conv = self.conv
        plain = conv.groups == 1 and conv.stride == (1, 1) and not any(conv.padding) and not conv.pad
        return plain and self.weight.shape[2:] == (1, 1) and self.order is torch.channels_last


def as_convolution(step: Step) -> Step:
    """A step that was made a matrix product for a CPU as the convolution that it is."""
    match step.what:
        case Linear(path, bias, True, act=act, adds=adds, stride=stride):
            conv = Conv(path, bias, stride, (0, 0), (1, 1), 1, (), act, adds)
            return replace(step, what=conv)
        case _:
            return step
