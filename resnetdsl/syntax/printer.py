"""The formatter: a tree, with the comments and the breaks that its author chose, to text in one style.

Four spaces, one space around operators but none around `^` and `..`, at most 120 columns. What an author decides stays:
single empty lines, the lines of a chain, whether a body of one statement stands on one line, and comments. Formatting
twice is formatting once, and the text parses to the tree that it came from.
"""

from __future__ import annotations

from resnetdsl.diagnostics.model import Sink
from resnetdsl.source import SourceFile, Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.expressions import Expressions
from resnetdsl.syntax.layout import ANY, INDENT, RANGE, SUM, WIDTH
from resnetdsl.syntax.lexer import starts_like_statement
from resnetdsl.syntax.parser import parse


def format_source(text: str) -> str:
    """A spec in the one style; a text with mistakes of syntax comes back as it is."""
    sink = Sink()
    tree = parse(SourceFile("<text>", text), sink)
    return text if sink.has_errors else print_file(tree)


def print_file(tree: ast.File) -> str:
    """The text of a tree."""
    return Printer(tree).file()


class Printer(Expressions):
    """Statements and definitions; expressions are in the base class."""

    def __init__(self, tree: ast.File) -> None:
        super().__init__(tree.comments)
        self.tree = tree

    def file(self) -> str:
        lines: list[str] = []
        if self.tree.doc and not self.comments:
            lines += [*_doc(self.tree.doc), ""]
        previous: ast.Item | None = None
        end = 0
        for item in self.tree.items:
            start = len(lines)
            end = self.leading(lines, end, item.span.start, 0, first=previous is None)
            self.gap(lines, end, item.span.start)
            if not self.comments and isinstance(item, ast.Definition | ast.Instance) and item.doc:
                lines += _doc(item.doc)
            text = self.item(item)
            lines.append(text)
            end = self.trailing(lines, item.span.end)
            tall = "\n" in text or (isinstance(previous, ast.Definition) and self.was_tall)
            if previous is not None and tall and lines[start]:
                lines.insert(start, "")
            self.was_tall = "\n" in text
            previous = item
        self.leading(lines, end, None, 0, first=previous is None)
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines) + "\n" if lines else ""

    was_tall = False

    def item(self, item: ast.Item) -> str:
        match item:
            case ast.Definition():
                return self.definition(item)
            case ast.Instance():
                return self.instance(item)
            case ast.Let():
                return self.statement(item, 0)
            case ast.Import(names=()):
                return f"import {item.module}"
            case ast.Import():
                names = [n.name if n.alias is None else f"{n.name} as {n.alias}" for n in item.names]
                module = self.quote((item.module,)) if item.is_path else item.module
                head = f"from {module} import "
                text = head + ", ".join(names)
                return text if len(text) <= WIDTH else head + f",\n{' ' * INDENT}".join(names)

    def definition(self, item: ast.Definition) -> str:
        head = f"{item.kind.value} {item.name}"
        if item.params:
            parts = [(param.span, self.parameter(param)) for param in item.params]
            head += self.in_brackets("()", parts, 0, len(head), tail=2)
        return f"{head} {self.body(item.body, 0, _column(head) + 1)}"

    def parameter(self, param: ast.Parameter) -> str:
        if param.default is None:
            return param.name
        return f"{param.name} = {self.expr(param.default, ANY, INDENT, INDENT + len(param.name) + 3)}"

    def instance(self, item: ast.Instance) -> str:
        head = f"{item.kind.value} {item.name} = "
        text = head + self.expr(item.value, ANY, 0, len(head), tail=2 if item.expects else 0)
        if not item.expects:
            return text
        start = item.value.span.end
        span = Span(item.span.file, max(start, item.span.file.text.find("{", start)), item.span.end)
        return f"{text} {self.body(ast.Body(span, item.expects), 0, _column(text) + 1)}"

    # --- statements

    def body(self, body: ast.Body, indent: int, column: int, tail: int = 0) -> str:
        flat = self.flat_body(body)
        if flat is not None and column + len(flat) + tail <= WIDTH:
            return flat
        lines = ["{"]
        inner = indent + INDENT
        end = self.trailing(lines, body.span.start + 1)
        for index, statement in enumerate(body.statements):
            end = self.leading(lines, end, statement.span.start, inner, first=index == 0)
            if index or len(lines) > 1:
                self.gap(lines, end, statement.span.start)
            at = len(lines)
            lines.append(" " * inner + self.statement(statement, inner))
            # Comments that found no place inside the statement go above it.
            lost = self.take(statement.span.end)
            lines[at:at] = [" " * inner + comment.text.rstrip() for comment in lost]
            end = self.trailing(lines, statement.span.end)
        self.leading(lines, end, body.span.end, inner, first=not body.statements)
        lines.append(" " * indent + "}")
        return "\n".join(lines)

    def flat_body(self, body: ast.Body) -> str | None:
        if not body.statements and not self.has_comments(body.span):
            return "{}"
        if len(body.statements) != 1 or self.has_comments(body.span) or "\n" in body.span.text:
            return None
        text = self.flat_statement(body.statements[0])
        return None if text is None else f"{{ {text} }}"

    def flat_statement(self, statement: ast.Statement) -> str | None:
        """A statement on one line, whatever its length."""
        if id(statement) not in self.flats:
            printer = Printer(ast.File(self.tree.span, ()))
            printer.flats = self.flats
            text = printer.statement(statement, -(10**9))
            self.flats[id(statement)] = None if "\n" in text else text
        return self.flats[id(statement)]

    def statement(self, statement: ast.Statement, indent: int) -> str:  # noqa: C901, PLR0912 - one arm a form
        match statement:
            case ast.Step(value=value):
                return self.step(value, indent)
            case ast.Let(targets=targets, value=value):
                return self.headed(f"let {self.targets(targets)} = ", value, indent)
            case ast.For(targets=targets, iterable=iterable, body=body):
                head = self.headed(f"for {self.targets(targets)} in ", iterable, indent, tail=2)
                return f"{head} {self.body(body, indent, _column(head, indent) + 1)}"
            case ast.If():
                return self.if_(statement, indent)
            case ast.Param(label=label, shape=shape, value=value):
                head = f"param {self.label(label)}"
                if shape:
                    parts = [(dim.span, self.expr(dim, ANY, indent + INDENT, indent + INDENT)) for dim in shape]
                    head += self.in_brackets("[]", parts, indent, indent + len(head))
                return head if value is None else self.headed(f"{head} = ", value, indent)
            case ast.In(names=names):
                return f"in {self.targets(names)}"
            case ast.Out(values=values):
                return self.row("out ", values, ANY, indent)
            case ast.Tap(label=label, value=value):
                head = f"tap {self.label(label)}"
                return head if value is None else self.headed(f"{head} = ", value, indent)
            case ast.Order(labels=labels):
                return self.filled("order ", [self.label(label) for label in labels], indent)
            case ast.Expect(expectations=expectations):
                texts = [f"{e.metric} {e.op.value} {self.expr(e.value, SUM, indent, indent)}" for e in expectations]
                return self.filled("expect ", texts, indent)
            case ast.Require(condition=condition, message=message):
                return self.row("require ", (condition, message), ANY, indent)
            case ast.Input(dims=dims):
                return self.row("input ", dims, RANGE, indent)
            case ast.Stem(body=body):
                return f"stem {self.body(body, indent, indent + 5)}"
            case ast.Head(body=body):
                return f"head {self.body(body, indent, indent + 5)}"
            case ast.Stage(label=label, value=value):
                return self.headed(f"stage {self.label(label)}: ", value, indent)
            case _:
                raise TypeError(f"no statement: {type(statement).__name__}")

    def step(self, value: ast.Expr, indent: int) -> str:
        text = self.expr(value, ANY, indent, indent)
        return f"({text})" if starts_like_statement(text) else text

    def headed(self, head: str, value: ast.Expr, indent: int, tail: int = 0) -> str:
        return head + self.expr(value, ANY, indent, _column(head, indent), tail)

    def row(self, head: str, values: tuple[ast.Expr, ...], level: int, indent: int) -> str:
        texts = [self.expr(value, level, indent + INDENT, indent + INDENT) for value in values]
        if texts[0].startswith("-"):
            texts[0] = f"({texts[0]})"
        return self.filled(head, texts, indent)

    def filled(self, head: str, texts: list[str], indent: int) -> str:
        """A comma after each but the last, and as many on a line as fit."""
        text, column = head + texts[0], _column(head + texts[0], indent)
        for part in texts[1:]:
            if column + 2 + len(part.partition("\n")[0]) > WIDTH:
                text += ",\n" + " " * (indent + INDENT) + part
                column = _column(part, indent + INDENT)
            else:
                text += f", {part}"
                column = _column(part, column + 2)
        return text

    def if_(self, statement: ast.If, indent: int) -> str:
        head = self.headed("if ", statement.condition, indent, tail=2)
        text = f"{head} {self.body(statement.then, indent, _column(head, indent) + 1)}"
        otherwise = statement.otherwise
        if otherwise is None:
            return text
        between = statement.span.file.text[statement.then.span.end : otherwise.span.start]
        # A short `if` may have its `else` below it, as its author chose; after a tall one it stands beside the `}`.
        own_line = "\n" not in text and "\n" in between and indent >= 0
        beside = self.comment_beside(statement.then.span.end)
        if beside is not None:
            text += f"  {beside.text.rstrip()}"
        text += "\n" + " " * indent + "else " if own_line or beside is not None else " else "
        nested = otherwise.statements[0] if len(otherwise.statements) == 1 else None
        if isinstance(nested, ast.If) and nested.span == otherwise.span:
            return text + self.if_(nested, indent)
        return text + self.body(otherwise, indent, _column(text, indent))

    def targets(self, targets: tuple[ast.Target, ...]) -> str:
        return ", ".join(self.target(target) for target in targets)

    def target(self, target: ast.Target) -> str:
        if target.name is not None:
            return target.name
        comma = "," if len(target.parts) == 1 else ""
        return f"({self.targets(target.parts)}{comma})"

    # --- comments and empty lines

    def leading(self, lines: list[str], end: int, start: int | None, indent: int, *, first: bool) -> int:
        """Comments before a place, on lines of their own. Returns where the last of them ends."""
        for comment in self.take(start):
            if not first:
                self.gap(lines, end, comment.span.start)
            lines.append(" " * indent + comment.text.rstrip())
            end, first = comment.span.end, False
        return end

    def trailing(self, lines: list[str], end: int) -> int:
        """The comment at the end of the line that ends here."""
        comment = self.comment_beside(end)
        if comment is None:
            return end
        lines[-1] += f"  {comment.text.rstrip()}"
        return comment.span.end

    def gap(self, lines: list[str], end: int, start: int) -> None:
        """An empty line where the author had one or more."""
        text = self.tree.span.file.text
        if lines and lines[-1] and text.count("\n", end, start) > 1:
            lines.append("")


def _doc(doc: str) -> list[str]:
    return [f"## {line}".rstrip() for line in doc.split("\n")]


def _column(text: str, before: int = 0) -> int:
    """The column after a text that begins at a column."""
    line = text.rfind("\n")
    return before + len(text) if line < 0 else len(text) - line - 1
