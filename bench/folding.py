"""The scanner's fold alone, in this process: packs of quotes decoded and folded, in processor time.

Nothing is read, written or shown, so it is what the core of the scanner can take; and it says something on a machine
that has other things to do as well.
"""

import time
from typing import Final

from bench.prices import COINS, MARK, PACK, VENUES, Prices, coin
from services.scanner.control import Config, ControlBatch, Join, Listing, Row, Start
from services.scanner.fold import Fold
from shared.codec import decode_batch, encode_batch
from shared.config import Runtime
from shared.events import Quote
from shared.streams import control, market_data

MS: Final = 1_000_000
#: a whole second
BEGIN_MS: Final = 1_767_225_600_000


def folded(rate: int, events: int) -> float:
    """Events a second of processor time, of quotes that come at this rate."""
    fold, prices = Fold(), Prices(1)
    _begin(fold)
    packs: list[tuple[int, str, int, bytes]] = []
    for number in range(events // PACK):
        ms = BEGIN_MS + 1 + number * PACK * 1000 // rate
        venue = f"v{number % VENUES}"
        quotes = [_received(prices.quote(prices.dice.randrange(COINS)), ms * MS) for _ in range(PACK)]
        key, seq = market_data(0, venue, "quote"), number // VENUES
        packs.append((ms, key, seq, encode_batch(venue, seq, list(quotes))))
    began = time.process_time()
    for ms, key, seq, data in packs:
        fold.take(key, ms, seq, decode_batch(data))
    return len(packs) * PACK / (time.process_time() - began)


def _received(quote: Quote, at: int) -> Quote:
    assert quote.recv == MARK
    return Quote(quote.symbol, quote.bid, quote.bid_size, quote.ask, quote.ask_size, at - MS, at)


def _begin(fold: Fold) -> None:
    key = control(0)
    fold.take(key, BEGIN_MS, 0, ControlBatch("bench", 0, [Start(1, "bench"), Config(Runtime(version=1))]))
    for number in range(VENUES):
        venue = f"v{number}"
        rows = [
            Row("perp", f"{coin(one)}/USDT:USDT", f"{coin(one)}USDT", coin(one), "USDT", "crypto", "trading",
                "on_change", "0.001", "0.001", "5", "5", "8")
            for one in range(COINS)
        ]  # fmt: skip
        joined = Join(market_data(0, venue, "quote"), venue, "quote")
        fold.take(key, BEGIN_MS, number + 1, ControlBatch("bench", number + 1, [joined, Listing(venue, rows, [])]))
