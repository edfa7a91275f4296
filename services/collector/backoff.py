"""How long to wait before the next attempt. A new generator is made on the first good data frame, not on connecting."""

from collections.abc import Iterator
from random import Random
from typing import Final

FIRST_S: Final = 0.5
CAP_S: Final = 30.0


def delays(rng: Random, first_s: float = FIRST_S, cap_s: float = CAP_S) -> Iterator[float]:
    """Seconds, doubling up to a cap, each spread over its upper half so that many clients do not return as one."""
    ceiling = first_s
    while True:
        yield ceiling * rng.uniform(0.5, 1.0)
        ceiling = min(cap_s, ceiling * 2)
