"""The numbers of a class: which are the same in every copy, which are one parameter, and what to call it.

Each number of a class's source is a column, each copy a row. A column of one value is a literal. Equal columns
are one parameter, and a column of channels that is everywhere so many times another is written so: `4 * width`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from resnetdsl.emit.pytorch.bodies import Statement, Unit
from resnetdsl.emit.pytorch.parts import Hole
from resnetdsl.emit.pytorch.text import literal, unique, variable
from resnetdsl.ir.graph import Value

Row = tuple[Value, ...]
_TAKEN = ("self", "x", "i")


@dataclass(slots=True)
class Param:
    """A parameter of a constructor. One with a default, and one that counts no channels, is given by name."""

    name: str
    values: Row
    channels: bool
    default: str | None = None

    @property
    def positional(self) -> bool:
        return self.channels and self.default is None

    @property
    def hint(self) -> str:
        """The type that its values have in common."""
        kinds = {_kind(value) for value in self.values}
        if kinds == {"int", "float"}:
            return "float"
        return " | ".join(sorted(kinds))


@dataclass(slots=True)
class Columns:
    """`texts` has the text of each number in the class's source, `values` what each module is made with."""

    texts: list[str] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    values: dict[int, Row] = field(default_factory=dict)


def unify(model: Unit, rows: list[tuple[Unit, list[tuple[Statement, Hole]]]]) -> Columns:
    """Decide on the parameters of a class."""
    distinct: dict[Row, int] = {}
    first: list[tuple[Unit, list[tuple[Statement, Hole]]]] = []
    row_of: list[int] = []
    for unit, numbers in rows:
        key: Row = tuple((type(hole.value).__name__, hole.value) for _, hole in numbers) + unit.channels
        if key not in distinct:
            distinct[key] = len(first)
            first.append((unit, numbers))
        row_of.append(distinct[key])
    counts = Counter(row_of)
    weights = [counts[row] for row in range(len(first))]
    table = _Table(model, first, weights)
    columns = table.columns()
    for (unit, _), row in zip(rows, row_of, strict=True):
        columns.values[id(unit)] = tuple(param.values[row] for param in columns.params)
    return columns


class _Table:
    """The distinct rows of a class and how often each occurs."""

    def __init__(self, model: Unit, rows: list[tuple[Unit, list[tuple[Statement, Hole]]]], weights: list[int]) -> None:
        self.weights = weights
        self.statements = [statement for statement, _ in rows[0][1]]
        self.columns_of = [[numbers[place][1] for _, numbers in rows] for place in range(len(rows[0][1]))]
        self.ends = tuple(tuple(unit.channels[end] for unit, _ in rows) for end in (0, 1))
        self.params: dict[tuple[str, Row], Param] = {}
        self.derived: dict[Row, str] = {}
        self.taken = {*_TAKEN, *(statement.name.partition(".")[0] for statement in model.statements)}

    def columns(self) -> Columns:
        texts = [self._text(place) for place in range(len(self.columns_of))]
        params = sorted(self.params.values(), key=lambda param: not param.positional)
        return Columns(texts, params)

    def _text(self, place: int) -> str:
        column = self.columns_of[place]
        values = tuple(hole.value for hole in column)
        if len(set(map(repr, values))) == 1:
            return literal(values[0])
        names = [name for name in column[0].names if all(name in hole.names for hole in column)]
        if names == ["padding"] and (half := self._half(place)) is not None:
            return half
        channels = all(hole.channels for hole in column)
        known = self._channel_text(values)
        if known is not None and (channels or names[:1] == ["groups"]):
            return known
        if channels:
            return self._new_channels(place, values)
        name = names[0] if names else "number"
        key = (name, values)
        if key not in self.params:
            # torch's own default where there is one, else what most copies have.
            default = column[0].default or self._default(values)
            self.params[key] = Param(self._name(name, place), values, channels=False, default=default)
        return self.params[key].name

    def _half(self, place: int) -> str | None:
        """The padding that follows from the kernel and the dilation; None where it is another."""
        beside = {
            self.columns_of[other][0].names[:1]: other
            for other, statement in enumerate(self.statements)
            if statement is self.statements[place]
        }
        kernel, dilation = beside.get(("kernel_size",)), beside.get(("dilation",))
        if kernel is None or dilation is None:
            return None
        rows = zip(*(self.columns_of[at] for at in (place, kernel, dilation)), strict=True)
        for row in rows:
            pad, size, apart = (hole.value for hole in row)
            if not (isinstance(pad, int) and isinstance(size, int) and isinstance(apart, int)):
                return None
            if pad != apart * (size // 2):
                return None
        size, apart = self._text(kernel), self._text(dilation)
        half = str(int(size) // 2) if size.isdecimal() else f"{size} // 2"
        if apart == "1":
            return half
        return apart if half == "1" else f"{apart} * {half}" if half.isdecimal() else f"{apart} * ({half})"

    def _channel_text(self, values: Row) -> str | None:
        if (found := self.params.get(("channels", values))) is not None:
            return found.name
        return self.derived.get(values)

    def _new_channels(self, place: int, values: Row) -> str:
        incoming, outgoing = self.ends
        for (kind, base), param in self.params.items():
            if kind != "channels" or (base == incoming and values == outgoing):
                continue
            ratio = _ratio(values, base)
            if ratio is not None:
                return self.derived.setdefault(values, ratio.format(param.name))
        if values == incoming:
            name = "channels" if incoming == outgoing else "in_channels"
        elif values == outgoing:
            name = "out_channels"
        else:
            name = "width"
        if name in self.taken:
            name = f"{variable(self.statements[place].name) or 'inner'}_channels"
        param = Param(unique(name, self.taken), values, channels=True)
        self.params["channels", values] = param
        return param.name

    def _name(self, name: str, place: int) -> str:
        """The plain name; where another number has it, with the layer in front."""
        plain = variable(name) or "number"
        if plain in self.taken:
            layer = variable(self.statements[place].name.replace(".", "_"))
            plain = f"{layer}_{plain}" if layer else plain
        return unique(plain, self.taken)

    def _default(self, values: Row) -> str | None:
        """The value of most copies."""
        votes: Counter[str] = Counter()
        for value, weight in zip(values, self.weights, strict=True):
            votes[literal(value)] += weight
        best, count = min(votes.items(), key=lambda item: (-item[1], item[0]))
        return best if 2 * count >= sum(self.weights) else None


def _ratio(values: Iterable[Value], base: Iterable[Value]) -> str | None:
    """How one column follows from another: a whole factor or divisor; None where it does not."""
    pairs = []
    for value, other in zip(values, base, strict=True):
        if type(value) is not int or type(other) is not int or not value or not other:
            return None
        pairs.append((value, other))
    value, other = pairs[0]
    if value % other == 0 and all(a == b * (value // other) for a, b in pairs):
        return f"{value // other} * {{}}"
    if other % value == 0 and all(b == a * (other // value) for a, b in pairs):
        return f"{{}} // {other // value}"
    return None


def _kind(value: Value) -> str:
    if isinstance(value, tuple):
        kinds = sorted({_kind(item) for item in value})
        inner = "float" if kinds == ["float", "int"] else " | ".join(kinds)
        return f"tuple[{', '.join([inner] * len(value))}]"
    return type(value).__name__
