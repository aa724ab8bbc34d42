"""What PyTorch, timm and torchvision call otherwise: the names that their users will write, for suggestions alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from resnetdsl.paths import specs_dir
from resnetdsl.syntax import ast

MODULES: Final = frozenset({"nn", "torch", "F", "self", "timm", "torchvision"})
"""What stands before a point in Python, and before nothing here."""

MEANT: Final[Mapping[str, tuple[str, ...]]] = {
    # layers
    "adaptiveavgpool2d": ("global_avg_pool",), "adaptivemaxpool2d": ("global_max_pool",), "avgpool2d": ("avg_pool",),
    "batchnorm2d": ("batch_norm",), "bn": ("batch_norm",), "cat": ("concat",), "conv2d": ("conv",),
    "convtranspose2d": ("conv_transpose",), "deconv": ("conv_transpose",), "dense": ("linear",), "fc": ("linear",),
    "gap": ("global_avg_pool",), "gn": ("group_norm",), "groupnorm": ("group_norm",),
    "instancenorm2d": ("instance_norm",), "interpolate": ("upsample",), "layernorm2d": ("layer_norm",),
    "ln": ("layer_norm",), "maxpool2d": ("max_pool",), "mul": ("multiply",), "proj": ("projection",),
    "squeezeexcitation": ("se",), "squeezeexcite": ("se",), "stochasticdepth": ("drop_path",),
    "swish": ("silu",), "upsamplingbilinear2d": ("upsample",), "upsamplingnearest2d": ("upsample",),
    "view": ("reshape",), "zeropad2d": ("pad",), "mean": ("reduce_mean",), "var": ("reduce_var",),
    "amax": ("reduce_max",), "amin": ("reduce_min",), "bmm": ("matmul",), "chunk": ("split",),
    "pixelunshuffle": ("space_to_depth",), "scaleddotproductattention": ("attention",),
    # arguments
    "ceilmode": ("ceil",), "countincludepad": ("count_pad",), "dropprob": ("rate", "drop"), "kernelsize": ("kernel",),
    "negativeslope": ("slope",), "numclasses": ("classes",), "numfilters": ("out_channels", "width"),
    "numgroups": ("groups",), "outchannels": ("width", "out_features"), "outchs": ("out_channels", "width"),
    "outfeatures": ("out_channels",), "outputpadding": ("output_pad",), "outputsize": ("size",), "p": ("rate",),
    "padding": ("pad",), "paddingmode": ("pad_mode",), "planes": ("width",), "scalefactor": ("scale",),
    "upscalefactor": ("factor",), "downscalefactor": ("block",), "normlayer": ("norm",), "actlayer": ("act",),
    "attnlayer": ("attention",), "cardinality": ("groups",), "inchans": ("in_channels",),
    "kaiming": ("he_fan_out",), "kaimingnormal": ("he_fan_out",), "glorot": ("xavier",),
    # attributes and metrics
    "size": ("shape",), "flops": ("macs",), "parameters": ("params",), "numparams": ("params",),
}  # fmt: skip
"""By what is written, without capitals and underscores: what may be meant, the first that there is."""

_KNOWN_INPUT = "how many channels come in is known from the tensor, and is not written"
_AXES = 'axes go by their letters: `axis = "c"` for channels, h, w, n for tokens'
HINTS: Final[Mapping[str, str]] = {
    "nn": "layers go by their names alone: `conv`, `batch_norm`, `relu`",
    "torch": "layers go by their names alone: `conv`, `concat`, `relu`",
    "F": "layers go by their names alone: `relu`, `max_pool`, `softmax`",
    "self": "nothing is stored: `conv1: conv(64, 3x3)` names a layer where it is used",
    "Sequential": "layers follow one another with `->` or on lines of their own",
    "sequential": "layers follow one another with `->` or on lines of their own",
    "range": "`0..n` are the whole numbers from 0 up to n",
    "in_channels": _KNOWN_INPUT, "in_features": _KNOWN_INPUT, "inplanes": _KNOWN_INPUT, "in_chs": _KNOWN_INPUT,
    "num_features": _KNOWN_INPUT, "num_channels": _KNOWN_INPUT,
    "inplace": "nothing is changed in place; what can be is left to the compiler",
    "dim": _AXES, "dims": _AXES,
    "device": "a spec says nothing of devices", "dtype": "a spec says nothing of types of numbers",
}  # fmt: skip
"""What to do instead, where no other name does."""

_NETWORK = re.compile(r"^network\s+([A-Za-z_]\w*)", re.MULTILINE)


def fold(name: str) -> str:
    return name.lower().replace("_", "")


@cache
def _homes() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for path in sorted(specs_dir().glob("*.rnet")):
        for name in _NETWORK.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, path.stem)
    return found


def hint(name: str) -> str | None:
    """A way out for a name that means nothing here: what does its work, or the shipped spec of the network."""
    first, _, rest = name.partition(".")
    if first in MODULES:
        return HINTS.get(rest.rpartition(".")[2]) or HINTS.get(first, HINTS["nn"])
    if name in HINTS:
        return HINTS[name]
    home = _homes().get(name)
    return f"it is in a shipped spec: `from {home} import {name}`" if home is not None else None


def python_module(node: ast.Expr) -> ast.Name | None:
    """The first word of `nn.Conv2d`, `torch.nn.functional.relu` and the like."""
    if not isinstance(node, ast.Attribute):
        return None
    while isinstance(node, ast.Attribute):
        node = node.value
    return node if isinstance(node, ast.Name) and node.id in MODULES else None
