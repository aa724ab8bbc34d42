"""A picture in TikZ: a `tikzpicture` that a paper takes in with `input`, or a LaTeX document of its own.

It is set in Helvetica, whose widths are those that the texts were measured by.
"""

from __future__ import annotations

from resnetdsl.emit.diagram.picture import Circle, Curve, Ink, Picture, Point, Rect, Shape, Text
from resnetdsl.emit.diagram.svg import number

_USE = r"""% Made by resnetdsl, for \resizebox{\columnwidth}{!}{\input{...}} in a paper with
%   \usepackage{tikz} \usepackage[T1]{fontenc} \usepackage[utf8]{inputenc} \usepackage{textcomp}
"""
_HEAD = r"""% Made by resnetdsl.
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage{tikz}
\usepackage[papersize={WIDTHbp,HEIGHTbp},margin=0bp]{geometry}
\pagestyle{empty}
\setlength{\parindent}{0pt}
\setlength{\topskip}{0pt}
\begin{document}
"""
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "|": r"\textbar{}",
    "-": r"-{}",
    "×": r"\texttimes{}",
    "·": r"\textperiodcentered{}",
    "…": r"\dots{}",
    "→": r"$\rightarrow$",
    "−": r"$-$",
    "±": r"$\pm$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "’": r"\textquoteright{}",
}
_LACKING = r"\rule{0.5em}{0.6em}"


def to_latex(picture: Picture) -> str:
    """A LaTeX document with a page as large as the picture."""
    head = _HEAD.replace("WIDTH", number(picture.width)).replace("HEIGHT", number(picture.height))
    return f"{head}{_tikz(picture)}\\end{{document}}\n"


def to_tikz(picture: Picture) -> str:
    """A `tikzpicture`, and above it what a paper needs for it."""
    return _USE + _tikz(picture)


def _tikz(picture: Picture) -> str:
    colours = sorted(set(_colours(picture)))
    names = {colour: f"rn{colour[1:]}" for colour in colours}
    lines = ["\\begin{tikzpicture}[x=1bp,y=-1bp]"]
    lines += [f"\\definecolor{{{names[colour]}}}{{HTML}}{{{colour[1:].upper()}}}" for colour in colours]
    fill = f"\\fill[{names[picture.page]}]" if picture.page else "\\path"
    lines.append(f"{fill} (0,0) rectangle ({number(picture.width)},{number(picture.height)});")
    for group in picture.groups:
        lines.append(f"% {group.classes}")
        lines += [_shape(shape, names) for shape in group.shapes]
    return "\n".join([*lines, "\\end{tikzpicture}%"]) + "\n"


def _colours(picture: Picture) -> list[str]:
    found = [picture.page] if picture.page else []
    for shape in picture.shapes():
        found += [shape.colour] if isinstance(shape, Text) else filter(None, (shape.ink.fill, shape.ink.stroke))
    return found


def _shape(shape: Shape, names: dict[str, str]) -> str:
    match shape:
        case Rect(x=x, y=y, width=width, height=height, radius=radius):
            corner = f",rounded corners={number(min(radius, width / 2, height / 2))}bp" if radius else ""
            end = _point((x + width, y + height))
            return f"\\path[{_ink(shape.ink, names)}{corner}] {_point((x, y))} rectangle {end};"
        case Circle(x=x, y=y, radius=radius):
            return f"\\path[{_ink(shape.ink, names)}] {_point((x, y))} circle[radius={number(radius)}bp];"
        case Curve():
            return f"\\path[{_ink(shape.ink, names)}] {_path(shape)};"
        case Text(x=x, y=y, text=text, size=size, colour=colour, anchor=anchor):
            where = {"start": "base west", "middle": "base", "end": "base east"}[anchor]
            series = "\\bfseries" if shape.bold else ""
            font = f"\\fontfamily{{phv}}{series}\\fontsize{{{number(size)}bp}}{{{number(size)}bp}}\\selectfont"
            options = f"anchor={where},inner sep=0pt,outer sep=0pt,text={names[colour]}"
            return f"\\node[{options}] at {_point((x, y))} {{{font}\\strut {latex(text)}}};"


def _path(curve: Curve) -> str:
    parts = [_point(curve.start)]
    for piece in curve.pieces:
        if len(piece) == 1:
            parts.append(f"-- {_point(piece[0])}")
        else:
            parts.append(f".. controls {_point(piece[0])} and {_point(piece[1])} .. {_point(piece[2])}")
    return " ".join([*parts, "-- cycle"] if curve.closed else parts)


def _ink(ink: Ink, names: dict[str, str]) -> str:
    options = [f"fill={names[ink.fill]}"] if ink.fill else []
    if ink.stroke:
        options += [f"draw={names[ink.stroke]}", f"line width={number(ink.width)}bp"]
    if ink.dash:
        on, off = ink.dash
        options += [f"dash pattern=on {number(on)}bp off {number(off)}bp", "line cap=round"]
    return ",".join(options)


def _point(point: Point) -> str:
    return f"({number(point[0])},{number(point[1])})"


def latex(text: str) -> str:
    """A text that LaTeX sets as it is: nothing in it is read as a command. What its fonts lack is a black box."""
    return "".join(map(_char, text))


def _char(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    plain = " " <= char <= "~" or "\u00c0" <= char <= "\u00ff"
    return char if plain else _LACKING
