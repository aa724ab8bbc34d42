"""Speak with an editor, over standard input and output: mistakes as you type, fixes, names, shapes."""

from __future__ import annotations

import argparse
import importlib.util

from resnetdsl.cli.output import UsageError

NAME = "lsp"
HELP = "the language server, which editors start"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="the default, and all there is: some editors insist on it")


def run(_: argparse.Namespace) -> int:
    if importlib.util.find_spec("pygls") is None:
        raise UsageError("the language server needs pygls, which is not installed", "pip install 'resnetdsl[lsp]'")
    from resnetdsl.lsp.server import make

    make().start_io()
    return 0
