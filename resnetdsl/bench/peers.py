"""Where else a network of this name comes from: timm and torchvision, with our weights in it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping

import torch
from torch import Tensor, nn

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_LIBRARIES: list[torch.library.Library] = []  # kept alive: an operator goes when its library does


class Absent(Exception):  # noqa: N818 - no error: one peer less
    """Why a peer does not take part."""


def peer(library: str, name: str, classes: int | None, state: Mapping[str, Tensor]) -> nn.Module:
    """The network of that name in `timm` or `torchvision`, with these weights: all of them, under the same names."""
    if importlib.util.find_spec(library) is None:
        raise Absent("not installed")
    _torchvision()
    models = importlib.import_module("timm" if library == "timm" else "torchvision.models")
    if name not in models.list_models():
        raise Absent(f"it has no {name}")
    more = {} if classes is None else {"num_classes": classes}
    made: nn.Module = models.create_model(name, **more) if library == "timm" else models.get_model(name, **more)
    try:
        made.load_state_dict(dict(state), strict=True)
    except RuntimeError as problem:
        raise Absent(f"its {name} has other weights") from problem
    return made


def _torchvision() -> None:
    """Import torchvision, which timm needs, also where its operators were built for another torch.

    There is no wheel of torchvision for every build of torch; its networks are Python and use none of its operators.
    """
    if importlib.util.find_spec("torchvision") is None:
        raise Absent("torchvision is not installed")
    try:
        importlib.import_module("torchvision")
    except RuntimeError:  # "operator torchvision::nms does not exist"
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for schema in _OPERATORS:
            library.define(schema)  # type: ignore[no-untyped-call]
        _LIBRARIES.append(library)
        importlib.import_module("torchvision")
