"""Start a spec of your own: a small network that checks, compiles and trains as it stands."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from resnetdsl.cli.output import UsageError, add_color, say, write_file

NAME = "new"
HELP = "start a spec"

_TEMPLATE = """\
## {name}: a small residual network for 32x32 images.
network {name}(block = basic, depths = [2, 2, 2], width = 32, classes = 10, shortcut = avg_pool_projection) {{
    input 3x32x32

    stem {{
        conv1: conv(width, 3x3) -> bn1: batch_norm -> relu
    }}
    for i, n in depths {{
        stage layer{{i + 1}}: n * block(width * 2^i, stride = 2 if first and i > 0 else 1, shortcut = shortcut)
    }}
    head {{
        global_avg_pool
        fc: linear(classes)
    }}
}}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.rnet", help="the file to write")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    add_color(parser)


def run(args: argparse.Namespace) -> int:
    path = Path(args.file)
    if path.suffix != ".rnet":
        raise UsageError(f"a spec is called NAME.rnet, and not `{args.file}`")
    if path.exists() and not args.force:
        raise UsageError(f"{path} is there already", "--force writes over it")
    write_file(path, _TEMPLATE.format(name=_network_name(path.stem)).encode())
    say(args, f"wrote {path}; try `resnetdsl check {path}` and `resnetdsl summary {path}`")
    return 0


def _network_name(stem: str) -> str:
    """A name for the network that means nothing else in the language."""
    from resnetdsl.diagnostics.model import Sink
    from resnetdsl.elaborate.modules import library
    from resnetdsl.source import SourceFile
    from resnetdsl.syntax.parser import parse

    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    sink = Sink()
    parse(SourceFile("", f"network {name} {{ relu }}"), sink)
    return f"net_{name}" if sink.has_errors or name in library().all_names() else name
