"""What the screen shows is what Redis says."""

import time

import msgspec

from deploy.local import status
from shared import streams
from shared.bus import Redis
from shared.signals import BoardRow, Route


def board_row(asset: str, net: str, at: int, signals: tuple[str, ...] = ()) -> bytes:
    best = Route(
        kind="perp-perp",
        buy=("apple", "perp", "X"),
        sell=("pear", "spot", "Y"),
        buy_price="2.1450",
        sell_price="2.1604",
        edge_bps="71.80",
        net_open_bps="60.00",
        net_in_out_bps=net,
        net_now_bps=net,
        net_cash_bps=net,
        size="2000",
        size_usd="4200.40",
    )
    return msgspec.msgpack.encode(BoardRow(asset=asset, fence=1, ver=1, at=at, legs=(), best=best, signals=signals))


async def health(client: Redis, name: str, member: str, **fields: object) -> None:
    await client.hset(streams.health(name, member), mapping={key: str(value) for key, value in fields.items()})


async def test_collectors_of_one_venue_add_up(redis_client: Redis) -> None:
    await health(redis_client, "apple", "a", state="live", instruments=30, frames_per_s=10.4, lag_ms_p50=3)
    await health(redis_client, "apple", "b", state="live", instruments=30, frames_per_s=5.2, lag_ms_p50=9)
    (venue,) = (await status.read(redis_client, ["apple"])).venues
    assert venue == status.VenueStatus("apple", "live", "", 30, 16, 9.0)


async def test_the_worst_collector_is_shown_with_its_words(redis_client: Redis) -> None:
    await health(redis_client, "apple", "a", state="live")
    await health(redis_client, "apple", "b", state="blocked", detail="HTTP 451: no")
    snapshot = await status.read(redis_client, ["apple", "pear"])
    assert [(venue.state, venue.detail) for venue in snapshot.venues] == [("blocked", "HTTP 451: no"), ("starting", "")]
    assert not snapshot.unreachable


async def test_all_venues_in_trouble_is_told_apart_from_one(redis_client: Redis) -> None:
    await health(redis_client, "apple", "a", state="degraded", detail="no route")
    await health(redis_client, "pear", "b", state="blocked", detail="HTTP 403")
    assert (await status.read(redis_client, ["apple", "pear"])).unreachable
    await health(redis_client, "apple", "a", frames_per_s=3)
    assert not (await status.read(redis_client, ["apple", "pear"])).unreachable


async def test_the_best_row_is_the_one_that_pays_most_in_and_out(redis_client: Redis) -> None:
    now = time.time_ns()
    rows = {
        "A": board_row("A", "9.00", now),
        "B": board_row("B", "51.00", now, ("s1", "s2")),
        "C": b"no row",
        "D": b"\x81\xa5asset\xa1\xff",
    }
    for asset, row in rows.items():
        await redis_client.hset(streams.BOARD, asset, row)
    snapshot = await status.read(redis_client, [])
    assert snapshot.best is not None
    assert (snapshot.best.asset, snapshot.signals_open) == ("B", 2)


async def test_an_old_board_is_not_now_but_a_replays_is(redis_client: Redis) -> None:
    await redis_client.hset(streams.BOARD, "A", board_row("A", "9.00", 1))
    assert (await status.read(redis_client, [])).best is None
    assert (await status.read(redis_client, [], any_age=True)).best is not None


async def test_odd_health_fields_do_not_break_the_screen(redis_client: Redis) -> None:
    await redis_client.hset(b"health:\xff:a", b"\xff", b"\xff")
    await health(redis_client, "apple", "a", state="surprised", instruments="many", frames_per_s="")
    (venue,) = (await status.read(redis_client, ["apple"])).venues
    assert (venue.state, venue.instruments, venue.rate) == ("surprised", 0, 0)
