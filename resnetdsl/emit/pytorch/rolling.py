"""Steps that come again and again: a copy with the next name, and what joins its result to what was before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from resnetdsl.emit.pytorch.bodies import Statement
from resnetdsl.emit.pytorch.leaves import Form
from resnetdsl.emit.pytorch.parts import follows, line, stem

LEAST_LOOPED = 4
"""So many copies in a row, under names that count, become a loop."""

_NUMBER = re.compile(r"(?<![\w.])(\d+)(?![\w.])")


@dataclass(frozen=True, slots=True)
class Roll:
    """`count` times the statements of `body`, one of which is a copy, made by `code` for the number `i` of its name.

    They read what the round before made, and nothing else.
    """

    body: tuple[Statement, ...]
    copy: Statement
    code: str
    names: tuple[str, ...]
    outputs: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.names)


def roll(
    statements: Sequence[Statement], at: int, uses: Mapping[int, int], code: Callable[[Statement], str]
) -> Roll | None:
    """The longest run of rounds of two or three statements from here on, if it is worth a loop."""
    for period in (2, 3):
        body = tuple(statements[at : at + period])
        copies = [each for each in body if each.weighted]
        if len(body) < period or len(copies) != 1 or not _may_begin(body, copies[0]):
            continue
        rounds = [body]
        for start in range(at + period, len(statements), period):
            after = tuple(statements[start : start + period])
            if not _goes_on(rounds, after, uses, code):
                break
            rounds.append(after)
        place = body.index(copies[0])
        name = copies[0].name
        made = _rising([code(each[place]) for each in rounds], int(name[len(stem(name)) :]))
        if len(rounds) >= LEAST_LOOPED and made is not None:
            return Roll(body, copies[0], made, tuple(each[place].name for each in rounds), rounds[-1][-1].outputs)
    return None


def _may_begin(body: Sequence[Statement], copy: Statement) -> bool:
    """Whether one tensor goes in and one comes out, past a copy whose name can count on."""
    inside = {output for each in body for output in each.outputs}
    read = {tensor for each in body for tensor in each.inputs} - inside
    single = all(len(each.outputs) == 1 and each.live and not each.inits for each in body)
    counts = bool(stem(copy.name.rpartition(".")[2])) and copy.name[-1].isdigit() and not copy.name.startswith("_")
    return single and len(read) == 1 and counts and copy.form is Form.MODULE and body[0].inputs[:1] == tuple(read)


def _goes_on(
    rounds: Sequence[tuple[Statement, ...]],
    after: tuple[Statement, ...],
    uses: Mapping[int, int],
    code: Callable[[Statement], str],
) -> bool:
    """Whether these statements do once more what the first round did, to what the last round made."""
    first, last = rounds[0], rounds[-1]
    if len(after) < len(first):
        return False
    made = last[-1].outputs[0]
    same = {first[0].inputs[0]: made} | {
        a.outputs[0]: b.outputs[0] for a, b in zip(first, after, strict=True) if b.outputs
    }
    if any(uses.get(each.outputs[0]) != 1 for each in last[:-1]):
        return False
    if uses.get(made) != sum(each.inputs.count(made) for each in after):
        return False
    return all(
        one.form is each.form
        and len(each.outputs) == 1
        and each.live
        and not each.inits
        and each.inputs == tuple(same.get(tensor, -1) for tensor in one.inputs)
        and (follows(before.name, each.name) if one.weighted else not each.weighted and code(one) == code(each))
        and (one.child is None) == (each.child is None)
        for one, before, each in zip(first, last, after, strict=True)
    )


def _rising(codes: Sequence[str], first: int) -> str | None:
    """One code for all copies, whose numbers may rise evenly with `i`, which starts at the first one's number."""
    pieces = [_NUMBER.split(code) for code in codes]
    if len({tuple(each[::2]) for each in pieces}) != 1:
        return None
    made = []
    for place, values in enumerate(zip(*pieces, strict=True)):
        if len(set(values)) == 1:
            made.append(values[0])
            continue
        numbers = [int(value) for value in values] if place % 2 else []
        step = numbers[1] - numbers[0]
        start = numbers[0] - step * first
        if step <= 0 or numbers != [numbers[0] + step * at for at in range(len(numbers))]:
            return None
        made.append(line(start, step))
    return "".join(made)
