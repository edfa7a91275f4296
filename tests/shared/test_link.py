"""The URL of a Redis, and the first words to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.config import SettingError
from shared.link import Address, open_link, parse_url
from shared.resp import ReplyError, command
from tests.shared.tools import LIMIT_S


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://127.0.0.1:7000/2", Address("127.0.0.1", 7000, "", None, None, 2, False)),
        ("redis://host", Address("host", 6379, "", None, None, 0, False)),
        ("rediss://:p%40ss@host/", Address("host", 6379, "", None, "p@ss", 0, True)),
        ("redis://me:pw@host:1?db=4", Address("host", 1, "", "me", "pw", 4, False)),
        ("redis://[::1]:7000/1", Address("::1", 7000, "", None, None, 1, False)),
        ("unix:///run/redis.sock?db=1", Address(None, 6379, "/run/redis.sock", None, None, 1, False)),
    ],
)
def test_a_url_is_taken_apart(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize("url", ["", "127.0.0.1:6379", "http://host", "redis://host:port", "redis://u:hush@host/x"])
def test_what_is_no_redis_url_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(SettingError, match=r"REDIS_URL.*redis://") as refused:
        parse_url(url)
    assert "hush" not in str(refused.value)


def test_an_address_is_shown_without_its_password() -> None:
    assert str(parse_url("redis://me:hush@host:1/2")) == "host:1/2"


def test_ping_is_said_last() -> None:
    assert parse_url("redis://me:pw@host/3").greeting() == [
        command("AUTH", "me", "pw"),
        command("SELECT", 3),
        command("PING"),
    ]
    assert parse_url("redis://:pw@host").greeting() == [command("AUTH", "pw"), command("PING")]


@asynccontextmanager
async def listening(answer: bytes) -> AsyncIterator[str]:
    """The URL of a server that gives the same answer to all that is said."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(answer)
        writer.close()
        await writer.wait_closed()
        done.set()

    done = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await done.wait()
    server.close()


async def test_a_server_that_takes_connections_and_says_nothing_is_a_time_out() -> None:
    async with listening(b"") as url:
        with pytest.raises(TimeoutError):
            await open_link(parse_url(url), 0.1)


async def test_a_server_that_is_no_redis_is_told_from_one() -> None:
    async with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        with pytest.raises(ConnectionError, match="not a reply"):
            await open_link(parse_url(url), LIMIT_S)


async def test_a_refused_greeting_is_the_reply_error(redis_url: str) -> None:
    with pytest.raises(ReplyError):
        await open_link(parse_url(redis_url.removesuffix("/0") + "/9999"), LIMIT_S)
