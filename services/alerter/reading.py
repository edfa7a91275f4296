"""What is read from Redis: signals from where they were left, health records, the board, the listings."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from services.alerter.picture import OpenSignal, Row
from services.alerter.rules.change import Terms
from shared import decoding, streams
from shared.bus import Redis
from shared.instruments import Instrument
from shared.reader import newest_id
from shared.service import HEALTH_TTL_S
from shared.signals import Signal

LOG: Final = logging.getLogger(__name__)
COUNT: Final = 500
_row: Final[decoding.Decoder[Row]] = decoding.msgpack(Row)
_signal: Final[decoding.Decoder[Signal]] = decoding.msgpack(Signal)
_open: Final[decoding.Decoder[Signal]] = decoding.json(Signal)
_instrument: Final[decoding.Decoder[Instrument]] = decoding.msgpack(Instrument)

Fields = dict[str, str]


class Reading:
    """The reader of one process. `rejected` counts what could not be read, by what it was."""

    def __init__(self, client: Redis, partitions: int) -> None:
        self._client, self._partitions = client, partitions
        self.rejected: Counter[str] = Counter()
        self._said: dict[bytes, bytes] = {}

    async def now_ms(self) -> int:
        """Redis's own clock."""
        seconds, micros = await self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def begin(self) -> tuple[dict[str, str], list[Signal]]:
        """Where each signal stream ends, and the signals that are open by then: for a start without a past."""
        positions: dict[str, str] = {}
        found: list[Signal] = []
        for partition in range(self._partitions):
            key = streams.signals(partition)
            positions[key] = await newest_id(self._client, key)  # before the hash: none is missed
            records: Any = await self._client.hvals(streams.open_signals(partition))
            found += [one for one in (self._decode(_open, data, "open signal") for data in records) if one is not None]
        return positions, [one for one in found if one.event != "close"]

    async def signals(self, positions: Mapping[str, str]) -> tuple[dict[str, str], list[Signal]]:
        """The records after the positions, as many as one read gives, and the positions after them."""
        after = dict(positions)
        found: list[Signal] = []
        for partition in range(self._partitions):  # each on its own node
            key = streams.signals(partition)
            reply: Any = await self._client.xread({key: positions.get(key, "0-0")}, count=COUNT)
            for _, entries in reply or ():
                for entry_id, fields in entries:
                    after[key] = entry_id.decode()
                    one = self._decode(_signal, fields.get(streams.FIELD, b""), "signal")
                    if one is not None:
                        found.append(one)
        return after, sorted(found, key=lambda one: one.at)

    async def health(self) -> list[tuple[str, Fields]]:
        """(name, fields) of every process that beats; `beat_age_ms` is from the record's life, which a beat renews."""
        keys = [key async for key in self._client.scan_iter(match=streams.health("*", "*"), count=1000)]
        async with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key, *_HEALTH)
                pipe.pttl(key)
            answers = await pipe.execute()
        names = [key.decode(errors="replace").split(":", 2)[1] for key in keys]
        found: list[tuple[str, Fields]] = []
        for name, record, left_ms in zip(names, answers[::2], answers[1::2], strict=True):
            pairs = zip(_HEALTH, record, strict=True)
            fields = {field: value.decode(errors="replace") for field, value in pairs if value is not None}
            if fields:
                age_ms = HEALTH_TTL_S * 1000 - left_ms if left_ms >= 0 else 0
                found.append((name, {**fields, "beat_age_ms": str(max(0, age_ms))}))
        return found

    async def board(self) -> list[Row]:
        """Every coin's row."""
        return self._rows(await self._client.hvals(streams.BOARD))

    async def coins(self, assets: Iterable[str]) -> list[Row]:
        """The rows of these coins."""
        names = sorted(assets)
        return self._rows(await self._client.hmget(streams.BOARD, names) if names else ())

    def _rows(self, values: Any) -> list[Row]:
        rows = (self._decode(_row, data, "board row") for data in values if data is not None)
        return [row for row in rows if row is not None]

    async def relisted(self) -> list[str]:
        """The venues whose listing has changed since this was last asked."""
        said: Any = await self._client.hgetall(streams.META_LISTINGS)
        changed = [venue.decode(errors="replace") for venue, text in said.items() if self._said.get(venue) != text]
        self._said = said
        return sorted(changed)

    async def terms(self, venue: str) -> dict[str, Terms]:
        """The terms of funding of a venue's perpetuals, by symbol."""
        values: Any = await self._client.hvals(streams.instruments(venue))
        found: dict[str, Terms] = {}
        for data in values:
            one: Instrument | None = self._decode(_instrument, data, "instrument")
            if one is not None and one.market == "perp" and one.status == "trading":
                found[one.symbol] = Terms(one.asset, one.funding_interval_h, one.funding_cap, one.funding_floor)
        return found

    def _decode(self, decoder: decoding.Decoder[Any], data: bytes, what: str) -> Any:
        try:
            return decoder.decode(data)
        except msgspec.DecodeError as error:
            self.rejected[what] += 1
            if self.rejected[what] == 1:
                LOG.warning("a %s that cannot be read: %s", what, error)
            return None


_HEALTH: Final = ("state", "detail", "started_ms", "subscribed", "frames_per_s", "lag_ms_p50")


def open_signal(one: Signal) -> OpenSignal:
    buy, sell = one.buy, one.sell
    text = f"{one.asset}: {buy.venue} {buy.market} {buy.price} → {sell.venue} {sell.market} {sell.price}"
    return OpenSignal(
        id=one.id,
        asset=one.asset,
        kind=one.kind,
        buy=buy.venue,
        sell=sell.venue,
        edge=float(one.edge_bps),
        net=float(one.net_open_bps),
        size_usd=float(one.size_usd),
        text=text,
    )
