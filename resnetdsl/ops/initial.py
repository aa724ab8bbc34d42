"""How weights start: the words of `init` and what torch does for them."""

from __future__ import annotations

from resnetdsl.ir.graph import Value
from resnetdsl.ops.base import Attrs, InitCall, Kind, Param

_CALLS: dict[str, tuple[str, tuple[tuple[str, Value], ...]]] = {
    "he_fan_out": ("kaiming_normal_", (("mode", "fan_out"), ("nonlinearity", "relu"))),
    "he_fan_in": ("kaiming_normal_", (("mode", "fan_in"), ("nonlinearity", "relu"))),
    "lecun": ("kaiming_normal_", (("mode", "fan_in"), ("nonlinearity", "linear"))),
    "xavier": ("xavier_uniform_", ()),
    "normal": ("normal_", (("std", 0.01),)),
    "trunc_normal": ("trunc_normal_", (("std", 0.02),)),
}


def init_param(default: str) -> Param:
    return Param(
        "init",
        Kind.INIT,
        default,
        choices=(*_CALLS, "torch"),
        doc=(
            "How the weight starts: `he_fan_out` and `he_fan_in` (He et al., 2015), `lecun` (normal with variance"
            " 1 / fan-in), `xavier` (uniform), `normal` (deviation 0.01), `trunc_normal` (deviation 0.02), `torch` (as"
            " torch leaves it), or a number for all of it. A bias starts as torch leaves it."
        ),
    )


def weight_init(attrs: Attrs) -> tuple[InitCall, ...]:
    """What the attribute `init` asks to be done to the leaf `weight`."""
    match attrs["init"]:
        case "torch":
            return ()
        case str(word):
            function, arguments = _CALLS[word]
            return (InitCall("weight", function, arguments),)
        case value:
            return (InitCall("weight", "constant_", (("val", value),)),)
