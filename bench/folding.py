"""The scanner's parts alone, in this process and in processor time: that says something on a busy machine as well.

The fold of packs of quotes; the rows of the coins that they touch, as they are made and with every best route measured
anew; and the longest pause that a checkpoint of all markets makes, in pieces and whole.
"""

import time
from typing import Final

from bench.prices import COINS, MARK, PACK, VENUES, Prices, coin
from services.scanner.board import Board
from services.scanner.checkpoint import Dump, dump
from services.scanner.control import Config, ControlBatch, Join, Listing, Row, Start
from services.scanner.fold import Fold
from shared.codec import decode_batch, encode_batch
from shared.config import Runtime
from shared.events import Quote
from shared.streams import control, market_data

MS: Final = 1_000_000
#: a whole second
BEGIN_MS: Final = 1_767_225_600_000


Packs = list[tuple[int, str, int, bytes]]


def folded(rate: int, events: int) -> float:
    """Events a second of processor time, of quotes that come at this rate."""
    fold, packs = Fold(), _packs(rate, events, PACK)
    _begin(fold)
    began = time.process_time()
    _take(fold, packs)
    return len(packs) * PACK / (time.process_time() - began)


def shown() -> dict[str, float]:
    """Microseconds a row, where quotes of any market come in tens."""
    packs, found = _packs(10_000, 60_000, 10), {}
    for name, reuse in (("as made", True), ("routes measured anew", False)):
        fold = Fold()
        _begin(fold)
        _take(fold, packs[:4000])
        fold.touched.clear()
        board, rows, spent = Board(fold), 0, 0.0
        for pack in packs[4000:]:
            _take(fold, [pack])
            began = time.process_time()
            for asset in fold.touched:
                board.row(asset, 1)
                if not reuse:
                    board.forget(asset)
            spent += time.process_time() - began
            rows += len(fold.touched)
            fold.touched.clear()
        found[name] = round(spent / rows * 1e6, 1)
    return found


def paused(pieces: int) -> dict[str, float]:
    """The longest turn of a checkpoint, in milliseconds, best of three; `pieces` markets a turn."""
    fold = Fold()
    _begin(fold)
    _take(fold, _packs(50_000, 100_000, PACK))
    found = {"in pieces": float("inf"), "whole": float("inf")}
    for _ in range(3):
        turns, began = [], time.process_time()
        made, whole = Dump(fold, {}), None
        while whole is None:
            turns.append(time.process_time() - began)
            began = time.process_time()
            whole = made.step(pieces)
        turns.append(time.process_time() - began)
        found["in pieces"] = min(found["in pieces"], max(turns) * 1e3)
        began = time.process_time()
        dump(fold, {})
        found["whole"] = min(found["whole"], (time.process_time() - began) * 1e3)
    return {name: round(ms, 1) for name, ms in found.items()}


def _packs(rate: int, events: int, size: int) -> Packs:
    prices, packs = Prices(1), Packs()
    for number in range(events // size):
        ms = BEGIN_MS + 1 + number * size * 1000 // rate
        venue = f"v{number % VENUES}"
        quotes = [_received(prices.quote(prices.dice.randrange(COINS)), ms * MS) for _ in range(size)]
        key, seq = market_data(0, venue, "quote"), number // VENUES
        packs.append((ms, key, seq, encode_batch(venue, seq, list(quotes))))
    return packs


def _take(fold: Fold, packs: Packs) -> None:
    for ms, key, seq, data in packs:
        fold.take(key, ms, seq, decode_batch(data))


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
