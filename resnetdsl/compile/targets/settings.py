"""The settings of a target: what each may be, and which do not go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from resnetdsl.compile.options import MOST_BATCH, MOST_THREADS, Backend, Device, Layout, Mode, Precision
from resnetdsl.compile.targets.model import SETTINGS

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "device": tuple(each.value for each in Device),
    "dtype": tuple(each.value for each in Precision),
    "layout": tuple(each.value for each in Layout),
    "mode": tuple(each.value for each in Mode),
    "backend": tuple(each.value for each in Backend),
}
"""Settings that are one of a few words."""

NAMES: Final = ("description", *SETTINGS, "passes")
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


def batch_problem(text: str) -> str | None:
    """What a batch should be, if this is none."""
    match = re.fullmatch(r"(\d{1,9})(?:\.\.(\d{1,9}))?", text, re.ASCII)
    if match is not None and 1 <= int(match[1]) <= int(match[2] or match[1]) <= MOST_BATCH:
        return None
    return f"a size such as 8, or a range such as 1..32, from 1 to {MOST_BATCH}"


def threads_problem(text: str) -> str | None:
    """What a number of threads should be, if this is none."""
    if re.fullmatch(r"\d{1,9}", text, re.ASCII) and 1 <= int(text) <= MOST_THREADS:
        return None
    return f"a whole number from 1 to {MOST_THREADS}"
