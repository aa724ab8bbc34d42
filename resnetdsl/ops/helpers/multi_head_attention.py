import torch
import torch.nn.functional as F


def multi_head_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    heads: int,
    scale: float | None = None,
) -> torch.Tensor:
    """softmax(query key^T * scale) value over tokens; each head has its share of the channels."""
    q = torch.unflatten(query, -1, (heads, -1)).transpose(-3, -2)
    k = torch.unflatten(key, -1, (heads, -1)).transpose(-3, -2)
    v = torch.unflatten(value, -1, (heads, -1)).transpose(-3, -2)
    return F.scaled_dot_product_attention(q, k, v, scale=scale).transpose(-3, -2).flatten(-2)
