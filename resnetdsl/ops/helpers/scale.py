import torch
from torch import nn


class Scale(nn.Module):
    """Each channel, the last dimension, times a learned factor of its own."""

    def __init__(self, channels: int, init: float = 1.0) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gamma
