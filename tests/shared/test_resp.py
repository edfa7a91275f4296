"""The protocol parser against bytes cut anywhere."""

import sys
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.resp import MAX_BULK, MAX_DEPTH, MAX_LINE, Parser, ProtocolError, Reply, ReplyError, command

REPLIES = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def rendered(reply: Reply) -> bytes:
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    assert isinstance(reply, list)
    return b"*%d\r\n" % len(reply) + b"".join(map(rendered, reply))


def fed(data: bytes, cuts: Iterable[int]) -> list[Reply]:
    """What a parser makes of the bytes in pieces of these lengths, then the rest."""
    parser, found, at = Parser(), list[Reply](), 0
    for cut in cuts:
        found += parser.feed(data[at : at + cut])
        at += cut
    return found + parser.feed(data[at:])


@given(replies=st.lists(REPLIES, max_size=6), cuts=st.lists(st.integers(0, 9), max_size=60))
def test_replies_come_out_the_same_wherever_the_bytes_are_cut(replies: list[Reply], cuts: list[int]) -> None:
    data = b"".join(map(rendered, replies))
    assert fed(data, cuts) == replies
    assert fed(data, [1] * len(data)) == replies


@given(data=st.binary(max_size=60), cuts=st.lists(st.integers(0, 5), max_size=30))
def test_any_bytes_give_the_same_wherever_they_are_cut(data: bytes, cuts: list[int]) -> None:
    def outcome(pieces: Iterable[int]) -> object:
        try:
            return [str(one) if isinstance(one, ReplyError) else one for one in fed(data, pieces)]
        except ProtocolError:
            return ProtocolError

    assert outcome(cuts) == outcome(()) == outcome([1] * len(data))


def work(data: bytes, piece: int) -> int:
    """How many calls into C it takes to read the bytes in pieces."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "c_call"

    sys.setprofile(count)
    try:
        fed(data, [piece] * (len(data) // piece))
    finally:
        sys.setprofile(None)
    return calls


def test_a_large_reply_is_read_once_however_it_comes() -> None:
    entry: Reply = [b"1-0", [b"v1", b"x" * 40]]
    data = rendered([[b"key", [entry] * 2_000]])
    assert work(data, 1_000) < 2 * work(data, len(data))
    assert work(data, 1) < 2 * len(data) + 5 * work(data, len(data))


def test_the_pieces_of_a_long_string_are_joined_once() -> None:
    body = bytes(range(256)) * 4_096
    data = rendered(body)
    joined = 0
    parser = Parser()
    for at in range(0, len(data), 1_000):
        found = parser.feed(data[at : at + 1_000])
        joined += not parser._pieces
    assert (found, joined) == ([body], 1)


def test_what_would_grow_without_end_is_refused() -> None:
    for data in (b"+" + b"x" * (MAX_LINE + 1) + b"\r\n", b"*1\r\n" * (MAX_DEPTH + 1), b"$%d\r\n" % (MAX_BULK + 1)):
        for pieces in ((), [1000] * 100):
            with pytest.raises(ProtocolError):
                fed(data, pieces)


def test_errors_are_values_with_their_code() -> None:
    error, pong = Parser().feed(b"-OOM command not allowed\r\n+PONG\r\n")
    assert isinstance(error, ReplyError)
    assert (error.code, str(error)) == ("OOM", "OOM command not allowed")
    assert pong == b"PONG"


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n", b"$x\r\n", b":1.5\r\n", b"*abc\r\n"])
def test_what_is_no_redis_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Parser().feed(data)


def test_a_command_counts_bytes_not_letters() -> None:
    assert command("SET", "ключ", b"\x00\r\n", 5) == (
        b"*4\r\n$3\r\nSET\r\n$8\r\n\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87\r\n$3\r\n\x00\r\n\r\n$1\r\n5\r\n"
    )


@given(data=st.binary(max_size=200))
def test_no_bytes_do_anything_but_give_replies_or_a_protocol_error(data: bytes) -> None:
    try:
        Parser().feed(data)
    except ProtocolError:
        return
