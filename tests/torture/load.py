"""Generates a market's messages as upstream services publish them: with duplicates and with garbage."""

import random
import re
from collections.abc import Iterator

from infra.demo import market
from infra.wire.ticks import is_tick

TWICE = GARBAGE = 0.03


def lines(orders: int, seed: int, sellers: int = 1) -> Iterator[bytes]:
    """The messages in the order of sending.  The market has five sellers; `sellers` multiplies them."""
    chance = random.Random(seed)
    for number in range(sellers):
        for line in market.messages(orders // sellers, seed + number):
            if is_tick(line):
                continue
            own = re.sub(rb'("sellerid": ?"[a-z-]+)', rb"\1-%d" % number, line) if sellers > 1 else line
            yield own
            if chance.random() < TWICE:
                yield own
            if chance.random() < GARBAGE:
                yield bytes(chance.choices(range(256), k=chance.randint(0, 200)))
