"""Shipped specs, damaged: what a slip of the keyboard, a bad merge or a curious user would make of them."""

from __future__ import annotations

import random
import re

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|\s+|->|\.\.|.", re.DOTALL)
_WORDS = (
    "conv",
    "relu",
    "none",
    "identity",
    "x",
    "to",
    "residual",
    "in",
    "shared",
    "if",
    "else",
    "for",
    "let",
    "stage",
    "-1",
    "0",
    "3x3",
    "64",
)
_MARKS = ("{", "}", "(", ")", "[", "]", ",", ":", "->", "=", "*", "+", "/", "..", '"', "\n", "#", "é", "\t", "\x00")


def mutate(text: str, seed: int) -> str:
    """One to three changes to the tokens of a spec."""
    dice = random.Random(seed)
    tokens = _TOKEN.findall(text)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(tokens))
        match dice.randrange(7):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[dice.randrange(len(tokens))])
            case 2:
                other = dice.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens[at] = dice.choice(_WORDS)
            case 4:
                tokens.insert(at, dice.choice(_MARKS))
            case 5:
                numbers = [i for i, token in enumerate(tokens) if token.isdigit()]
                if numbers:
                    tokens[dice.choice(numbers)] = dice.choice(
                        ("0", "1", "3", "7", "1000000000", "2.5", "99999999999999999999")
                    )
            case _:
                end = min(len(tokens), at + dice.randint(1, 20))
                del tokens[at:end]
        if not tokens:
            break
    return "".join(tokens)
