"""Read Parallax's streams with nothing of Parallax: the packages `redis` and `msgpack` are all it needs.

    python examples/read_streams.py --url redis://127.0.0.1:6379/0 --venue binance --venue okx --kind quote

Prints one JSON line per event, and a line on stderr for whatever was missed. The rules that it follows (how to join
late, how to notice a gap, why a batch may come twice) are in docs/streams.md.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgpack
import redis

FIELDS = {
    "q": ("symbol", "bid", "bid_size", "ask", "ask_size", "ts", "recv", "source", "seq"),
    "t": ("symbol", "price", "size", "side", "id", "ts", "recv", "flag"),
    "b": ("symbol", "bids", "asks", "seq", "ts", "recv", "source"),
    "d": ("symbol", "bands", "total_bid_size", "total_ask_size", "ts", "recv"),
    "m": ("symbol", "mark", "index", "ts", "recv", "source"),
    "f": ("symbol", "rate", "interval_h", "next_ts", "funding_index", "ts", "recv", "source"),
    "p": ("symbol", "rate", "interval_h", "settle_ts", "mark", "recv"),
    "l": ("symbol", "side", "price", "size", "ts", "recv", "id", "price_kind"),
    "s": ("symbol", "last", "volume", "turnover", "open_interest", "ts", "recv", "open_interest_value", "source"),
    "x": ("symbol", "state", "reason", "recv"),
}
LAST_KINDS = ("quote", "mark", "funding", "stats")


def named(event: list[Any]) -> dict[str, Any]:
    """An event with names. Newer writers may append fields: what this program does not know, it leaves out."""
    return {"event": event[0], **dict(zip(FIELDS.get(event[0], ()), event[1:], strict=False))}


class Numbers:
    """The batch numbers of one stream: a number seen before is a retry, a jump is a loss (unless it comes late)."""

    def __init__(self) -> None:
        self.high: dict[str, int] = {}
        self.missing: dict[str, set[int]] = {}

    def take(self, producer: str, seq: int) -> bool:
        """Whether the batch is to be used."""
        high = self.high.setdefault(producer, seq - 1)
        if seq > high:
            self.missing.setdefault(producer, set()).update(range(high + 1, seq))
            self.high[producer] = seq
            return True
        if seq in self.missing[producer]:
            self.missing[producer].remove(seq)
            return True
        return False


def newer(event: dict[str, Any], held: dict[str, Any] | None) -> bool:
    """Never go back in venue time, nor in time of receipt where the venue gives none."""
    return held is None or (event.get("ts") or event["recv"]) >= (held.get("ts") or held["recv"])


class Follower:
    """All streams of one partition: they live on one node, so that one XREAD serves them."""

    def __init__(self, client: redis.Redis, partition: int, venues: list[str], kind: str) -> None:
        self.client, self.partition, self.kind = client, partition, kind
        self.venues = {f"md:{{{partition}}}:{venue}:{kind}": venue for venue in venues}
        self.positions: dict[str, str] = {}
        self.numbers = {key: Numbers() for key in self.venues}
        self.held: dict[tuple[str, str], dict[str, Any]] = {}

    def join(self) -> Iterator[dict[str, Any]]:
        """The newest id first, then the last values, then the stream from 2 s before that id."""
        for key, venue in self.venues.items():
            newest: Any = self.client.xrevrange(key, count=1)
            ms = int(newest[0][0].split(b"-")[0]) if newest else 0
            if self.kind in LAST_KINDS:
                stored: Any = self.client.hgetall(f"last:{{{self.partition}}}:{venue}:{self.kind}")
                for field, value in stored.items():
                    if not field.startswith(b"x:"):  # the newest state of a symbol stands beside its value
                        yield from self.keep(venue, named(msgpack.unpackb(value)))
            self.positions[key] = f"{max(0, ms - 2000)}-0"

    def read(self) -> Iterator[dict[str, Any]]:
        keys: Any = self.positions
        reply: Any = self.client.xread(keys, count=100, block=1000)
        for raw_key, entries in reply or ():
            key = raw_key.decode()
            for entry_id, fields in entries:
                self.positions[key] = entry_id.decode()
                if b"v1" not in fields:
                    print(f"{key} {entry_id!r}: another schema version", file=sys.stderr)
                    continue
                producer, seq, events = msgpack.unpackb(fields[b"v1"])
                if not self.numbers[key].take(producer, seq):
                    continue
                for event in events:
                    yield from self.keep(self.venues[key], named(event))
        self.complain()

    def keep(self, venue: str, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        line = {"venue": venue, **event}
        if event["event"] not in ("q", "m", "f", "s"):  # trades and the like: every one counts
            yield line
        elif newer(event, self.held.get((venue, event["symbol"]))):
            self.held[venue, event["symbol"]] = event
            yield line

    def complain(self) -> None:
        for key, numbers in self.numbers.items():
            for producer, missing in numbers.missing.items():
                if len(missing) > 256:  # no writer has more in flight: these do not come any more
                    print(f"{key}: {len(missing)} batches of {producer} were missed", file=sys.stderr)
                    missing.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--venue", action="append", required=True)
    parser.add_argument("--kind", default="quote")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long")
    options = parser.parse_args()
    client: Any = redis.Redis.from_url(options.url)
    partitions = int(client.get("meta:partitions") or 1)
    followers = [Follower(client, number, options.venue, options.kind) for number in range(partitions)]
    end = time.monotonic() + options.seconds
    for follower in followers:
        for line in follower.join():
            print(json.dumps(line), flush=True)
    while time.monotonic() < end:
        for follower in followers:
            for line in follower.read():
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
