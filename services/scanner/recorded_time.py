"""A replay's time: it passes by the entries alone, so that it passes alike at any speed.

Live, the partition's owner writes ticks and the USDC rate by its own clock. In a replay both fall on the whole seconds
that the entries' ids pass, worked out from the state at that moment, as anybody who folds the same entries would.
"""

from typing import Final

from services.scanner.control import ControlBatch, ControlEvent, Tick
from services.scanner.fold import Fold
from services.scanner.market import MS
from shared.routes.fx import BASE, RATE_AGAIN_NS

SECOND_MS: Final = 1000
PRODUCER: Final = "replay"


def pass_time(fold: Fold, control: str, ms: int) -> None:
    """Before an entry of this id is taken: what the second that it has reached brings with it."""
    second = ms - ms % SECOND_MS
    if second * MS <= fold.at:
        return
    fold.take(control, second, 0, ControlBatch(PRODUCER, 0, [Tick(second * MS)]))
    told = _rate(fold)
    if told:
        fold.take(control, second, 0, ControlBatch(PRODUCER, 0, told))


def _rate(fold: Fold) -> list[ControlEvent]:
    coin, judge = fold.assets.get(BASE), fold.judge
    if coin is None:
        return []
    rate = judge.measure(coin.legs, fold.at)
    same = rate == judge.rate.fx and fold.at - judge.rate.at < RATE_AGAIN_NS
    return [] if rate.mid is None or same else [rate]
