"""The instruments that the exchanges list, and every change of them: one row for each state that one was in.

The collectors keep `instruments:<venue>` up to date. It is looked at each LOOK_S and compared with what was stored; no
stream tells of its changes, so a change is dated when it was seen. An instrument counts as gone when two looks in
a row do not find it: the hash is refilled piece by piece after a Redis that lost its data.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from services.recorder.database import Connection
from shared import decoding, streams
from shared.bus import Redis
from shared.instruments import Instrument

LOOK_S: Final = 60.0
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('instruments:' || $1, 0))"

Key = tuple[str, str]
_instrument: Final[decoding.Decoder[Instrument]] = decoding.msgpack(Instrument)


class Listings:
    """What was seen of the listings. `rejected` counts the entries that are no instruments."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[bytes, bytes]] = {}
        self._absent: dict[str, set[bytes]] = {}
        self.rejected = 0
        #: the symbols that trade, by venue
        self.symbols: dict[str, list[str]] = {}

    async def look(self, redis: Redis, venue: str) -> tuple[list[Instrument], list[Key]]:
        """The instruments that are new or changed since the last look, and those that are gone.

        Call `note` once they are stored; until then the next look gives them again.
        """
        found: Any = await redis.hgetall(streams.instruments(venue))
        seen = self._seen.get(venue, {})
        changed = [_decoded(value) for name, value in found.items() if seen.get(name) != value]
        self.rejected += changed.count(None)
        absent = set(seen) - set(found) if found else set()
        gone, self._absent[venue] = absent & self._absent.get(venue, set()), absent
        self._found = venue, found, gone
        return [one for one in changed if one is not None], [_key(name) for name in gone]

    def note(self) -> None:
        """What the last look gave is stored."""
        venue, found, gone = self._found
        kept = {name: value for name, value in self._seen.get(venue, {}).items() if name not in gone}
        self._seen[venue] = {**kept, **found}
        decoded = (_decoded(value) for value in found.values())
        self.symbols[venue] = [one.symbol for one in decoded if one is not None and one.collected]


def _decoded(value: bytes) -> Instrument | None:
    try:
        return _instrument.decode(value)
    except msgspec.DecodeError:
        return None


def _key(name: bytes) -> Key:
    market, _, native = name.decode(errors="replace").partition(":")
    return market, native


async def store(
    connection: Connection, venue: str, changed: list[Instrument], gone: list[Key], at: datetime
) -> tuple[int, int]:
    """Date the changes; returns how many states began and how many ended. Other recorders may do the same at once."""
    if not changed and not gone:
        return 0, 0
    async with connection.transaction():
        await connection.execute(_LOCK, venue)
        rows = await connection.fetch(
            "SELECT market, native, record FROM instruments WHERE venue = $1 AND valid_to IS NULL", venue
        )
        held: dict[Key, str] = {(row["market"], row["native"]): row["record"] for row in rows}
        fresh = [one for one in changed if held.get((one.market, one.native)) != _record(one)]
        ended: list[Key] = [(one.market, one.native) for one in fresh if (one.market, one.native) in held]
        ended += [key for key in gone if key in held]
        # the time of a change never lies before the state that it ends
        await connection.executemany(_END, [(venue, market, native, at) for market, native in ended])
        await connection.executemany(_BEGIN, [_row(one, at) for one in fresh])
    return len(fresh), len(ended)


def _record(one: Instrument) -> str:
    return msgspec.json.encode(one).decode()


def _row(one: Instrument, at: datetime) -> tuple[object, ...]:
    exact = (one.multiplier, one.contract_size, one.tick_size, one.lot_size, one.min_size, one.min_notional)
    funding = (one.funding_interval_h, one.funding_cap, one.funding_floor, one.taker_fee_bps, one.maker_fee_bps)
    return (
        *(one.venue, one.market, one.native, at, one.symbol, one.asset, one.quote, one.settle, one.category),
        *exact,
        *funding,
        *(one.status, one.quarantine_reason, _ns(one.listed_ts), _ns(one.delist_ts), _record(one)),
    )


def _ns(ns: int | None) -> int | None:
    """Whole microseconds, which is what Postgres keeps."""
    return None if ns is None else ns // 1000


_END: Final = """
UPDATE instruments SET valid_to = greatest($4, valid_from)
WHERE venue = $1 AND market = $2 AND native = $3 AND valid_to IS NULL
"""
_NUMERIC: Final = ", ".join(f"${number}::text::numeric" for number in range(10, 21))
_BEGIN: Final = f"""
INSERT INTO instruments (venue, market, native, valid_from, symbol, asset, quote, settle, category,
  multiplier, contract_size, tick_size, lot_size, min_size, min_notional,
  funding_interval_h, funding_cap, funding_floor, taker_fee_bps, maker_fee_bps,
  status, quarantine_reason, listed_ts, delist_ts, record)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, {_NUMERIC}, $21, $22,
  'epoch'::timestamptz + $23::bigint * interval '1 microsecond',
  'epoch'::timestamptz + $24::bigint * interval '1 microsecond', $25)
ON CONFLICT (venue, market, native, valid_from) DO UPDATE SET valid_to = NULL, record = EXCLUDED.record
"""
