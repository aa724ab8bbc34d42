"""What goes wrong inside of a definition by what it was given is one message, where it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.api import load
from resnetdsl.diagnostics.model import Diagnostic, Sink
from resnetdsl.paths import library_dir
from resnetdsl.source import SourceFile
from resnetdsl.syntax import ast
from resnetdsl.syntax.parser import parse
from tests.checks.looking import body, report

WRONG = ('"oops"', "2.5", "-3", "[1, 2, 3, 4, 5]", "max_pool(2)")
FORMS = {
    ast.DefinitionKind.SHORTCUT: "residual({call}) {{ conv(64, 3x3) }}",
    ast.DefinitionKind.STEM: "stem {{ {call} }}",
    ast.DefinitionKind.HEAD: "head {{ {call} }}",
    ast.DefinitionKind.BLOCK: "{call}",
}


def told(line: str) -> list[tuple[str, str]]:
    """The errors of a network with this line: their codes and the text that they point at, all of it in the spec."""
    return [_place(each) for each in report(body("    conv(32, 3x3)", f"    {line}", input="3x32x32")).errors]


def _place(found: Diagnostic) -> tuple[str, str]:
    assert found.primary.span.file.name == "<text>", found
    return found.code.id, found.primary.span.text


@pytest.mark.parametrize(
    ("line", "code", "at"),
    [
        ('basic(64, act = "relu")', "E0218", '"relu"'),
        ("3 * basic(64, act = 3)", "E0218", "3"),
        ('basic("64")', "E0207", '"64"'),
        ("basic(64.5)", "E0209", "64.5"),
        ("basic(64, stride = 0)", "E0210", "0"),
        ("basic(64, act = conv)", "E0204", "conv"),
        ("basic(64, act = linear(3))", "E0307", "linear(3)"),
        ("basic(64, shortcut = scaled)", "E0204", "scaled"),
        ("basic(64, attention = se(7))", "E0209", "7"),
        ("bottleneck(64, expansion = 0.3)", "E0209", "0.3"),
        ("bottleneck(64, groups = relu)", "E0211", "relu"),
        ("basic(64, act = flatten)", "E0306", "basic(64, act = flatten)"),
        (
            "residual(exclusive_gate(match = max_pool(2))) { conv(32, 3x3) }",
            "E0302",
            "exclusive_gate(match = max_pool(2))",
        ),
    ],
)
def test_of_the_library(line: str, code: str, at: str) -> None:
    assert told(line) == [(code, at)]


def definitions() -> list[ast.Definition]:
    files = (SourceFile(path.name, path.read_text(encoding="utf-8")) for path in sorted(library_dir().glob("*.rnet")))
    return [item for file in files for item in parse(file, Sink()).items if isinstance(item, ast.Definition)]


@pytest.mark.parametrize("definition", definitions(), ids=lambda definition: definition.name)
def test_every_parameter_of_the_library(definition: ast.Definition) -> None:
    """One wrong value is one message in the spec, wherever in the library it does harm."""
    needed = {param.name: "16" for param in definition.params if param.default is None}
    form = FORMS[definition.kind]

    def errors(arguments: dict[str, str]) -> list[tuple[str, str]]:
        given = ", ".join(f"{name} = {value}" for name, value in arguments.items())
        return told(form.format(call=f"{definition.name}({given})"))

    fits = not errors(needed)
    for param in definition.params:
        for wrong in WRONG:
            found = errors({**needed, param.name: wrong})
            assert not fits or len(found) <= 1, (param.name, wrong, found)


def test_of_a_shipped_spec() -> None:
    found = report('from resnet import resnet\n\nnetwork mine = resnet(basic(act = "relu"), [1, 1])\n').errors
    assert [_place(each) for each in found] == [("E0218", '"relu"')]
    found = report("from resnet import resnet\n\nnetwork mine = resnet(basic, [1, 1], width = 7.5)\n").errors
    assert [_place(each) for each in found] == [("E0209", "7.5")]


def test_the_place_inside_is_told_beside() -> None:
    (found,) = report(body('    basic(64, act = "relu")')).errors
    assert found.primary.text == "given as `act` to `basic`"
    assert found.secondary[0].span.file.name == "library/blocks.rnet"
    assert found.secondary[0].text == "this is a string, and cannot be applied to a tensor"
    assert found.helps == ("layers go by their names, without quotes: `relu`",)


def test_a_fix_goes_to_the_argument() -> None:
    (found,) = report(body("    basic(64, shortcut = identity)", input="32x16x16")).errors
    assert [(edit.span.text, edit.replacement) for edit in found.fix] == [("identity", "projection")]


OWN = """
block mine(w, act = relu) {
    conv(w, 3x3) -> act
    conv(w, 3x3) -> act
}
network n {
    input 3x32x32
    mine(%s)
}
"""


def test_of_a_block_of_ones_own() -> None:
    """What is handed on as it is, is wrong where it was given; what is computed may be wrong where it is computed."""
    assert [_place(each) for each in report(OWN % '16, act = "relu"').errors] == [("E0218", '"relu"')]
    assert [_place(each) for each in report(OWN % "0").errors] == [("E0210", "0")]
    halved = OWN.replace("(w, 3x3)", "(w / 2, 3x3)")
    assert [_place(each) for each in report(halved % "7").errors] == [("E0209", "w / 2")] * 2


def test_a_name_that_is_bound_again_is_nobodys_argument() -> None:
    again = OWN.replace("    conv(w, 3x3) -> act\n", '    let act = "relu"\n    conv(w, 3x3) -> act\n', 1)
    assert [_place(each)[1] for each in report(again % "16, act = gelu").errors] == ["act", "act"]


def test_what_is_independent_is_told() -> None:
    assert told('basic("64", act = 3)') == [("E0207", '"64"'), ("E0218", "3")]


def test_an_imported_file_of_ones_own_is_told_in_its_text(tmp_path: Path) -> None:
    (tmp_path / "parts.rnet").write_text("block half { conv(x.channels / 2.5, 3x3) }\n")
    (tmp_path / "main.rnet").write_text('from "parts.rnet" import half\nnetwork n {\n    input 3x32x32\n    half\n}\n')
    (found,) = load(tmp_path / "main.rnet").check().errors
    assert found.primary.span.file.name == "parts.rnet"
