import torch
from torch import nn


class RmsNorm2d(nn.Module):
    """RMS norm over the channels of an image, at each place of its own."""

    def __init__(self, channels: int, eps: float = 1e-6, affine: bool = True) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * torch.rsqrt(x.pow(2).mean(dim=1, keepdim=True) + self.eps)
        return x if self.weight is None else x * self.weight[:, None, None]
