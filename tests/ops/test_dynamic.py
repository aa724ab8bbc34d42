"""Helpers and expressions must survive `torch.export` with every size left open, and then serve all sizes."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch.export import Dim, export

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.registry import OPS
from tests.ops.harness import Applied, build, complete

IMAGE = TensorType.image(8, 16, 24)
SIZES = [(3, 16, 24), (1, 20, 34), (2, 9, 13)]
EVEN_ONLY = {"space_to_depth"}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("conv", {"out_channels": 4, "kernel": 3, "stride": 2, "pad": "same"}),
        ("conv", {"out_channels": 4, "kernel": 2, "stride": 3, "pad": "same"}),
        ("conv", {"out_channels": 4, "kernel": 3, "pad": (0, 1, 0, 1)}),
        ("std_conv", {"out_channels": 4, "kernel": 3}),
        ("std_conv", {"out_channels": 4, "kernel": 3, "stride": 2, "pad": "same"}),
        ("scaled_std_conv", {"out_channels": 4, "kernel": 3}),
        ("scaled_std_conv", {"out_channels": 4, "kernel": 3, "stride": 2, "pad": "same"}),
        ("max_pool", {"kernel": 3, "stride": 2, "pad": "same"}),
        ("avg_pool", {"kernel": 3, "stride": 2, "pad": "same"}),
        ("blur_pool", {}),
        ("drop_path", {"rate": 0.1}),
        ("pad", {"sizes": 1, "mode": "reflect"}),
        ("pad_channels", {"after": 2}),
        ("upsample", {"scale": 2}),
        ("pixel_shuffle", {"factor": 2, "order": "block_first"}),
        ("space_to_depth", {"block": 2}),
        ("space_to_depth", {"block": 2, "order": "block_first"}),
        ("channel_shuffle", {"groups": 2}),
    ],
)
def test_exports_with_open_sizes(name: str, given: dict[str, object]) -> None:
    module = build(OPS[name].call(complete(OPS[name], given), (IMAGE,))).eval()
    height, width = Dim("height", min=8, max=64), Dim("width", min=8, max=64)
    if name in EVEN_ONLY:
        height, width = 2 * height, 2 * width
    dims = {0: Dim("batch", min=1, max=16), 2: height, 3: width}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapes = ((dims,),) if isinstance(module, Applied) else (dims,)  # `forward(self, *operands)` or `(self, x)`
        exported = export(module, (torch.randn(2, *IMAGE.shape),), dynamic_shapes=shapes).module()
    for batch, high, wide in SIZES:
        if name in EVEN_ONLY and high % 2:
            continue
        x = torch.randn(batch, 8, high, wide)
        torch.testing.assert_close(exported(x), module(x))


def test_drop_path_trains_compiled() -> None:
    module = build(OPS["drop_path"].call({"rate": 0.5}, (IMAGE,))).train()
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    kept = {float(value) for value in compiled(torch.ones(64, 2, 2, 2)).unique()}
    assert kept == {0.0, 2.0}
