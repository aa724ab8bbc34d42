"""The body of a `forward`: which results are nested in one another, which get a variable, and what it is called."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from resnetdsl.emit.pytorch.text import unique, variable

MOST_NESTED = 3
LONGEST = 80
_FIELD = re.compile(r"\{(\d+|all)\}")
_TENSOR = re.compile("\0(\\d+)\0")
_LETTERS = "abcdefgh"
_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2}
_QUOTE = str.maketrans("{}", "\2\3")
_UNQUOTE = str.maketrans("\2\3", "{}")


def quote(code: str) -> str:
    """Code to stand in a template: its braces are no fields."""
    return code.translate(_QUOTE)


@dataclass(slots=True)
class Step:
    """A call or an expression, with `{0}`, `{1}`, `{all}` for its operands; tensors are numbers.

    `target` tells calls of one kind: two of a kind stand on two lines. A call that is `alone` has its own line.
    An `alias` only passes its operand on; an `atom` is no call, but a name such as `self.gamma`.
    `loop` is the head of a `for` that runs the step again and again on its own result.
    """

    template: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    target: str = ""
    alone: bool = False
    alias: bool = False
    atom: bool = False
    label: str = ""
    loop: str = ""


@dataclass(frozen=True, slots=True)
class _Term:
    """The text of a tensor, in which marks stand for variables. `depth` is how many calls it nests."""

    text: str
    depth: int = 0
    targets: frozenset[str] = frozenset()
    alone: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    outputs: tuple[int, ...]
    text: str
    label: str = ""
    loop: str = ""


@dataclass(slots=True)
class Forward:
    """Turns steps into lines of source. `names` are wishes: what a tensor is called by those who get it."""

    steps: Sequence[Step]
    results: tuple[int, ...]
    arity: int
    names: dict[int, str] = field(default_factory=dict)
    _terms: dict[int, _Term] = field(default_factory=dict)
    _uses: dict[int, int] = field(default_factory=dict)
    _lines: list[_Line] = field(default_factory=list)

    def arguments(self) -> list[str]:
        if self.arity <= 3:
            return ["x", "y", "z"][: self.arity]
        return [f"x{i + 1}" for i in range(self.arity)]

    def lines(self, keys: Sequence[str] = ()) -> list[str]:
        """The statements and the `return`: of a dictionary where there are `keys`, literals for the results."""
        template = "\1".join(f"{{{at}}}" for at in range(len(self.results)))
        self._count(template)
        for tensor in range(self.arity):
            self._terms[tensor] = _mark(tensor)
        for step in self.steps:
            self._take(step)
        texts = self._apply(Step(template, self.results, (), alone=bool(keys))).text.split("\1")
        if keys:
            returned = f"{{{', '.join(f'{key}: {text}' for key, text in zip(keys, texts, strict=True))}}}"
        else:
            returned = ", ".join(texts)
        self._lines.append(_Line((), f"return {returned}"))
        return [line.translate(_UNQUOTE) for line in self._named()]

    # --- nesting ---

    def _count(self, template: str) -> None:
        """How often each tensor is read, aliases seen through."""
        real: dict[int, int] = {}
        reads: list[int] = []
        for step in self.steps:
            if step.alias and step.outputs:
                real[step.outputs[0]] = real.get(step.inputs[0], step.inputs[0])
            elif step.outputs:  # without, nobody reads it: it gets no text, and may lack operands
                reads += _operands(step.template, step.inputs)
        self._uses.update(Counter(real.get(tensor, tensor) for tensor in [*reads, *_operands(template, self.results)]))

    def _take(self, step: Step) -> None:
        """Give a step's result a line of its own, or leave it to be nested where it is read."""
        if step.alias and step.outputs:
            self._terms[step.outputs[0]] = self._terms[step.inputs[0]]
        elif step.atom:
            self._terms.update((output, _Term(step.template)) for output in step.outputs)  # none, if nobody reads it
        elif any(self._uses.get(output) for output in step.outputs):
            term = self._apply(step)
            if len(step.outputs) == 1 and self._uses[step.outputs[0]] == 1 and not step.loop:
                self._terms[step.outputs[0]] = term
            else:
                self._lines.append(_Line(step.outputs, term.text, step.label, step.loop))
                self._terms.update((output, _mark(output)) for output in step.outputs)

    def _apply(self, step: Step) -> _Term:
        """The text of a step; operands that are not to be nested in it get a variable first."""
        read = list(dict.fromkeys(_operands(step.template, step.inputs)))
        for tensor in read:
            term = self._terms[tensor]
            if term.depth and not self._may_nest(term, step, first=tensor == read[0], single=len(read) == 1):
                self._lines.append(_Line((tensor,), term.text, term.label))
                self._terms[tensor] = _mark(tensor)
        terms = [self._terms[tensor] for tensor in step.inputs]
        return _Term(
            fill(step.template, [term.text for term in terms]),
            1 + max((term.depth for term in terms), default=0),
            frozenset({step.target} - {""}).union(*(term.targets for term in terms)),
            step.alone,
            step.label,
        )

    def _may_nest(self, term: _Term, step: Step, *, first: bool, single: bool) -> bool:
        if not step.outputs:  # the return
            return single or (term.depth == 1 and not step.alone)
        if step.alone or step.loop or len(term.text) + len(step.template) > LONGEST:
            return False
        if single:
            return not term.alone and term.depth < MOST_NESTED and step.target not in term.targets
        return term.depth <= (1 if first else 2)

    # --- names ---

    def _named(self) -> Iterator[str]:
        reads = [list(dict.fromkeys(int(found) for found in _TENSOR.findall(line.text))) for line in self._lines]
        last = {tensor: at for at, those in enumerate(reads) for tensor in those}
        names = dict(enumerate(self.arguments()))
        live = set(names.values()) & {names[tensor] for tensor in names if tensor in last}
        live |= {word for line in self._lines for word in re.findall(r"\w+", line.loop)}
        for at, line in enumerate(self._lines):
            dying = [names[tensor] for tensor in reads[at] if last[tensor] == at]
            text = _TENSOR.sub(lambda match: names[int(match[1])], line.text)
            live.difference_update(dying)
            made = []
            for output in line.outputs:
                name = "_" if output not in last else self._name(output, line, dying, live)
                names[output] = name
                live |= {name} - {"_"}
                made.append(name)
            if not made:
                yield text
            elif line.loop:
                start = names[reads[at][0]]
                if made[0] != start:
                    yield f"{made[0]} = {start}"
                yield line.loop
                yield f"    {made[0]} = {_TENSOR.sub(made[0], line.text)}"
            elif text != made[0]:
                yield f"{', '.join(made)} = {text}"

    def _name(self, tensor: int, line: _Line, dying: list[str], live: set[str]) -> str:
        wish = variable(self.names.get(tensor, ""))
        if wish is not None and wish not in live:
            return wish
        label = variable(line.label)
        if label is not None and not line.loop and tensor in self.results and label not in live:
            return label
        several = len(line.outputs) > 1
        wishes = set(self.names.values())
        merged = len(dying) > 2  # none of several that end here is what comes of them
        if not (several or merged) and (kept := next((name for name in dying if name not in wishes), None)):
            return kept
        pool = [*_LETTERS] if several else ["out", *([label] if label else []), "y", "z"]
        free = next((name for name in pool if name not in live and name not in wishes), None)
        return free or unique(label or "part", set(live | wishes))


