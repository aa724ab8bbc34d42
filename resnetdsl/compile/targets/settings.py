"""The settings of a target: what each may be, and which do not go together."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from resnetdsl.compile.options import (
    MOST_BATCH,
    MOST_SAMPLES,
    MOST_THREADS,
    Backend,
    Device,
    Keep,
    Layout,
    Mode,
    Precision,
)
from resnetdsl.compile.targets.model import INT8, SETTINGS

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "device": tuple(each.value for each in Device),
    "dtype": tuple(each.value for each in Precision),
    "layout": tuple(each.value for each in Layout),
    "mode": tuple(each.value for each in Mode),
    "backend": tuple(each.value for each in Backend),
}
"""Settings that are one of a few words."""

TEXTS: Final[Mapping[str, str]] = {"description": "The machine on my desk.", "calibration": "photos"}
"""Settings that are any text, each with an example."""

KEEP: Final = tuple(each.value for each in Keep)

NAMES: Final = ("description", *SETTINGS, "passes", *INT8)
SWITCH: Final[Mapping[str, bool]] = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}

OTHER_NAMES: Final[Mapping[str, str]] = {
    "gpu": "cuda",
    "nvidia": "cuda",
    "fp32": "float32",
    "float": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
    "half": "float16",
    "i8": "int8",
    "nhwc": "channels_last",
    "channels-last": "channels_last",
    "nchw": "contiguous",
    "contiguous_format": "contiguous",
    "ort": "onnxruntime",
    "onnx": "onnxruntime",
    "ov": "openvino",
    "dnnl": "onednn",
    "mkldnn": "onednn",
    "aoti": "inductor",
    "aotinductor": "inductor",
}
"""What others call these, for the suggestion."""

_GPU = "`backend: cudnn` and `backend: inductor` are for a GPU"
_INT8 = "`backend: auto` finds one that has them"

CONFLICTS: Final = (
    ("dtype", "int8", "device", "cuda", "8-bit integers are for CPUs", "on a GPU, `dtype: bfloat16` is the fast one"),
    ("dtype", "int8", "backend", "onednn", "this engine has no 8-bit integers", _INT8),
    ("dtype", "int8", "backend", "cudnn", "this engine has no 8-bit integers", _INT8),
    ("dtype", "int8", "backend", "inductor", "this engine has no 8-bit integers", _INT8),
    ("backend", "onednn", "device", "cuda", "oneDNN is for CPUs", _GPU),
    ("backend", "cudnn", "device", "cpu", "cuDNN is for NVIDIA's GPUs", "`backend: auto` finds one for the CPU"),
    ("backend", "onnxruntime", "device", "cuda", "ONNX Runtime serves the CPU here", _GPU),
    ("backend", "openvino", "device", "cuda", "OpenVINO is for CPUs", _GPU),
)
"""Setting and value, the other and its value, why they do not go together, and what does."""


def _batch(text: str) -> str | None:
    match = re.fullmatch(r"(\d{1,9})(?:\.\.(\d{1,9}))?", text, re.ASCII)
    fits = match is not None and 1 <= int(match[1]) <= int(match[2] or match[1]) <= MOST_BATCH
    return text if fits else None


def _whole(most: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        fits = re.fullmatch(r"\d{1,9}", text, re.ASCII) is not None and 1 <= int(text) <= most
        return int(text) if fits else None

    return read


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _share(text: str) -> float | None:
    value = _number(text)
    return value if value is not None and 0 < value <= 1 else None


def _divisor(text: str) -> float | None:
    value = _number(text)
    return value if value is not None and value > 0 else None


@dataclass(frozen=True, slots=True)
class Count:
    """A setting that is a number or the like. `read` gives its value, None where a text is none; `wanted` says what
    would be one.
    """

    wanted: str
    example: str
    read: Callable[[str], Any]


COUNTS: Final[Mapping[str, Count]] = {
    "batch": Count(f"a size such as 8, or a range such as 1..32, from 1 to {MOST_BATCH}", "1", _batch),
    "threads": Count(f"a whole number from 1 to {MOST_THREADS}", "1", _whole(MOST_THREADS)),
    "samples": Count(f"a whole number from 1 to {MOST_SAMPLES}", "256", _whole(MOST_SAMPLES)),
    "crop": Count("the share of an image, more than 0 and at most 1", "0.875", _share),
}
NUMBERS: Final[Mapping[str, Count]] = {
    "mean": Count("a number", "[0.485, 0.456, 0.406]", _number),
    "std": Count("a number that is more than 0", "[0.229, 0.224, 0.225]", _divisor),
}
"""Settings that are one such number, or a list of them."""
