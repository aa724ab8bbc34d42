"""E0214: attributes that no value has, in bodies that no network runs as well."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate.habits import python_module
from resnetdsl.elaborate.meant import nearest
from resnetdsl.elaborate.parts import TENSOR_ATTRIBUTES
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import walk


def check(tree: ast.File, sink: Sink) -> None:
    for node in walk(tree):
        if isinstance(node, ast.Attribute) and node.name not in TENSOR_ATTRIBUTES and python_module(node) is None:
            near = nearest(node.name, TENSOR_ATTRIBUTES)
            sink.report("E0214", node.span, attribute=node.name, owner="a tensor", suggestion=near)
