"""The protocol parser against bytes cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.resp import Parser, ProtocolError, Reply, ReplyError, command

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


@given(replies=st.lists(REPLIES, max_size=6), cuts=st.lists(st.integers(1, 9), max_size=60))
def test_replies_come_out_the_same_wherever_the_bytes_are_cut(replies: list[Reply], cuts: list[int]) -> None:
    data = b"".join(map(rendered, replies))
    parser, found, at = Parser(), list[Reply](), 0
    for cut in cuts:
        found += parser.feed(data[at : at + cut])
        at += cut
    found += parser.feed(data[at:])
    assert found == replies


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