def _mark(tensor: int) -> _Term:
    return _Term(f"\0{tensor}\0")


def _operands(template: str, inputs: Sequence[int]) -> list[int]:
    """The tensors that a template reads, as often as it does."""
    found: list[int] = []
    for name in _FIELD.findall(template):
        found += inputs if name == "all" else [inputs[int(name)]]
    return found


def fill(template: str, texts: list[str]) -> str:
    """The template with its operands' texts, in parentheses where it would mean something else without."""

    def put(match: re.Match[str]) -> str:
        if match[1] == "all":
            return ", ".join(texts)
        text = texts[int(match[1])]
        before, after = template[: match.start()].rstrip()[-1:], template[match.end() :].lstrip()[:1]
        enclosed = before in {"", "(", "[", ",", "\1"} and after in {"", ")", "]", ",", "\1"}
        operator = template[match.end() :].strip().partition(" ")[0]
        in_order = before == "" and _BINDING.get(operator, 9) <= _binding(text)
        return text if enclosed or in_order or _is_tight(text) else f"({text})"

    return _FIELD.sub(put, template)


def _binding(text: str) -> int:
    """How tightly the operator outside of all brackets holds an expression together; 0 for other expressions."""
    tree = ast.parse(_TENSOR.sub("x", text), mode="eval").body
    return {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 2}.get(type(tree.op), 0) if isinstance(tree, ast.BinOp) else 0


def _is_tight(text: str) -> bool:
    """Whether any operator may stand beside it."""
    if text.isidentifier() or _TENSOR.fullmatch(text):
        return True
    tree = ast.parse(_TENSOR.sub("x", text), mode="eval").body
    return isinstance(tree, ast.Call | ast.Attribute | ast.Subscript | ast.Name)
