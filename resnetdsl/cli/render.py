"""Draw a network, or several beside each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, say, write, write_bytes
from resnetdsl.cli.specs import add_spec, network

if TYPE_CHECKING:
    from resnetdsl.emit.diagram import Picture, Theme
    from resnetdsl.network import Network

NAME = "render"
HELP = "draw a network, or several side by side: SVG, PNG, PDF, LaTeX, DOT, Mermaid, an interactive page"
FORMATS = ("svg", "png", "pdf", "latex", "tikz", "dot", "mermaid", "html")
_POINTS_PER_INCH = 72
_DEFAULT_SCALE = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser, pairs=True)
    parser.add_argument(
        "--compare",
        nargs="+",
        metavar="SPEC",
        help="networks side by side, equal stages at one height; one spec with several --net will do",
    )
    parser.add_argument(
        "--diff",
        nargs=2,
        metavar=("A", "B"),
        help="the same, with what was added, removed or changed in colour; FILE@REVISION is a spec as git has it",
    )
    parser.add_argument(
        "--level",
        choices=("network", "stage", "block", "op"),
        help="how far to open; by default stage, for --diff network and what differs",
    )
    parser.add_argument(
        "--open",
        metavar="PATH",
        action="append",
        default=[],
        dest="opened",
        help="open this part too: layer2, layer2.0, stem; may be repeated",
    )
    parser.add_argument("--unfold", action="store_true", help="draw every copy of a repeat")
    parser.add_argument("--format", choices=FORMATS, help="by default what the output's name says, else svg")
    parser.add_argument(
        "--direction", choices=("down", "right"), default="down", help="which way the tensors flow on the page"
    )
    parser.add_argument(
        "--columns", type=int, metavar="N", help="cut a long network into columns (rows, if it flows right)"
    )
    parser.add_argument(
        "--theme", metavar="NAME|FILE", default="light", help="light, dark, paper, colour-blind, or YAML"
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--scale", type=float, metavar="N", help="PNG: pixels a point; 2 by default")
    size.add_argument("--dpi", type=float, metavar="N", help="PNG: pixels an inch, such as 300 for print")
    parser.add_argument("--no-caption", action="store_true", help="leave out the name and the first line under it")
    parser.add_argument(
        "--engine", choices=("wasm", "dot"), default="wasm", help="the built-in Graphviz, or the system's"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; standard output by default")


def run(args: argparse.Namespace) -> int:
    from resnetdsl.emit.diagram import DiagramTooLarge, RenderUnavailable, ThemeError, UnknownPart, find_theme
    from resnetdsl.emit.diagram.formats import PICTURES

    if sum(each is not None for each in (args.spec, args.compare, args.diff)) != 1:
        raise UsageError(
            "name one network, or several with `--compare` or `--diff`", "such as `render resnet18 -o net.svg`"
        )
    form = args.format or _by_name(args.output)
    if args.columns is not None and (args.columns < 1 or args.spec is None or form not in PICTURES):
        raise UsageError(
            f"`--columns {args.columns}` is for a picture of one network, in one column or more",
            f"as {', '.join(PICTURES)}",
        )
    if form == "html":
        _refuse_picture_options(args)
    scale = _scale(args)
    try:
        theme = find_theme(args.theme)
        data = _one(args, form, theme, scale) if args.spec is not None else _two(args, form, theme, scale)
    except UnknownPart as problem:
        raise UsageError(problem.message, problem.help) from problem
    except (RenderUnavailable, DiagramTooLarge, ThemeError) as problem:
        raise UsageError(str(problem), kind="render") from problem
    if isinstance(data, bytes):
        write_bytes(args.output, data, form.upper())
    else:
        write(args.output, data)
    if args.output not in (None, "-"):
        say(args, f"wrote {args.output}")
    return 0


def _refuse_picture_options(args: argparse.Namespace) -> None:
    """The page has its own buttons for what these say of a picture; to pass over one in silence would mislead."""
    given = {
        "--theme": args.theme != "light",
        "--direction": args.direction != "down",
        "--unfold": args.unfold,
        "--no-caption": args.no_caption,
        "--engine": args.engine != "wasm",
    }
    if wrong := [name for name, is_given in given.items() if is_given]:
        raise UsageError(
            f"`{wrong[0]}` is for pictures, and html is a page",
            "the page itself turns dark, flows right and unfolds (`?` in it lists the keys); `--level` and `--open` "
            "say how it starts",
        )


def _one(args: argparse.Namespace, form: str, theme: Theme, scale: float) -> str | bytes:
    from resnetdsl.emit.diagram import Direction, view
    from resnetdsl.emit.diagram.formats import encode_view
    from resnetdsl.emit.outline import Level

    if len(args.net) > 1:
        raise UsageError("`--net` is given more than once", "a second one is for --compare and --diff")
    graph = network(argparse.Namespace(**{**vars(args), "net": args.net[0] if args.net else None})).checked
    level = Level(args.level or "stage")
    if form == "html":
        from resnetdsl.emit.viewer import to_html

        return to_html(graph, level, args.opened)
    drawn = view(graph, level, args.opened, not args.unfold)
    direction, caption = Direction[args.direction.upper()], not args.no_caption
    return encode_view(drawn, form, theme, direction, args.engine, scale=scale, caption=caption, columns=args.columns)


def _two(args: argparse.Namespace, form: str, theme: Theme, scale: float) -> str | bytes:
    from resnetdsl.emit.diagram.formats import PICTURES, encode

    if form not in PICTURES:
        raise UsageError(f"networks beside each other are a picture, and {form} is none", f"use {', '.join(PICTURES)}")
    return encode(_picture(args, theme), form, scale)


def _picture(args: argparse.Namespace, theme: Theme) -> Picture:
    from resnetdsl.emit.diagram import Direction, view
    from resnetdsl.emit.diagram.beside import Side, draw_beside
    from resnetdsl.emit.diagram.differing import draw_difference
    from resnetdsl.emit.diagram.opening import shared_out
    from resnetdsl.emit.outline import Level

    direction = Direction[args.direction.upper()]
    if args.diff:
        one, other = _networks(args, args.diff)
        names = (one.name, other.name) if one.name != other.name else (args.diff[0], args.diff[1])
        level = Level(args.level or "network")
        return draw_difference(one.checked, other.checked, names, level, theme, direction, args.engine, args.opened)
    networks = _networks(args, args.compare)
    opened = shared_out([each.checked for each in networks], args.opened)
    drawn = [
        view(each.checked, Level(args.level or "stage"), own, not args.unfold)
        for each, own in zip(networks, opened, strict=True)
    ]
    sides = [Side(each, (each.title,) if args.no_caption else (each.title, each.doc)) for each in drawn]
    return draw_beside(sides, theme, direction, args.engine)


def _networks(args: argparse.Namespace, specs: list[str]) -> list[Network]:
    """The networks of `--compare` or `--diff`. `--net` given once is for all of them, else for one each."""
    nets: list[str | None] = [*args.net] or [None]
    if len(specs) == 1:
        specs = specs * len(nets)
    if len(nets) == 1:
        nets = nets * len(specs)
    if len(specs) < 2 or len(nets) != len(specs):
        raise UsageError(
            f"{_count(len(specs), 'spec')} and {_count(len(args.net), '--net')} do not make networks side by side",
            "name two specs or more, and with `--net` the network of all, or of each",
        )
    if specs.count("-") > 1:
        raise UsageError("standard input can be read once only", "name files for the others")
    pairs = zip(specs, nets, strict=True)
    return [network(argparse.Namespace(**{**vars(args), "spec": spec, "net": net})) for spec, net in pairs]


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 or what.startswith("-") else f"{count} {what}s"


def _scale(args: argparse.Namespace) -> float:
    scale = _DEFAULT_SCALE if args.scale is None else args.scale
    if args.dpi is not None:
        scale = args.dpi / _POINTS_PER_INCH
    if not 0.01 <= scale <= 100:
        option = f"--dpi {args.dpi:g}" if args.dpi is not None else f"--scale {scale:g}"
        raise UsageError(f"`{option}` is no scale for a picture", "such as `--scale 2` or `--dpi 300`")
    return float(scale)


def _by_name(output: str | None) -> str:
    from resnetdsl.emit.diagram.formats import SUFFIXES

    if output in (None, "-"):
        return "svg"
    known = {**SUFFIXES, ".html": "html"}
    suffix = Path(str(output)).suffix.lower()
    if suffix not in known:
        raise UsageError(f"no format goes by the name `{output}`", f"end it in {', '.join(known)}, or say --format")
    return known[suffix]
