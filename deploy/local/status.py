"""What the screen shows, read from Redis: health hashes of all processes and the board."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from shared import decoding, streams
from shared.bus import AWAY, REFUSED, Redis
from shared.signals import Route

#: What `read` raises while Redis is away, or will not answer us.
UNREACHABLE = (*AWAY, REFUSED, TimeoutError)
#: A board row older than this is not "now".
BOARD_MAX_AGE_NS = 30_000_000_000


class RowHead(msgspec.Struct, frozen=True):
    """The part of a board row that the screen needs; decoding only this is several times cheaper."""

    asset: str
    at: int
    best: Route | None = None
    signals: tuple[str, ...] = ()


@dataclass(frozen=True)
class VenueStatus:
    """One exchange, over all of its collectors. `state` is `starting` while no collector has reported."""

    name: str
    state: str = "starting"
    detail: str = ""
    instruments: int = 0
    rate: int = 0
    lag_ms: float | None = None

    @property
    def speaks(self) -> bool:
        """Whether there is something to be said of it: it need not have all of its topics."""
        return self.rate > 0 or self.state not in ("starting", "connecting")


@dataclass(frozen=True)
class Snapshot:
    """What Redis said; `error` is why it said nothing."""

    venues: Sequence[VenueStatus]
    services: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    best: RowHead | None = None
    signals_open: int = 0
    #: changes whenever the board does
    board: int = 0
    error: str = ""

    @property
    def unreachable(self) -> bool:
        """Every exchange is in trouble and none says a word: the network here, rather than one of them."""
        return bool(self.venues) and all(
            venue.state in ("blocked", "degraded") and not venue.rate for venue in self.venues
        )


_rows: decoding.Decoder[RowHead] = decoding.msgpack(RowHead)
#: The worst word of several collectors of one venue wins, `live` beats `starting`.
_ORDER = ("starting", "live", "connecting", "degraded", "blocked")


async def read(client: Redis, venues: Sequence[str], any_age: bool = False) -> Snapshot:
    """Everything at once. `any_age`: the board of a replay is of its own time. Raises what the client raises."""
    async with asyncio.timeout(3):
        keys = [key async for key in client.scan_iter(match="health:*", count=1000)]
        hashes: list[Any] = [await client.hgetall(key) for key in keys]
        board: Any = await client.hvals(streams.BOARD)
    health = [
        (key.decode(errors="replace").split(":", 2)[1], text_of(fields))
        for key, fields in zip(keys, hashes, strict=True)
    ]
    rows = list(board_rows(board))
    return Snapshot(
        venues=[venue_status(name, [fields for owner, fields in health if owner == name]) for name in venues],
        services={name: fields.get("state", "") for name, fields in health if name.startswith("_")},
        details={name: fields.get("detail", "") for name, fields in health if name.startswith("_")},
        best=best_row(rows, 0 if any_age else time.time_ns() - BOARD_MAX_AGE_NS),
        signals_open=sum(len(row.signals) for row in rows),
        board=hash(tuple(sorted((row.asset, row.at) for row in rows))),
    )


def text_of(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in fields.items()}


def number(fields: Mapping[str, str], name: str) -> float:
    try:
        return float(fields.get(name, "") or 0)
    except ValueError:
        return 0.0


def venue_status(name: str, members: Sequence[Mapping[str, str]]) -> VenueStatus:
    """The members share the venue's topics: rates add up, instruments are the whole venue's in each."""
    if not members:
        return VenueStatus(name)
    worst = max(members, key=lambda fields: rank(fields.get("state", "starting")))
    lags = [number(fields, "lag_ms_p50") for fields in members if fields.get("lag_ms_p50")]
    return VenueStatus(
        name,
        worst.get("state", "starting"),
        worst.get("detail", ""),
        int(max(number(fields, "instruments") for fields in members)),
        round(sum(number(fields, "frames_per_s") for fields in members)),
        max(lags) if lags else None,
    )


def rank(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)


def board_rows(values: Iterable[bytes]) -> Iterable[RowHead]:
    """Rows of a version that this one cannot read are left out: the screen is no judge of the scanner."""
    for value in values:
        try:
            yield _rows.decode(value)
        except msgspec.DecodeError:
            continue


def best_row(rows: Iterable[RowHead], not_before_ns: int) -> RowHead | None:
    fresh = [row for row in rows if row.best is not None and row.at >= not_before_ns]
    return max(fresh, key=in_and_out, default=None)


def in_and_out(row: RowHead) -> float:
    return float(row.best.net_in_out_bps) if row.best is not None else float("-inf")
