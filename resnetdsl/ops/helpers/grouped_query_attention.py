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
    """softmax(query key^T * scale) value over tokens; several heads of the query read one of key and value."""
    q = query.reshape(*query.shape[:-1], heads, -1).transpose(-3, -2)
    k, v = (x.reshape(*x.shape[:-1], kv_heads, -1).transpose(-3, -2) for x in (key, value))
    return F.scaled_dot_product_attention(q, k, v, scale=scale, enable_gqa=True).transpose(-3, -2).flatten(-2)
