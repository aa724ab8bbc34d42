import torch
import torch.nn.functional as F


def multi_head_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, heads: int, scale: float | None = None
) -> torch.Tensor:
    """softmax(query key^T * scale) value over tokens; each head has its share of the channels."""
    q, k, v = (x.reshape(*x.shape[:-1], heads, -1).transpose(-3, -2) for x in (query, key, value))
    return F.scaled_dot_product_attention(q, k, v, scale=scale).transpose(-3, -2).flatten(-2)
