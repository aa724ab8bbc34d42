"""One class as source: its constructor and its `forward`, as a person would write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from resnetdsl.emit.pytorch import weights
from resnetdsl.emit.pytorch.bodies import Statement
from resnetdsl.emit.pytorch.classes import Class
from resnetdsl.emit.pytorch.cuts import HELPER
from resnetdsl.emit.pytorch.forward import Forward, Step, fill, quote
from resnetdsl.emit.pytorch.layout import signature, wrap
from resnetdsl.emit.pytorch.leaves import Form
from resnetdsl.emit.pytorch.parts import Printer, follows, holes
from resnetdsl.emit.pytorch.registry import Member
from resnetdsl.emit.pytorch.rolling import LEAST_LOOPED, Roll, roll
from resnetdsl.emit.pytorch.text import MODULE_ATTRIBUTES, docstring, is_plain, literal, unique, variable

_ENCLOSED = re.compile(r"(?:(?<=\()|(?<=, ))\(([^(),]*)\)(?=[,)])")
"""An argument in parentheses of its own."""

_NOTHING = {"{0} * 1", "{0} * 1.0"}
"""What leaves a tensor as it is."""


class Writer:
    """Writes a class. `outputs` are the names of its results where it returns a dictionary."""

    def __init__(self, cls: Class, printer: Printer, outputs: Sequence[str] = (), after: Sequence[str] = ()) -> None:
        self.cls = cls
        self.unit = cls.model
        self.printer = printer
        self.outputs = outputs
        self.after = after
        self.members = Member()
        self.stored: dict[str, None] = {}
        self.weightless: dict[str, str] = {}
        self.inits: list[str] = []
        self.rolls: dict[int, Roll] = {}
        self.names = Counter(statement.name for statement in self.unit.statements)
        heads = {statement.name.partition(".")[0] for statement in self.unit.statements if statement.weighted}
        self.taken = heads | MODULE_ATTRIBUTES | {param.name for param in cls.columns.params}
        texts = iter(cls.columns.texts)
        handed = {id(self.unit.statements[place]) for place in cls.handed}
        self.handed = handed
        self.optional = {self.unit.statements[place].name for place in cls.handed if cls.optional(place)}
        self.texts = {
            id(each): [] if id(each) in handed else list(islice(texts, sum(1 for _ in holes(each.part))))
            for each in self.unit.statements
        }

    def lines(self, doc: str) -> list[str]:
        """The class."""
        chain = self.unit.is_chain
        body = [*docstring(doc, "    "), ""] if doc else []
        made = self._sequential() if chain else self._module()
        base = "nn.Sequential" if chain else "nn.Module"
        lines = [f"class {self.cls.name}({base}):", *body, *made]
        while not lines[-1]:
            lines.pop()
        return lines

    # --- the two kinds of class ---

    def _sequential(self) -> list[str]:
        items = [(each.name, each.part) for each in self.unit.statements]
        texts = (text for each in self.unit.statements for text in self.texts[id(each)])
        for place, each in enumerate(self.unit.statements):
            self.inits += [weights.call(init, f"self[{place}]") for init in each.inits]
        made = [f"super().__init__({self.printer.sequence(items, texts)})", *self.inits, *self.after]
        forward = ["    def forward(self, x: Tensor) -> Tensor:", "        return super().forward(x)", ""]
        return [*self._constructor(made), *([f"    @{HELPER}", *forward] if self.cls.recomputed else [])]

    def _module(self) -> list[str]:
        plan = self._register()
        self.members.arrange(self.unit.order)
        steps = list(self._steps(plan))
        names = dict(zip(self.unit.results, self.outputs, strict=False))
        forward = Forward(steps, self.unit.results, self.unit.arity, names)
        keys = [literal(name) for name in self.outputs]
        body = forward.lines(keys)
        made = [f"self.{name} = {name}" for name in self.stored]
        made += [*self.members.lines(), *self.inits, *self.after]
        arguments = ", ".join(f"{name}: Tensor" for name in forward.arguments())
        count = len(self.unit.results)
        result = "dict[str, Tensor]" if keys else "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"
        lines = self._constructor(["super().__init__()", *made]) if made or self.cls.handed else []
        lines += [f"    @{HELPER}"] if self.cls.recomputed else []
        lines += signature(f"def forward(self{', ' if arguments else ''}{arguments}) -> {result}:", 4)
        for line in body:
            stripped = line.lstrip()
            lines += wrap(stripped, 8 + len(line) - len(stripped))
        return lines

    def _constructor(self, body: list[str]) -> list[str]:
        params = self.cls.columns.params
        written = [f"{p.name}: {p.hint}" for p in params if p.positional]
        by_name = [f"{p.name}: {p.hint}" for p in params if not p.positional and p.default is None]
        handed = [self.unit.statements[place].name for place in self.cls.handed]
        by_name += [f"{name}: nn.Module" for name in handed if name not in self.optional]
        defaulted = [f"{p.name}: {p.hint} = {p.default}" for p in params if p.default is not None]
        defaulted += [f"{name}: nn.Module | None = None" for name in handed if name in self.optional]
        arguments = ", ".join(["self", *written, *by_name, *defaulted])
        lines = signature(f"def __init__({arguments}) -> None:", 4)
        for line in body:
            stripped = line.lstrip()
            lines += wrap(stripped, 8 + len(line) - len(stripped))
        return [*lines, ""]

    # --- statements ---

    def _register(self) -> list[tuple[Statement, int]]:
        """Give every module and weight its name. Returns the statements, of a run of copies the first and how many."""
        statements = self.unit.statements
        uses = self._uses()
        plan, at = [], 0
        while at < len(statements):
            statement = statements[at]
            if (whole := self._whole(at, uses)) > 1:
                for each in statements[at : at + whole]:
                    self._enter(each, 1)
                self.members.run(statement.name.rpartition(".")[0])
                plan.append((statement, whole))
                at += whole
                continue
            if (again := self._roll(at, uses)) is not None:
                self.rolls[id(statement)] = again
                self.members.add(again.copy.name, Member(again.code, count=again.count))
                for each in again.body:
                    if each is not again.copy:
                        self._enter(each, 1)
                plan.append((statement, again.count))
                at += again.count * len(again.body)
                continue
            count = self._run(at, uses)
            count = count if count >= LEAST_LOOPED else 1
            self._enter(statement, count)
            plan.append((statement, count))
            at += count
        return plan

    def _enter(self, statement: Statement, count: int) -> None:
        handed = id(statement) in self.handed
        match statement.form:
            case Form.PARAMETER:
                code = f"nn.Parameter({self._code(statement)})"
                self.members.add(statement.name, Member(code, is_parameter=True))
            case Form.MODULE if handed or (statement.weighted and not statement.is_identity):
                self.members.add(statement.name, Member(self._code(statement), count=count))
            case Form.MODULE if not statement.is_identity:
                code = self._code(statement)
                if code not in self.weightless:
                    plain = next((name for name in (statement.name, statement.hint) if is_plain(name)), "layer")
                    self.weightless[code] = name = unique(plain, self.taken)
                    self.members.add(name, Member(code))
            case _:
                pass

    def _steps(self, plan: list[tuple[Statement, int]]) -> Iterator[Step]:
        places = {id(statement): place for place, statement in enumerate(self.unit.statements)}
        for statement, count in plan:
            handed = id(statement) in self.handed
            self.inits += [weights.call(init, self.members.reach(statement.name)) for init in statement.inits]
            head = statement.name.rpartition(".")[0]
            if id(statement) in self.rolls:
                yield self._rolled(self.rolls[id(statement)])
            elif count > 1 and self.members.is_run(head):
                place = places[id(statement)]
                for each in self.unit.statements[place + 1 : place + count]:
                    self.inits += [weights.call(init, self.members.reach(each.name)) for init in each.inits]
                last = self.unit.statements[place + count - 1]
                callee = quote(self.members.reach(head))
                yield Step(f"{callee}({{0}})", statement.inputs, last.outputs, alone=True, label=variable(head) or "")
            elif count > 1:
                last = self.unit.statements[places[id(statement)] + count - 1]
                head, callee = self.members.each(statement.name, count)
                template, label = f"{quote(callee)}({{0}})", statement.hint
                yield Step(template, statement.inputs, last.outputs, alone=True, label=label, loop=head)
            elif statement.form is Form.PARAMETER:
                yield self._step(statement, quote(self.members.reach(statement.name)), atom=True)
            elif statement.form is Form.EXPRESSION:
                texts = iter([self._stored(text) for text in self.texts[id(statement)]])
                template = _ENCLOSED.sub(r"\1", self.printer.render(statement.part, texts))
                yield self._step(statement, template, alias=template in _NOTHING)
            elif statement.is_identity and not handed:
                yield self._step(statement, "{0}", alias=True)
            else:
                yield self._call(statement)

    def _rolled(self, again: Roll) -> Step:
        """A round of a loop as one expression of what it carries."""
        head, callee = self.members.each(again.copy.name, again.count)
        texts = {again.body[0].inputs[0]: "carried"}
        for each in again.body:
            if each is again.copy:
                template = f"{quote(callee)}({{0}})"
            elif each.form is Form.EXPRESSION:
                template = self.printer.render(each.part, iter(self.texts[id(each)]))
            elif each.is_identity:
                template = "{0}"
            else:
                template = self._call(each).template
            texts[each.outputs[0]] = fill(template, [texts[tensor] for tensor in each.inputs])
        template = re.sub(r"\bcarried\b", "{0}", texts[again.body[-1].outputs[0]])
        return Step(template, again.body[0].inputs[:1], again.outputs, alone=True, loop=head)

    def _call(self, statement: Statement) -> Step:
        code = self._code(statement)
        name = self.weightless.get(code) if not statement.weighted else None
        callee = self.members.reach(name or statement.name)
        arguments = ", ".join(f"{{{port}}}" for port in range(len(statement.inputs)))
        template = f"{quote(callee)}({arguments})"
        return self._step(statement, template, target=code.partition("(")[0], alone=statement.child is not None)

    @staticmethod
    def _step(
        statement: Statement,
        template: str,
        *,
        target: str = "",
        alone: bool = False,
        alias: bool = False,
        atom: bool = False,
    ) -> Step:
        outputs = statement.outputs if statement.live else ()
        label = statement.name.rpartition(".")[2] or statement.hint
        label = statement.hint if label.isdecimal() else label
        return Step(template, statement.inputs, outputs, target, alone, alias, atom, label)

    def _code(self, statement: Statement) -> str:
        """The expression that makes a module or a weight."""
        if id(statement) in self.handed:
            name = statement.name
            return f"nn.Identity() if {name} is None else {name}" if name in self.optional else name
        return self.printer.render(statement.part, iter(self.texts[id(statement)]))

    def _stored(self, text: str) -> str:
        """A number in `forward`: a literal, or the parameter that the constructor keeps."""
        for param in self.cls.columns.params:
            if re.search(rf"\b{param.name}\b", text):
                self.stored[param.name] = None
                text = re.sub(rf"\b{param.name}\b", f"self.{param.name}", text)
                return f"({text})" if " " in text else text
        return text

    # --- runs of copies ---

    def _uses(self) -> dict[int, int]:
        return Counter([*(tensor for each in self.unit.statements for tensor in each.inputs), *self.unit.results])

    def _whole(self, at: int, uses: dict[int, int]) -> int:
        """How many statements from here on are all that a list has, one behind the other: then it is run as one."""
        statements = self.unit.statements
        head, _, name = statements[at].name.rpartition(".")
        if not head or name != "0" or self.unit.order:
            return 1
        members = [each for each in statements if each.weighted and each.name.startswith(f"{head}.")]
        run = statements[at : at + len(members)]
        if [each.name for each in run] != [f"{head}.{number}" for number in range(len(members))]:
            return 1
        linked = all(b.inputs == a.outputs and uses.get(a.outputs[0]) == 1 for a, b in pairwise(run))
        plain = all(self._may_chain(each) for each in run)
        return len(run) if linked and plain else 1

    def _roll(self, at: int, uses: dict[int, int]) -> Roll | None:
        # What the constructor is given would stand in the loop as an attribute: such a class is written out.
        if self.unit.order or self.cls.handed or self.cls.columns.params:
            return None
        again = roll(self.unit.statements, at, uses, self._code)
        return again if again is not None and all(self.names[name] == 1 for name in again.names) else None

    def _run(self, at: int, uses: dict[int, int]) -> int:
        """How many statements from here on are copies in a row."""
        statements = self.unit.statements
        first = statements[at]
        if not self._may_loop(first):
            return 1
        count, head, code = 1, first.name.rpartition(".")[0], self._code(first)
        while at + count < len(statements):
            before, each = statements[at + count - 1], statements[at + count]
            linked = each.inputs == before.outputs and uses.get(before.outputs[0]) == 1
            named = follows(before.name, each.name) and each.name.rpartition(".")[0] == head
            if not (linked and named and self._may_loop(each) and self._code(each) == code):
                break
            count += 1
        return count

    def _may_chain(self, statement: Statement) -> bool:
        one_to_one = len(statement.inputs) == len(statement.outputs) == 1
        plain = statement.form is Form.MODULE and statement.weighted and statement.live
        return one_to_one and plain and self.names[statement.name] == 1 and id(statement) not in self.handed

    def _may_loop(self, statement: Statement) -> bool:
        plain = not statement.inits and not self.unit.order
        return self._may_chain(statement) and plain and not statement.name.rpartition(".")[2].startswith("_")
