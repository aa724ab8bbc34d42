import torch
import torch.nn.functional as F
from torch import nn


class CondConv2d(nn.Module):
    """A convolution with weights mixed from several experts, for each sample (Yang et al., 2019).

    `routing` has a factor for each expert. The samples are convolved as groups of one image, each
    with its own weights.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = False,
        *,
        experts: int,
        same: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.dilation = (
            (size, size) if isinstance(size, int) else size
            for size in (kernel_size, stride, dilation)
        )
        self.out_channels, self.padding, self.groups, self.same = (
            out_channels,
            padding,
            groups,
            same,
        )
        one = torch.empty(experts, out_channels, in_channels // groups, *self.kernel_size)
        for expert in one:
            nn.init.kaiming_normal_(expert, mode="fan_out", nonlinearity="relu")
        self.weight = nn.Parameter(one.flatten(1))
        self.bias = nn.Parameter(torch.zeros(experts, out_channels)) if bias else None

    def forward(self, x: torch.Tensor, routing: torch.Tensor) -> torch.Tensor:
        batch, channels = x.shape[0], x.shape[1]
        weight = (routing @ self.weight).reshape(-1, channels // self.groups, *self.kernel_size)
        bias = None if self.bias is None else (routing @ self.bias).flatten()
        if self.same:  # as TensorFlow: the output is ceil(size / stride), the odd pixel goes last
            pad: list[int] = []
            for axis in (1, 0):
                size, stride = x.shape[axis + 2], self.stride[axis]
                reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
                total = reach - (size - 1) % stride
                if reach + 1 < stride:
                    total = max(total, 0)
                pad += [total // 2, total - total // 2]
            x = F.pad(x, pad)
        whole = x.reshape(1, -1, x.shape[2], x.shape[3])
        whole = F.conv2d(
            whole, weight, bias, self.stride, self.padding, self.dilation, batch * self.groups
        )
        return whole.reshape(batch, self.out_channels, whole.shape[2], whole.shape[3])
