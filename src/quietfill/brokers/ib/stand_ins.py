"""What the paper gateway says where it works one of Interactive Brokers' algos by a stand-in.

It says so in the same words in a warning (399) before the order is acknowledged, in the open order and in the completed
one, so that whoever missed the first still hears of it. Interactive Brokers itself never says this.
"""

from __future__ import annotations

import re

_SAYS = re.compile(r"the paper gateway works (?P<algo>\w+) by a stand-in: (?P<by>[\w' ]+)")


def note_of(text: str) -> str | None:
    """Return who works an order, as its reports must say, where *text* tells of a stand-in; else None."""
    said = _SAYS.search(text)
    return None if said is None else f"worked by a stand-in for Interactive Brokers' {said['algo']}: {said['by']}"
