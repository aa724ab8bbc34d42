"""The registry as a whole: what every op must have, and that no op's file brings torch in."""

from __future__ import annotations

import ast
import string
import subprocess
import sys
from pathlib import Path

import pytest

from resnetdsl.ops.base import REQUIRED, Kind, Op
from resnetdsl.ops.registry import ALL, OPS, op
from tests.ops.harness import HELPERS, check_helper

FILES = sorted(HELPERS.glob("*.py"))


def test_names_are_unique() -> None:
    assert len(OPS) == len(ALL)
    assert all(op(name).name == name for name in OPS)


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_every_op_explains_itself(op: Op) -> None:
    assert set(op.name) <= set(string.ascii_lowercase + string.digits + "_")
    assert op.doc.endswith(".")
    names = [param.name for param in op.params]
    assert len(set(names)) == len(names)
    for param in op.params:
        assert param.doc.endswith("."), param
        assert (param.kind is Kind.CHOICE) <= bool(param.choices), param


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_defaults_are_in_normal_form(op: Op) -> None:
    for param in op.params:
        default = param.default
        if default is REQUIRED or default is None:
            continue
        match param.kind:
            case Kind.INT:
                assert type(default) is int
            case Kind.FLOAT:
                assert type(default) is float
            case Kind.BOOL:
                assert type(default) is bool
            case Kind.CHOICE:
                assert default in param.choices
            case Kind.SIZE:
                assert isinstance(default, tuple)
                assert len(default) == 2
            case Kind.PADDING:
                assert default in param.choices or (isinstance(default, tuple) and len(default) == 4)
            case Kind.INTS:
                assert isinstance(default, tuple)
            case Kind.TEXT:
                assert isinstance(default, str)
            case Kind.INIT:
                assert default in param.choices or type(default) is float


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_required_parameters_come_first(op: Op) -> None:
    required = [param.default is REQUIRED for param in op.params]
    assert required == sorted(required, reverse=True)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_helpers_can_be_pasted(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    check_helper(text)
    last = ast.parse(text).body[-1]
    assert isinstance(last, ast.ClassDef | ast.FunctionDef)
    assert ast.get_docstring(last)


def test_no_torch() -> None:
    code = "import sys, resnetdsl.ops.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
