"""The options that say what the scales of int8 are measured on."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnetdsl.cli.output import UsageError

if TYPE_CHECKING:
    from resnetdsl.compile.options import Calibration

_OF_IMAGES = ("mean", "std", "crop")
_NAMES = ("calibration", "samples", *_OF_IMAGES, "keep_float")


def add_calibration(parser: argparse.ArgumentParser) -> None:
    """`--calibration` and what goes with it."""
    group = parser.add_argument_group("for int8")
    group.add_argument(
        "--calibration",
        metavar="PATH",
        help="a folder of images or tensors, or a file: .npy, .pt, .safetensors; without it noise, with a warning",
    )
    group.add_argument("--samples", metavar="N", type=int, help="how many of them (default: `256`)")
    for name, use in (("mean", "images, scaled to 0..1, less this"), ("std", "and divided by this")):
        group.add_argument(f"--{name}", metavar="X", nargs="+", type=float, help=f"{use} (default: ImageNet's)")
    group.add_argument(
        "--crop", metavar="SHARE", type=float, help="the share of an image that is used (default: `0.875`)"
    )
    group.add_argument(
        "--keep-float", nargs="+", choices=("first", "last"), help="layers that stay in float32, for their accuracy"
    )


def calibration(args: argparse.Namespace, dtype: object, target: Calibration | None = None) -> Calibration:
    """What was said, checked: in options, over what a target says."""
    from resnetdsl.compile.options import Calibration, Keep

    given = {name: getattr(args, name) for name in _NAMES if getattr(args, name) is not None}
    if given and dtype != "int8":
        option = next(iter(given)).replace("_", "-")
        raise UsageError(
            f"`--{option}` is for int8, this is compiled in {dtype}", "add `--dtype int8`, or leave it out"
        )
    if dtype != "int8":
        return Calibration()
    said: dict[str, Any] = {name: given[name] for name in ("samples", "crop") if name in given}
    said |= {name: tuple(given[name]) for name in ("mean", "std") if name in given}
    if "calibration" in given:
        said["path"] = Path(given["calibration"])
    if "keep_float" in given:
        said["keep"] = frozenset(map(Keep, given["keep_float"]))
    usual = Calibration()
    found = replace(target or usual, **said)
    images = [f"`--{name}`" for name in _OF_IMAGES if name in given]
    if target is not None and not images:
        images = [f"the target's `{name}`" for name in _OF_IMAGES if getattr(target, name) != getattr(usual, name)]
    if images and found.path is None:
        raise UsageError(f"{images[0]} is for images, and none are given", "add `--calibration FOLDER`")
    return found
