import torch
import torch.nn.functional as F
from torch import nn


class AvgPool2dSame(nn.Module):
    """Average pooling with TensorFlow's SAME padding: ceil(size / stride), odd pixels last."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size = (
            kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        )
        self.stride = stride if isinstance(stride, tuple) else (stride, stride)
        self.count_include_pad = count_include_pad

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, "
            f"count_include_pad={self.count_include_pad}"
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pad: list[int] = []
        for axis in (1, 0):
            size, kernel, stride = x.shape[axis + 2], self.kernel_size[axis], self.stride[axis]
            total = kernel - 1 - (size - 1) % stride
            if kernel < stride:  # windows with gaps between them: the last pixels may fall into one
                total = max(total, 0)
            pad += [total // 2, total - total // 2]
        means = F.avg_pool2d(F.pad(x, pad), self.kernel_size, self.stride)
        if self.count_include_pad:
            return means
        # The share of each window that lies in the image.
        inside = F.pad(x.new_ones((1, 1, x.shape[2], x.shape[3])), pad)
        return means / F.avg_pool2d(inside, self.kernel_size, self.stride)
