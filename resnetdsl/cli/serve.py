"""Follow a spec in the browser: its diagram, table and mistakes, anew with every save."""

from __future__ import annotations

import argparse
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, put, say
from resnetdsl.cli.specs import add_spec, input_size, overrides

if TYPE_CHECKING:
    from resnetdsl.elaborate.values import Value
    from resnetdsl.serve.preview import Preview
    from resnetdsl.serve.server import PreviewServer
    from resnetdsl.spec import Spec

NAME = "serve"
HELP = "follow a spec in the browser while you write it"
PORT = 7465
_STACK = 64 * 2**20
"""Bytes of stack for the threads that elaborate: as deep as the main thread's on any system."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("--level", choices=("network", "stage", "block", "op"), default="stage", help="how far to open")
    parser.add_argument(
        "--port", type=int, metavar="N", help=f"where to listen; by default {PORT}, or a free one if that is taken"
    )
    parser.add_argument("--no-open", action="store_true", help="open no browser: only say the address")


def run(args: argparse.Namespace) -> int:
    from resnetdsl.emit.outline import Level
    from resnetdsl.serve.preview import Preview, Wish

    path, named = _file(args.spec)
    for text in args.overrides:
        if not text.partition("=")[0].strip() or "=" not in text:
            raise UsageError(f"`--set {text}` is not PARAM=VALUE", "such as `--set classes=10`")
    preview = Preview(
        path, Wish(args.net or named, lambda spec: _values(args, spec), input_size(args), Level(args.level))
    )
    if args.net and preview.networks and args.net not in preview.networks:
        raise UsageError(
            f"{path.name} has no network `{args.net}`", f"it has {', '.join(preview.networks)}", kind="spec"
        )
    threading.stack_size(_STACK)
    server = _listen(preview, args.port)
    put(f"{server.address}\n")
    say(args, f"following {path.name}; Ctrl-C ends it")
    if not args.no_open:
        threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
    try:
        server.run()
    except KeyboardInterrupt:
        say(args, "ended")
    return 0


def _values(args: argparse.Namespace, spec: Spec) -> dict[str, Value]:
    """The values of `--set` for the spec as it is now; what is wrong with them is shown on the page."""
    from resnetdsl.spec import SpecError

    try:
        return overrides(args, spec)
    except UsageError as problem:
        raise SpecError(problem.message, problem.diagnostics) from problem


def _file(name: str) -> tuple[Path, str | None]:
    """The file to follow, and the network of it that its name asked for, if it was a network's name."""
    from resnetdsl.api import find_network, is_path

    path = Path(name)
    if name == "-":
        raise UsageError("standard input cannot be followed", "name a file")
    if path.is_dir() and find_network(name) is None:
        raise UsageError(f"{name} is a folder", "name a spec in it", kind="unreadable")
    if is_path(path):
        if not path.exists():
            raise UsageError(
                f"cannot read {name}: there is no such file", "`resnetdsl new` makes one", kind="unreadable"
            )
        if not path.is_file():
            raise UsageError(f"{name} is no file that can be followed", kind="unreadable")
        return path, None
    shipped = find_network(name)
    if shipped is None:
        raise UsageError(f"there is no file and no shipped network `{name}`", kind="unreadable")
    return shipped, name


def _listen(preview: Preview, port: int | None) -> PreviewServer:
    from resnetdsl.serve.server import HOST, PreviewServer

    if port is not None and not 0 <= port <= 65535:
        raise UsageError(f"`--port {port}` is no port", "a number up to 65535; 0 is any free one")
    try:
        return PreviewServer(preview, PORT if port is None else port)
    except OSError as problem:
        if port is None:
            return PreviewServer(preview, 0)
        reason = problem.strerror or str(problem)
        raise UsageError(
            f"cannot listen on {HOST}:{port}: {reason}", "another --port, or none for a free one"
        ) from problem
