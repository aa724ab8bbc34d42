import math

import torch
import torch.nn.functional as F
from torch import nn


class BlurPool2d(nn.Module):
    """A binomial filter, then subsampling (Zhang, 2019).

    The filter is constant and no part of the state dict.
    """

    filter: torch.Tensor

    def __init__(
        self, channels: int, kernel_size: int = 3, stride: int = 2, padding_mode: str = "reflect"
    ) -> None:
        super().__init__()
        self.channels = channels
        self.stride = stride
        self.padding = (stride - 1 + kernel_size - 1) // 2
        self.pad_mode = "constant" if padding_mode == "zeros" else padding_mode
        row = torch.tensor(
            [math.comb(kernel_size - 1, i) / 2 ** (kernel_size - 1) for i in range(kernel_size)]
        )
        self.register_buffer(
            "filter", (row[:, None] * row).expand(channels, 1, -1, -1).clone(), persistent=False
        )

    def extra_repr(self) -> str:
        return f"{self.channels}, kernel_size={self.filter.shape[-1]}, stride={self.stride}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, (self.padding,) * 4, mode=self.pad_mode)
        return F.conv2d(x, self.filter, stride=self.stride, groups=self.channels)
