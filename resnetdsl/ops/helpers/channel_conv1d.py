import torch
from torch import nn


class ChannelConv1d(nn.Conv1d):
    """A 1-d convolution along the channels of a Cx1x1 image or a vector."""

    def __init__(self, kernel_size: int, bias: bool = False) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.flatten(1).unsqueeze(1)).view_as(x)
