"""A recorded session through the whole system: no frame, no event is lost uncounted, and the API answers its prices."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shared import streams
from shared.bus import Redis, connect
from shared.codec import decode_batch
from shared.events import Quote
from tests.pipeline.stack import Stack


class Session(NamedTuple):
    """A recording, what is in it, and a coin of it."""

    venue: str
    frames: str
    listing: str
    lines: int
    decoded: dict[str, int]
    coin: str
    market: str


SESSIONS = [
    Session(
        "binance",
        "binance/cryptofeed__BINANCE_FUTURES.ws.1.0",
        "binance/cryptofeed__BINANCE_FUTURES.0",
        1536,
        {"quote": 613, "trade": 91},
        "SUSHI",
        "futures",
    ),
    Session(
        "okx",
        "okx/cryptofeed__OKX.ws.1.0",
        "okx/cryptofeed__OKX.0",
        414,
        {"quote": 25, "stats": 25, "trade": 69},
        "BTC",
        "spot",
    ),
]


async def played(stack: Stack, captures: Path, session: Session) -> dict[str, Any]:
    """Play the session as fast as it goes; the account that the player gives in its last line."""
    files = [str(captures / name) for name in (session.listing, session.frames)]
    arguments = ("replay", "--venue", session.venue, "--speed", "max", "--instruments", *files)
    stack.start(session.venue, "services.collector", *arguments)

    async def ended() -> bool:
        return stack.processes[session.venue].poll() is not None

    await stack.until(ended, "the session is played to its end")
    account: dict[str, Any] = json.loads(stack.output(session.venue).splitlines()[-1])
    return account


async def on_the_bus(client: Redis, venue: str) -> tuple[Counter[str], dict[str, Quote]]:
    """Every event of a venue's streams, counted by kind, and the newest quote of each symbol."""
    counted: Counter[str] = Counter()
    quotes: dict[str, Quote] = {}
    key: Any
    async for key in client.scan_iter(match=streams.market_data(0, venue, "*").replace("{0}", "[{]0}")):
        entries: Any = await client.xrange(key)
        for _, fields in entries:
            for event in decode_batch(fields[streams.FIELD]).events:
                counted[type(event).__name__.lower()] += 1
                if isinstance(event, Quote):
                    quotes[event.symbol] = event
    return counted, quotes


@pytest.mark.parametrize("session", SESSIONS, ids=[session.venue for session in SESSIONS])
async def test_a_recorded_session_arrives_whole(
    recorded: Stack, captures: Path, database: tuple[str, str], session: Session
) -> None:
    account = await played(recorded, captures, session)
    assert account["conserved"]
    assert (account["lines"], account["decoded"]) == (session.lines, session.decoded)
    assert account["frames"] + sum(account["skipped"].values()) == account["lines"]
    assert sum(account["frames_with"].values()) == account["frames"]
    async with connect(database[0]) as client:
        counted, quotes = await on_the_bus(client, session.venue)
    assert dict(counted) == account["published"]
    assert sum(counted.values()) == account["written"]
    assert account["let_go"] == 0
    await answered(recorded, session, quotes)


async def answered(stack: Stack, session: Session, quotes: dict[str, Quote]) -> None:
    """The API tells the session's last price of a coin, and that nobody speaks for it any more."""

    async def leg() -> Any:
        found = (await stack.get("/api/data", symbol=session.coin))["realtime_data"]
        market = found.get(session.venue, {}).get(session.market)
        last = quotes[market["unified_symbol"]] if market else None
        return market if last and (last.bid, last.ask) == (market["bid_text"], market["ask_text"]) else None

    market = await stack.until(leg, "the last quote is answered")
    assert Decimal(market["price_text"]) == (Decimal(market["bid_text"]) + Decimal(market["ask_text"])) / 2

    async def over() -> Any:
        found = (await stack.get("/api/data", symbol=session.coin))["realtime_data"]
        return found[session.venue][session.market]["state"] not in ("ok", "quiet")

    await stack.until(over, "the leg is not good after the end of the session")
    stored = await stack.get(f"/api/history/{session.coin}")
    assert (stored["symbol"], stored["mode"]) == (session.coin, "replay")
