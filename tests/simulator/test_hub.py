import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from services.simulator import hub, wire
from services.simulator.hub import Feed, Socket
from services.simulator.scenario import Event


class Pipe(asyncio.WriteTransport):
    """A transport that keeps what is written, as a client that does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.gone = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.written))

    def is_closing(self) -> bool:
        return self.gone

    def close(self) -> None:
        self.gone = True

    def abort(self) -> None:
        self.gone = True


def feed_with(count: int) -> tuple[Feed, list[Socket]]:
    feed = Feed("okx", keep=10, seed=1)
    sockets = [Socket(feed, "public", Pipe(), number, 0.0) for number in range(count)]
    feed.sockets |= set(sockets)
    return feed, sockets


def written(socket: Socket) -> Sequence[bytes]:
    return cast(Pipe, socket.transport).written


def test_a_frame_goes_to_all_who_follow_in_the_form_each_asked_for_and_in_one_write() -> None:
    feed, (plain, wrapped, other) = feed_with(3)
    wrapped.wrapped = True
    for socket in (plain, wrapped):
        topic = feed.follow(socket, "k", "name", "channel", None)
    feed.publish(topic, b"{}")
    feed.publish(topic, b"[]")
    feed.flush(1.0)
    assert written(plain) == [wire.frame(b"{}") + wire.frame(b"[]")]
    assert written(wrapped) == [wire.frame(b'{"stream":"name","data":{}}') + wire.frame(b'{"stream":"name","data":[]}')]
    assert written(other) == []
    assert (topic.sent, feed.frames, plain.sent) == (4, 4, 2)


def test_a_binary_topic_sends_binary_frames_also_when_they_are_cut() -> None:
    feed, (socket,) = feed_with(1)
    topic = feed.follow(socket, "k", "name", "channel", None, wire.BINARY)
    feed.publish(topic, b"\x00\x01")
    socket.greet(topic, b"\x02\x03")
    feed.take([Event(kind="truncate")])
    feed.publish(topic, b"\x04\x05")
    feed.flush(1.0)
    assert written(socket) == [b"".join(wire.frame(payload, wire.BINARY) for payload in (b"\0\1", b"\2\3", b"\4"))]


def test_a_socket_that_leaves_gets_nothing_more() -> None:
    feed, (first, second) = feed_with(2)
    for socket in (first, second):
        topic = feed.follow(socket, "k", "name", "channel", None)
    feed.leave(first, "k")
    feed.forget(second)
    assert not topic.followed
    feed.publish(topic, b"{}")
    feed.flush(1.0)
    assert written(first) == written(second) == []


def test_a_reader_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WRITE_LIMIT", 1000)
    feed, (socket,) = feed_with(1)
    topic = feed.follow(socket, "k", "name", "channel", None)
    for _ in range(3):
        feed.publish(topic, b"x" * 400)
        feed.flush(1.0)
    assert socket.transport.is_closing()
    assert feed.counts["slow_readers_cut"] == 1


def test_faults_count_down_and_shares_are_reproducible() -> None:
    def survivors(seed: int) -> list[int]:
        feed = Feed("okx", keep=10, seed=seed)
        socket = Socket(feed, "public", Pipe(), 1, 0.0)
        topic = feed.follow(socket, "k", "name", "channel", None)
        feed.take([Event(kind="drop", share=0.5, count=20)])
        kept = []
        for n in range(100):
            before = socket.sent
            feed.publish(topic, b"%d" % n)
            kept += [n] * (socket.sent - before)
        assert feed.counts["fault_drop"] == 20
        return kept

    assert survivors(1) == survivors(1)
    assert survivors(1) != survivors(2)
    assert len(survivors(1)) == 80


def test_what_is_due_is_done_once() -> None:
    feed, _ = feed_with(0)
    done: list[float] = []
    feed.now = 10.0
    feed.later(0.5, lambda: done.append(feed.now))
    feed.run_due(10.4)
    assert done == []
    feed.run_due(10.6)
    feed.run_due(10.7)
    assert done == [10.6]
