"""Other files: by a path beside this one, never outside of the project, each read once."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from resnetdsl.api import load
from resnetdsl.spec import Report

UNIT = "block unit(width) { conv(width, 3x3) -> relu }\n"
USE = "network n {\n    input 16x8x8\n    unit(16)\n}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a project's mark, so that imports may go up to it and no further."""
    root = tmp_path / "project"
    (root / "nets").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    return root


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name.replace("__", "/")).with_suffix(".rnet").write_text(dedent(text))


def check(path: Path) -> Report:
    return load(path).check()


def codes(path: Path) -> list[str]:
    return [each.code.id for each in check(path).diagnostics]


@pytest.mark.parametrize(
    "text",
    [
        'from "../blocks.rnet" import unit\n' + USE,
        'from "../blocks.rnet" import unit as u\n' + USE.replace("unit", "u"),
        'from "beside.rnet" import unit\n' + USE,
        'from "./beside.rnet" import unit\n' + USE,
        'from "../nets/beside.rnet" import unit\n' + USE,
        "from blocks import basic\nnetwork n {\n    input 16x8x8\n    basic(16)\n}\n",
    ],
)
def test_found(project: Path, text: str) -> None:
    write(project, blocks=UNIT, nets__beside='from "../blocks.rnet" import unit\n', nets__main=text)
    assert check(project / "nets" / "main.rnet").errors == ()


def test_imported_networks_are_templates(project: Path) -> None:
    write(
        project,
        base="network base(width = 16) {\n    input 3x8x8\n    conv(width, 3x3)\n}\nlet size = 3\n",
        main='from "base.rnet" import base, size\nnetwork mine = base(width = 8 * size)\n',
    )
    assert load(project / "main.rnet").networks == ("mine",)
    assert codes(project / "main.rnet") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('from "gone.rnet" import unit\n', ["E0705"]),
        ('from "../../outside.rnet" import unit\n', ["E0702"]),
        ('from "/etc/passwd" import unit\n', ["E0702"]),
        ('from "../blocks.rnet" import units\n', ["E0704"]),
        ('from "main.rnet" import unit\n', ["E0703"]),
        ('from "one.rnet" import unit\n', ["E0703"]),
        ("import nothing_of_this_name\n", ["E0701"]),
        ("from resnett import unit\n", ["E0701"]),
        ('from ".." import unit\n', ["E0705"]),
        ('from "../blocks.rnet" import unit, unit\n', ["E0202"]),
        ('from "../blocks.rnet" import unit\nblock unit() { relu }\n', ["E0202"]),
        ('from "../blocks.rnet" import unit, other\n', ["W0805"]),
    ],
)
def test_refused(project: Path, text: str, expected: list[str]) -> None:
    (project.parent / "outside.rnet").write_text(UNIT)
    write(
        project,
        blocks=UNIT + "let other = 3\n",
        nets__one='from "two.rnet" import unit\n',
        nets__two='from "one.rnet" import unit\n',
        nets__main=text + USE,
    )
    assert sorted(codes(project / "nets" / "main.rnet")) == expected


def test_a_link_out_of_the_project_is_outside(project: Path) -> None:
    (project.parent / "outside.rnet").write_text(UNIT)
    (project / "link.rnet").symlink_to(project.parent / "outside.rnet")
    write(project, main='from "link.rnet" import unit\n' + USE)
    assert codes(project / "main.rnet") == ["E0702"]


def test_mistakes_are_shown_where_they_are(project: Path) -> None:
    write(project, blocks="block unit(width) { conv(width, 3x3, foo = 1) -> foo }\n")
    write(project, main='from "blocks.rnet" import unit\n' + USE)
    found = check(project / "main.rnet").diagnostics
    assert {(each.code.id, each.primary.span.file.name) for each in found} == {
        ("E0203", "blocks.rnet"),
        ("E0201", "blocks.rnet"),
    }


def test_a_file_that_does_not_parse(project: Path) -> None:
    write(project, blocks="block unit(width { conv(width, 3x3) }\nlet = 3\n")
    write(project, main='from "blocks.rnet" import unit\n' + USE)
    found = check(project / "main.rnet").diagnostics
    assert {each.primary.span.file.name for each in found} == {"blocks.rnet"}
    assert all(each.code.id.startswith("E01") for each in found)


def test_a_file_of_bytes(project: Path) -> None:
    (project / "blocks.rnet").write_bytes(b"\xff\xfe\x00block")
    write(project, main='from "blocks.rnet" import unit\n' + USE)
    assert len(codes(project / "main.rnet")) == 1


def test_a_folder_is_no_file(project: Path) -> None:
    (project / "blocks.rnet").mkdir()
    write(project, main='from "blocks.rnet" import unit\n' + USE)
    assert codes(project / "main.rnet") == ["E0705"]


def test_a_diamond_is_read_once(project: Path) -> None:
    write(
        project,
        base=UNIT,
        left='from "base.rnet" import unit\nblock l() { unit(16) }\n',
        right='from "base.rnet" import unit\nblock r() { unit(16) }\n',
        main='from "left.rnet" import l\nfrom "right.rnet" import r\nnetwork n {\n    input 16x8x8\n    l -> r\n}\n',
    )
    assert codes(project / "main.rnet") == []


def test_a_text_has_no_folder_of_its_own_and_no_way_up() -> None:
    found = load('from "../secret.rnet" import unit\n' + USE).check()
    assert [each.code.id for each in found.diagnostics] == ["E0702"]


def test_what_a_template_allows_its_instances_may_do_in_any_file(project: Path) -> None:
    strided = "network base(width) {\n    input 16x8x8\n    conv(width, 1x1, stride = 2) -> relu\n}\n"
    main = 'from "base.rnet" import base\nnetwork mine = base(16)\n'
    write(project, base=strided, main=main)
    assert codes(project / "main.rnet") == ["W0904"]
    write(project, base=f"# allow: W0904 as published\n{strided}", main=main)
    assert codes(project / "main.rnet") == []
