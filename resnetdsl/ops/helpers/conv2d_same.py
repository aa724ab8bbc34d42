import torch
import torch.nn.functional as F
from torch import nn


class Conv2dSame(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: ceil(size / stride), odd pixels last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pad: list[int] = []
        for axis in (1, 0):
            size, stride = x.shape[axis + 2], self.stride[axis]
            reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
            total = reach - (size - 1) % stride
            if (
                reach + 1 < stride
            ):  # windows with gaps between them: the last pixels may fall into one
                total = max(total, 0)
            pad += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pad))
