import torch
import torch.nn.functional as F
from torch import nn


class PaddedConv2d(nn.Conv2d):
    """A convolution whose padding (left, right, top, bottom) may differ from side to side."""

    def __init__(self, *args, pad: tuple[int, int, int, int], padding_mode: str = "zeros", **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pad = pad
        self.pad_mode = "constant" if padding_mode == "zeros" else padding_mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(F.pad(x, self.pad, mode=self.pad_mode))
