"""What a user chooses about a compilation. No torch here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from resnetdsl.compile.errors import CompileError, Problem

MOST_BATCH = 2**20
MOST_SAMPLES = 2**16
MOST_THREADS = 1024


class Device(Enum):
    AUTO = "auto"
    """CUDA where there is a device, else the CPU."""
    CPU = "cpu"
    CUDA = "cuda"


class Precision(Enum):
    """What the network is computed in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"
    """Convolutions and matrix products, quantised after training; inputs and outputs stay float32."""

    @property
    def tensors(self) -> str:
        """The type of weights, inputs and outputs, by torch's name."""
        return "float32" if self is Precision.INT8 else self.value


class Mode(Enum):
    """What is to be fast: one request, or many together."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"


class Layout(Enum):
    """How images lie in memory."""

    CONTIGUOUS = "contiguous"
    CHANNELS_LAST = "channels_last"


class Backend(Enum):
    """The engine, or the fastest of those that are here."""

    AUTO = "auto"
    ONEDNN = "onednn"
    CUDNN = "cudnn"
    INDUCTOR = "inductor"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class Batch:
    """The batch sizes that an artifact serves, both ends included."""

    low: int = 1
    high: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= MOST_BATCH:
            raise CompileError(
                Problem.BAD_OPTION,
                f"a batch of {self.low}..{self.high} is none",
                f"sizes go from 1 to {MOST_BATCH}, the smaller first: 8, or 1..32",
            )

    @staticmethod
    def parse(text: str) -> Batch:
        """`8` or `1..32`, as the command line has it."""
        match = re.fullmatch(r"(\d{1,9})(?:\.\.(\d{1,9}))?", text.strip(), re.ASCII)
        if match is None:
            raise CompileError(Problem.BAD_OPTION, f"`{text}` is no batch", "write one size, 8, or a range, 1..32")
        low, high = match.groups()
        return Batch(int(low), int(high or low))


class Keep(Enum):
    """Layers with weights that stay in float32 where the others become int8."""

    FIRST = "first"
    LAST = "last"

    def of(self, layers: Sequence[str]) -> Sequence[str]:
        return layers[:1] if self is Keep.FIRST else layers[-1:]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What int8 scales are measured on. `path` is a folder of images or tensors, or a file; None for noise.

    Images are resized so that a crop of the input's size is the share `crop` of them, scaled to 0..1, and normalised
    by `mean` and `std`, ImageNet's as torchvision and timm have them.
    """

    path: str | Path | None = None
    samples: int = 256
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    crop: float = 0.875
    keep: frozenset[Keep] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= MOST_SAMPLES:
            raise CompileError(
                Problem.BAD_OPTION, f"{self.samples} samples are none to calibrate with", f"take 1 to {MOST_SAMPLES}"
            )
        if not 0 < self.crop <= 1:
            raise CompileError(Problem.BAD_OPTION, f"a crop of {self.crop} is no share of an image", "0.875 is usual")
        if not self.mean or not self.std or any(not value > 0 for value in self.std):
            raise CompileError(Problem.BAD_OPTION, "normalising divides by `std`, which must be more than 0")
        if not all(map(math.isfinite, (*self.mean, *self.std))):
            raise CompileError(Problem.BAD_OPTION, "normalising takes a `mean` and a `std` that are numbers")


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """Where the artifact goes, and what it is made for."""

    output: Path
    device: Device = Device.AUTO
    precision: Precision = Precision.FLOAT32
    batch: Batch = Batch()
    backend: Backend | None = None
    """None for the engine that is usual on the device."""
    mode: Mode = Mode.LATENCY
    without: tuple[str, ...] = ()
    """Passes that are to be left out."""
    also: tuple[str, ...] = ()
    """Passes that are to be done though they usually are not."""
    layout: Layout | None = None
    """How images lie in memory between layers; None leaves it to the engine."""
    cache: bool = True
    """Whether code is taken from the cache and put there."""
    threads: int | None = None
    """The processor threads that the code is made for; None for PyTorch's number."""
    calibration: Calibration = Calibration()
    """What the scales of int8 are measured on."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the artifact says of its origin: the spec's own text first, then that of its imports, by name;
    the parameters that were overridden; and the weights that were loaded, if any."""

    files: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    weights: str = ""
