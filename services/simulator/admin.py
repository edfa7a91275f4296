"""The simulator's own endpoints, under `/_sim`: what was sent, and faults on request.

- `GET /_sim/state[?last=N][&topic=GLOB]`: counters, frames sent per topic, the last N delivered frames.
- `POST /_sim/fault {"venue": …, "kind": …, …}`: an event of a scenario, from now on; `for` seconds, or until cleared.
- `POST /_sim/clear {"kinds": […]}`: takes faults away that were posted; without a body all of them.
- `POST /_sim/blast {"venue": …, "frames" | "seconds": …, "rate": …}` starts a blast (blast.py), `GET` tells how far it
  is, `DELETE` ends it; `GET /_sim/stamps[?after=N]`: when each of its frames was sent.
- `GET /_sim/quotes?venue=…`: every instrument's current quote as the exchange would tell it.
- `POST /_sim/begin`: the scenario's clock, which `--wait` holds at 0, starts.
"""

import time
from base64 import b64encode
from typing import TYPE_CHECKING

import msgspec

from services.simulator import wire
from services.simulator.blast import CHUNK, Blast, Order
from services.simulator.hub import Feed
from services.simulator.listing import Listed
from services.simulator.options import OptionError
from services.simulator.scenario import Event
from services.simulator.wire import Reply, Request, json_reply

if TYPE_CHECKING:
    from services.simulator.server import Simulator

HOST = "_sim"


class Clear(msgspec.Struct, forbid_unknown_fields=True):
    """Which kinds of posted faults to take away; empty: all."""

    kinds: list[str] = []


def answer(sim: "Simulator", request: Request) -> Reply:
    """Answers one request to `/_sim/…`."""
    routes = {
        ("GET", "/state"): state,
        ("GET", "/quotes"): quotes,
        ("GET", "/blast"): blast_state,
        ("POST", "/blast"): blast_start,
        ("DELETE", "/blast"): blast_stop,
        ("GET", "/stamps"): stamps,
        ("POST", "/fault"): fault,
        ("POST", "/clear"): clear,
        ("POST", "/begin"): begin,
    }
    handler = routes.get((request.method, request.path))
    if handler is None:
        known = [f"{method} /{HOST}{path}" for method, path in routes]
        return json_reply({"error": f"no such endpoint: {request.method} {request.path}", "expected": known}, 404)
    try:
        return handler(sim, request)
    except (OptionError, msgspec.DecodeError, ValueError) as error:
        return json_reply({"error": str(error)}, 400)


def state(sim: "Simulator", request: Request) -> Reply:
    last, pattern = int(request.query.get("last", "0")), request.query.get("topic", "*")
    return json_reply(
        {
            "now": time.time(),
            "started": sim.driver.started,
            "events": sim.driver.events,
            "slices_skipped": sim.driver.skipped,
            "replay": sim.player.report() if sim.player is not None else None,
            "active": sim.driver.active,
            "venues": {name: venue(exchange.feed, last, pattern) for name, exchange in sim.exchanges.items()},
        }
    )


def venue(feed: Feed, last: int, pattern: str) -> dict[str, object]:
    """One venue's part of the state. `topics` counts frames by topic, over all subscribers and since the start."""
    kept = [item for item in feed.kept if wire.glob(pattern, item[0])] if last else []
    return {
        "frames": feed.frames,
        "connections": len(feed.sockets),
        "connections_opened": feed.opened,
        "counts": feed.counts,
        "rest": feed.rest,
        "topics": {key: topic.sent for key, topic in feed.topics.items() if wire.glob(pattern, key)},
        "sockets": [
            {
                "number": socket.number,
                "endpoint": socket.endpoint,
                "topics": len(socket.topics),
                "silent": len(socket.silent),
                "sent": socket.sent,
                "age_s": round(feed.now - socket.opened, 3),
            }
            for socket in sorted(feed.sockets, key=lambda each: each.number)
        ],
        "last": [{"topic": key, "socket": number, **shown(framed)} for key, number, framed in kept[-last:]],
    }


def shown(framed: bytes) -> dict[str, str]:
    """A frame's payload: text as it is, else base64."""
    payload = wire.payload_of(framed)
    if framed[0] == wire.BINARY:
        return {"b64": b64encode(payload).decode()}
    return {"frame": payload.decode("utf-8", "replace")}


def quotes(sim: "Simulator", request: Request) -> Reply:
    """Quotes in the venue's own units, as decimal texts."""

    def one(row: Listed) -> dict[str, object]:
        return {
            "market": row.market,
            "native": row.native,
            "coin": row.coin,
            "status": row.status,
            "collectable": row.collectable,
            "bid": row.price_text(row.bid),
            "bid_size": row.size_text(row.bid_size),
            "ask": row.price_text(row.ask),
            "ask_size": row.size_text(row.ask_size),
            "ts": row.ms,
        }

    wanted = request.query.get("venue", "")
    return json_reply([one(row) for row in sim.market.listed if not wanted or row.venue == wanted])


def blast_start(sim: "Simulator", request: Request) -> Reply:
    order = msgspec.json.decode(request.body, type=Order)
    exchange = sim.exchanges.get(order.venue)
    if exchange is None:
        raise OptionError(f"venue {order.venue!r} is not simulated, expected one of {list(sim.exchanges)}")
    if order.frames < 1 or order.rate < 0 or order.chunks < 1 or not 0 <= order.trades <= 1 or order.seconds <= 0:
        raise OptionError("frames and chunks are at least 1, seconds above 0, rate from 0, trades from 0 to 1")
    before = 0 if sim.blasting is None else -(-sim.blasting.sent // CHUNK) * CHUNK
    sim.blast(Blast(order, exchange, sim.market, sim.options.seed, before))
    return blast_state(sim, request)


def blast_stop(sim: "Simulator", request: Request) -> Reply:
    sim.end_blast()
    return blast_state(sim, request)


def running(sim: "Simulator") -> Blast:
    if sim.blasting is None:
        raise OptionError("no blast has been started: POST one")
    return sim.blasting


def blast_state(sim: "Simulator", request: Request) -> Reply:
    return json_reply(running(sim).report())


def stamps(sim: "Simulator", request: Request) -> Reply:
    return json_reply(running(sim).table(int(request.query.get("after", "-1"))))


def fault(sim: "Simulator", request: Request) -> Reply:
    event = sim.strike(msgspec.json.decode(request.body, type=Event))
    return json_reply({"ok": True, "event": event})


def begin(sim: "Simulator", request: Request) -> Reply:
    sim.driver.begin(time.time())
    return json_reply({"ok": True, "started": sim.driver.started})


def clear(sim: "Simulator", request: Request) -> Reply:
    sim.clear(*(msgspec.json.decode(request.body, type=Clear).kinds if request.body else ()))
    return json_reply({"ok": True})
