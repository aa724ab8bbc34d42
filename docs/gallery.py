"""Draws docs/gallery/ and writes docs/gallery.md, by the commands that the page shows.

`python docs/gallery.py` draws all pictures anew, `--check` only says whether one would change; `--png FOLDER` draws
them as PNG into a folder, to be looked at.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from resnetdsl.cli.main import main as resnetdsl

DOCS = Path(__file__).resolve().parent
GALLERY = DOCS / "gallery"

_HEAD = """\
# Gallery

Every picture is what the command under it draws; `python docs/gallery.py` draws them all. Shortcuts run beside their
branches: a solid line is the identity, a dotted one changes its tensor and has its name, as in figure 3 of He et al.,
2015. `/2` halves the resolution, `3 ×` stands for equal blocks in a row, and a shape stands where it changes.
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """A picture: the name of its file, what it shows, and the arguments of the command that draws it."""

    name: str
    title: str
    text: str
    command: str


PIECES = (
    Piece(
        "resnet50-network",
        "ResNet-50 at a glance",
        "At level `network` a stage is a box with the arcs of its shortcuts: as wide as a column of a paper.",
        "render resnet50 --level network",
    ),
    Piece(
        "resnet18", "ResNet-18", "Level `stage`, the default: the blocks, each beside its shortcut.", "render resnet18"
    ),
    Piece(
        "resnet34",
        "Plain-34 beside ResNet-34",
        "Figure 3 of He et al., 2015: equal stages stand at one height.",
        "render --compare plain34 resnet34",
    ),
    Piece(
        "figure3",
        "The same at a glance",
        "At level `network`, to the right.",
        "render --compare plain34 resnet34 --level network --direction right",
    ),
    Piece(
        "resnet50",
        "ResNet-50",
        "Level `block` opens the first block of a kind; the others are its copies. `--columns` makes a page of it, in "
        "black and white.",
        "render resnet50 --level block --columns 4 --theme paper",
    ),
    Piece(
        "resnet152",
        "ResNet-152",
        "The deepest of the first paper; a repeat is as long as its first copy.",
        "render resnet152 --columns 2",
    ),
    Piece(
        "resnext50",
        "ResNeXt-50",
        "32 groups in the 3x3 convolution (Xie et al., 2017); `--open` shows one block.",
        "render resnext50_32x4d --level network --open layer1.0",
    ),
    Piece(
        "seresnet50",
        "SE-ResNet-50",
        "Squeeze-and-excitation (Hu et al., 2018) inside a residual branch, opened.",
        "render seresnet50 --level network --open layer1.1.se",
    ),
    Piece(
        "orders",
        "Orders of norm and activation",
        "Figure 4 of He et al., 2016: original, norm after the addition, activation before it, activation only, and "
        "full pre-activation, from [one spec](gallery/orders.rnet).",
        "render --compare docs/gallery/orders.rnet --net original --net norm_after --net relu_before "
        "--net relu_only --net full_preactivation --level op --no-caption",
    ),
    Piece(
        "resnet50d",
        "ResNet-50-D",
        "The deep stem, and a shortcut that averages before it projects (He et al., 2019), opened.",
        "render resnet50d --level network --open stem --open layer2.0 --open layer2.0.downsample",
    ),
    Piece(
        "densenet121",
        "DenseNet-121",
        "Huang et al., 2017, figure 2: dense blocks and the transitions between them.",
        "render densenet121 --columns 2",
    ),
    Piece(
        "convnext_tiny",
        "ConvNeXt-T",
        "Liu et al., 2022, figure 4: a block of the third stage, with the learned scale of its branch, opened.",
        "render convnext_tiny --level network --open stages.2.blocks.0",
    ),
    Piece(
        "nfnet_f0",
        "NFNet-F0",
        "Brock et al., 2021: no norms, and a branch that is scaled in front and behind.",
        "render dm_nfnet_f0 --level network --open stages.1.0",
    ),
    Piece(
        "preresnet1001",
        "The 1001-layer network",
        "He et al., 2016: 333 blocks in three stages.",
        "render preresnet1001 --level block",
    ),
    Piece(
        "backbone",
        "A backbone with taps",
        "ResNet-50 for detection: results at strides 4, 8, 16 and 32, and sizes that may vary.",
        "render resnet50_backbone",
    ),
    Piece(
        "right",
        "To the right",
        "`--direction right`, for slides and wide figures, in the colours of `colour-blind`.",
        "render resnet18 --level network --direction right --theme colour-blind",
    ),
    Piece(
        "difference",
        "What differs",
        "`--diff` colours what was added, removed or changed, and opens no more than it takes to see it.",
        "render --diff resnet18 resnet34 --theme colour-blind",
    ),
    Piece(
        "plot",
        "Along the depth",
        "`summary --plot`: parameters, multiply-accumulates, memory and receptive field of ResNet-50.",
        "summary resnet50",
    ),
)


def draw(piece: Piece, path: Path) -> None:
    """Draw a picture by its command, as a user would."""
    option = "--plot" if piece.command.startswith("summary") else "-o"
    words = [word.replace("docs/", f"{DOCS}/") for word in shlex.split(piece.command)]
    status = resnetdsl([*words, option, str(path), "-q"])
    if status != 0:
        sys.exit(f"{piece.command}: exit code {status}")


def page() -> str:
    """docs/gallery.md."""
    parts = [_HEAD]
    for piece in PIECES:
        option = "--plot" if piece.command.startswith("summary") else "-o"
        command = f"resnetdsl {piece.command} {option} {piece.name}.svg"
        picture = f"![{piece.title}](gallery/{piece.name}.svg)"
        parts.append(f"## {piece.title}\n\n{piece.text}\n\n```sh\n{command}\n```\n\n{picture}\n")
    return "\n".join(parts)


def current() -> dict[Path, bytes]:
    """What every file should be."""
    found = {DOCS / "gallery.md": page().encode()}
    with tempfile.TemporaryDirectory() as folder:
        for piece in PIECES:
            path = Path(folder) / f"{piece.name}.svg"
            draw(piece, path)
            found[GALLERY / path.name] = path.read_bytes()
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw docs/gallery/ and write its page.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a picture is not current")
    parser.add_argument("--png", metavar="FOLDER", type=Path, help="draw them as PNG into a folder instead")
    args = parser.parse_args(arguments)
    if args.png is not None:
        args.png.mkdir(parents=True, exist_ok=True)
        for piece in PIECES:
            draw(piece, args.png / f"{piece.name}.png")
        return 0
    files = current()
    changed = [path for path, data in files.items() if not path.exists() or path.read_bytes() != data]
    unknown = [path for path in GALLERY.glob("*.svg") if path not in files]
    if args.check:
        names = ", ".join(str(path.relative_to(DOCS)) for path in [*changed, *unknown])
        if names:
            print(f"the gallery is not current ({names}): run `python docs/gallery.py`", file=sys.stderr)
        return int(bool(names))
    for path in changed:
        path.write_bytes(files[path])
    for path in unknown:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
