"""torchvision and timm, which the tests compare with. A test that asks for one that is absent is skipped.

There is no CPU build of torchvision in the registry. The CUDA build's Python half works beside a CPU build of torch
once the two operators that it describes at import time exist; tests that compare networks call neither.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from types import ModuleType

import pytest
import torch

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_LIBRARIES: list[torch.library.Library] = []  # kept alive: an operator goes when its library does


@cache
def torchvision() -> ModuleType:
    """torchvision with its models, or the end of the test that needs it."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed: run tests/install_oracles.sh")
    try:
        importlib.import_module("torchvision")
    except RuntimeError:  # "operator torchvision::nms does not exist"
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in _OPERATORS:
            library.define(schema)
        _LIBRARIES.append(library)
        importlib.import_module("torchvision")
    return importlib.import_module("torchvision")


@cache
def timm() -> ModuleType:
    """timm, or the end of the test that needs it."""
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed: run tests/install_oracles.sh")
    torchvision()
    return importlib.import_module("timm")
