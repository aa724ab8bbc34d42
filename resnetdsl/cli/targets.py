"""The options that say what a network is compiled for: one by one, or together as a target, over which they win."""

from __future__ import annotations

import argparse
from typing import Final

from resnetdsl.cli.output import UsageError

CHOICES: Final = {
    "device": ("auto", "cpu", "cuda"),
    "dtype": ("float32", "bfloat16", "float16", "int8"),
    "layout": ("contiguous", "channels_last"),
    "mode": ("latency", "throughput"),
    "backend": ("auto", "onednn", "cudnn", "inductor", "onnxruntime", "openvino"),
}
"""Those of `compile.options`, which a command line that checks a spec has no need of."""

USUAL: Final[dict[str, object]] = {
    "device": "auto",
    "dtype": "float32",
    "layout": None,
    "batch": "1",
    "mode": "latency",
    "backend": None,
    "threads": None,
}
"""What holds where neither an option nor the target says anything."""

_HELP: Final = {
    "device": "what it runs on; auto is a GPU where there is one",
    "dtype": "what it computes in",
    "layout": "how images lie in memory between layers; by default as the engine is fastest",
    "mode": "what is to be fast: one request, or many",
    "backend": "the engine; auto takes the fastest here; without it onednn on a CPU, cudnn on a GPU, else auto",
}


def add_target(parser: argparse.ArgumentParser) -> None:
    """`--target`, and an option for each of its settings."""
    parser.add_argument(
        "--target",
        metavar="NAME|FILE.yaml",
        help="the options below from a file, or from a shipped one: `list --targets`",
    )
    for name, choices in CHOICES.items():
        usual = f" (default: `{USUAL[name]}`)" if USUAL[name] else ""
        parser.add_argument(f"--{name}", choices=choices, help=f"{_HELP[name]}{usual}")
    parser.add_argument("--batch", metavar="N|LO..HI", help="the batch sizes it serves: 8, or 1..32 (default: `1`)")
    parser.add_argument(
        "--threads", metavar="N", type=_count, help="processor threads that it is made for; PyTorch's number by default"
    )
    parser.add_argument("--without", metavar="PASS", action="append", default=[], help="leave out a pass; see --plan")
    parser.add_argument(
        "--with", metavar="PASS", action="append", default=[], dest="also", help="do a pass that is usually left out"
    )


def settle(args: argparse.Namespace, **usual: object) -> dict[str, object]:
    """The settings as `Network.compile` takes them: the options', else the target's, else the usual.

    `usual` is what is usual with a command that is not `compile`.
    """
    said: dict[str, object] = {}
    if args.target is not None:
        said = _target(args.target)
    given = {name: getattr(args, name) for name in USUAL if getattr(args, name) is not None}
    off = [name for name in _names(said.pop("without", ())) if name not in args.also]
    on = [name for name in _names(said.pop("also", ())) if name not in args.without]
    passes = {"without": tuple(dict.fromkeys([*off, *args.without])), "also": tuple(dict.fromkeys([*on, *args.also]))}
    return {**USUAL, **usual, **said, **given, **passes}


def _target(name: str) -> dict[str, object]:
    from resnetdsl.compile.targets import TargetError, find_target

    try:
        return find_target(name).options()
    except TargetError as problem:
        code = 1 if problem.diagnostics else 2
        raise UsageError(problem.message, problem.help, "target", code, problem.diagnostics) from problem


def _names(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1024):
        raise argparse.ArgumentTypeError(f"`{text}` is no number of threads")
    return int(text)
