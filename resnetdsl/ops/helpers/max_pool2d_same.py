import torch
import torch.nn.functional as F
from torch import nn


class MaxPool2dSame(nn.Module):
    """Max pooling with TensorFlow's SAME padding: ceil(size / stride), odd pixels last."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        dilation: int | tuple[int, int] = 1,
    ) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size = (
            kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        )
        self.stride = stride if isinstance(stride, tuple) else (stride, stride)
        self.dilation = dilation if isinstance(dilation, tuple) else (dilation, dilation)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, dilation={self.dilation}"

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
        x = F.pad(x, pad, value=float("-inf"))
        return F.max_pool2d(x, self.kernel_size, self.stride, dilation=self.dilation)
