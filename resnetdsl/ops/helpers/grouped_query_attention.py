import torch
import torch.nn.functional as F


def grouped_query_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    heads: int,
    kv_heads: int,
    scale: float | None = None,
) -> torch.Tensor:
    """softmax(query key^T * scale) value over tokens; heads of the query share a key."""
    q = torch.unflatten(query, -1, (heads, -1)).transpose(-3, -2)
    k = torch.unflatten(key, -1, (kv_heads, -1)).transpose(-3, -2)
    v = torch.unflatten(value, -1, (kv_heads, -1)).transpose(-3, -2)
    return (
        F.scaled_dot_product_attention(q, k, v, scale=scale, enable_gqa=True)
        .transpose(-3, -2)
        .flatten(-2)
    )
