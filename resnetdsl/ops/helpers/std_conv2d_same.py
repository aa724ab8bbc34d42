import torch
import torch.nn.functional as F
from torch import nn


class StdConv2dSame(nn.Conv2d):
    """A convolution with standardised weights (Qiao et al., 2019) and TensorFlow's SAME padding."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = False,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)
        self.eps = eps

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
        var, mean = torch.var_mean(self.weight, dim=(1, 2, 3), correction=0, keepdim=True)
        weight = (self.weight - mean) * torch.rsqrt(var + self.eps)
        return F.conv2d(
            F.pad(x, pad), weight, self.bias, self.stride, 0, self.dilation, self.groups
        )
