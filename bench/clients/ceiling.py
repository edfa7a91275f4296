"""The ceiling: picows receive, typed decode, packed XADD over hand-written RESP, and nothing else.

No symbol table, no checks, no numbering of batches, no bound on the backlog, no last values, no reconnect: what is
left when everything that makes the collector trustworthy is taken away.
`python -m bench.clients.ceiling REDIS_PORT URL=TOPIC,TOPIC… …`
"""

import asyncio
import sys
import time
from typing import cast

import msgspec
import picows
import uvloop

BATCH = 16
STREAM = b"stream"  # data frames begin with this key, answers to a subscribe do not


class Data(msgspec.Struct, gc=False):
    """A best-bid frame or a trade frame: the fields of either, as the venue names them."""

    e: str
    s: str
    T: int
    u: int = 0
    b: str = ""
    B: str = ""
    a: str | int = ""
    A: str = ""
    p: str = ""
    q: str = ""
    m: bool = False


class Frame(msgspec.Struct, gc=False):
    stream: str
    data: Data


class Redis(asyncio.Protocol):
    """Sends packed XADDs on the next turn of the loop; answers are read and forgotten."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.pending: dict[bytes, list[tuple[object, ...]]] = {b"ceiling:quote": [], b"ceiling:trade": []}
        self.scheduled = False
        self.encode = msgspec.msgpack.Encoder().encode
        self.loop = asyncio.get_running_loop()

    def add(self, key: bytes, event: tuple[object, ...]) -> None:
        self.pending[key].append(event)
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        self.scheduled = False
        out = []
        for key, events in self.pending.items():
            for at in range(0, len(events), BATCH):
                body = self.encode(events[at : at + BATCH])
                out.append(
                    b"*5\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$1\r\n*\r\n$2\r\nv1\r\n$%d\r\n%b\r\n"
                    % (len(key), key, len(body), body)
                )
            events.clear()
        self.transport.write(b"".join(out))


class Socket(picows.WSListener):
    def __init__(self, redis: Redis, topics: list[str]) -> None:
        self.redis, self.topics, self.decode = redis, topics, msgspec.json.Decoder(Frame).decode

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        for at in range(0, len(self.topics), 200):
            body = {"method": "SUBSCRIBE", "params": self.topics[at : at + 200], "id": at + 1}
            transport.send(picows.WSMsgType.TEXT, msgspec.json.encode(body))

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        payload = frame.get_payload_as_memoryview()
        if payload[2] != STREAM[0]:
            return
        d = self.decode(payload).data
        now = time.time_ns()
        if d.e == "bookTicker":
            self.redis.add(b"ceiling:quote", ("q", d.s, d.b, d.B, d.a, d.A, d.T * 1_000_000, now, "ws", d.u))
        else:
            side = "sell" if d.m else "buy"
            self.redis.add(b"ceiling:trade", ("t", d.s, d.p, d.q, side, str(d.a), d.T * 1_000_000, now, None))


async def main() -> None:
    port, lanes = int(sys.argv[1]), sys.argv[2:]
    _, redis = await asyncio.get_running_loop().create_connection(Redis, "127.0.0.1", port)
    sockets = []
    for lane in lanes:
        url, _, names = lane.partition("=")
        topics = names.split(",")
        for at in range(0, len(topics), 200):
            part = topics[at : at + 200]
            transport, _ = await picows.ws_connect(lambda part=part: Socket(redis, part), url)
            sockets.append(transport.wait_disconnected())
    await asyncio.gather(*sockets)


if __name__ == "__main__":
    uvloop.run(main())
