"""The channels against far ends on loopback: what is sent, what counts as taken, what is told of a failure."""

import asyncio
import hmac
import logging
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.alerter.channels import Channel, channels, hush, secrets_of
from services.alerter.message import Message, NotDelivered
from services.alerter.senders.http import through
from shared.config import SettingError, Settings
from tests.alerter.fakes import far_end, mail_server

KEY = "kKkKkKkKkKkKkKkKkKkK"
BOT, CHAT = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr", "99887766"
MESSAGE = Message(
    id="m1",
    title="▲ alpha: latency 412 ms",
    body="limit 200 ms\nsince 08:00",
    severity="warning",
    payload={"version": 1},
)


def made(gateway: str = "", **given: str) -> dict[str, Channel]:
    text = " ".join(f"{name}={address}" for name, address in given.items())
    found, unusable = channels(Settings(alert_channels=text, alert_gateway=gateway))
    assert unusable == []
    return found


async def send(channel: Channel) -> None:
    await asyncio.to_thread(channel.send, MESSAGE)


async def test_a_webhook_is_signed_over_its_time_and_its_body() -> None:
    async with far_end() as far:
        await send(made(ops=f"{far.url}/hook?a=1#{KEY}")["ops"])
        (got,) = far.got
    stamp = got.headers["X-Parallax-Timestamp"]
    expected = hmac.new(KEY.encode(), f"{stamp}.".encode() + got.body, sha256).hexdigest()
    assert got.headers["X-Parallax-Signature"] == f"v1={expected}"
    assert got.headers["X-Parallax-Delivery"] == "m1"
    assert got.json == {"id": "m1", "title": MESSAGE.title, "text": MESSAGE.body, "version": 1}
    assert KEY not in str(got), "what stands behind # stays here"


@pytest.mark.parametrize("kind", ["lark", "feishu"])
async def test_a_bot_of_lark_gets_its_signature(kind: str) -> None:
    async with far_end() as far:
        await send(made(far.url, team=f"{kind}://tok-en_12345#s3cr3tOfTheBot")["team"])
        (got,) = far.got
    host = {"lark": "open.larksuite.com", "feishu": "open.feishu.cn"}[kind]
    assert got.path == f"/{host}/open-apis/bot/v2/hook/tok-en_12345"
    key = f"{got.json['timestamp']}\ns3cr3tOfTheBot".encode()
    assert got.json["sign"] == b64encode(hmac.new(key, b"", sha256).digest()).decode()
    assert got.json["content"]["text"].startswith(MESSAGE.title)


async def test_a_bot_that_refuses_with_http_200_has_not_taken_it() -> None:
    async with far_end() as far:
        channel = made(far.url, team="https://open.feishu.cn/open-apis/bot/v2/hook/token12345")["team"]
        far.answers += [
            (200, {"code": 19024, "msg": "Key Words Not Found"}, {}),
            (200, {"code": 11232, "msg": "frequency limited"}, {}),
        ]
        with pytest.raises(NotDelivered, match="refused with code 19024: Key Words Not Found"):
            await send(channel)
        with pytest.raises(NotDelivered) as busy:
            await send(channel)
        assert busy.value.again_s == 60
        await send(channel)
        assert "sign" not in far.got[-1].json, "it has no secret"


@pytest.mark.parametrize(
    ("address", "kind", "path", "text"),
    [
        (f"tgram://{BOT}/{CHAT}", "telegram", f"/api.telegram.org/bot{BOT}/sendMessage", "text"),
        (
            "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
            "discord",
            "/discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
            "content",
        ),
        (
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "slack",
            "/hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "attachments",
        ),
    ],
)
async def test_the_library_speaks_to_the_others(address: str, kind: str, path: str, text: str) -> None:
    async with far_end() as far:
        channel = made(far.url, phone=address)["phone"]
        assert channel.kind == kind
        await send(channel)
        (got,) = far.got
    assert got.path.rstrip("/") == path
    assert "latency 412 ms" in got.body.decode() or "latency 412 ms" in str(got.json[text])
    assert b"github" not in got.body, "whoever reads it loads no picture from elsewhere"


async def test_telegram_says_when_there_is_room_again() -> None:
    async with far_end() as far:
        far.answers.append((429, {"description": "Too Many Requests: retry after 7"}, {}))
        with pytest.raises(NotDelivered) as failure:
            await send(made(far.url, phone=f"tgram://{BOT}/{CHAT}")["phone"])
    assert failure.value.again_s == 7


async def test_mail_goes_to_its_server() -> None:
    async with mail_server() as mail:
        address = (
            f"mailto://user:passw0rd@127.0.0.1:{mail.port}/?from=parallax@example.org&to=me@example.org&mode=insecure"
        )
        await send(made(mail=address)["mail"])
        ((to, text),) = mail.got
    assert to == ["<me@example.org>"]
    assert "Subject:" in text


@pytest.mark.parametrize(
    ("status", "headers", "again_s"),
    [(500, {}, None), (429, {"Retry-After": "7"}, 7.0), (302, {"Location": "/"}, None)],
)
async def test_what_is_not_a_success_is_a_failure_with_its_status(
    status: int, headers: dict[str, str], again_s: float | None
) -> None:
    async with far_end() as far:
        far.answers.append((status, {}, headers))
        with pytest.raises(NotDelivered, match=f"HTTP {status}") as failure:
            await send(made(ops=f"{far.url}/secret-path#{KEY}")["ops"])
    assert (failure.value.again_s, len(far.got)) == (again_s, 1)


async def test_no_secret_is_in_what_is_told_or_logged(caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    hush()
    caplog.set_level(logging.DEBUG)
    addresses = {
        "ops": f"http://127.0.0.1:1/secret-path#{KEY}",
        "team": "lark://larktoken99#larksecret99",
        "phone": f"tgram://{BOT}/{CHAT}",
        "talk": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "mail": "mailto://user:passw0rd@127.0.0.1:1/?from=a@example.org&to=b@example.org&mode=insecure",
    }
    async with far_end() as far:
        far.answers += [(401, {"description": f"bad token {BOT}"}, {})] * 9
        found = made(far.url, **addresses) | made(ops=addresses["ops"])
        told = []
        for channel in found.values():
            with pytest.raises(NotDelivered) as failure:
                await send(channel)
            told.append(str(failure.value))
    said = " ".join([*told, caplog.text, *capfd.readouterr()])
    for address in addresses.values():
        for secret in secrets_of(address):
            if secret not in ("127.0.0.1", "insecure", "mode", "from", "user", "example.org"):
                assert secret not in said
    assert all(told)


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        ("ops=https://example.org/hook", "ops", "#KEY"),
        ("ops=https://example.org/hook#short", "ops", "at least 16 characters"),
        ("ops=nonsense://x", "ops", "docs/alerts.md"),
        ("ops=tgram://x", "ops", "docs/alerts.md"),
        ("Op_s=tgram://x/y", "number 1", "name=address"),
        (f"tgram://{BOT}/{CHAT}", "number 1", "name=address"),
        (f"tgram://{BOT}/{CHAT}?silent=yes", "number 1", "name=address"),
        ("ops=lark://to/ken", "ops", "lark://TOKEN"),
        ("ops=http://[#keykeykeykeykeykey", "ops", "docs/alerts.md"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_and_not_shown(given: str, name: str, expected: str) -> None:
    found, unusable = channels(Settings(alert_channels=f"good=https://example.org/hook#{KEY} {given}"))
    assert list(found) == ["good"]
    (one,) = unusable
    assert one.name.replace("number 2", "number 1") == name
    assert expected in one.expected
    assert BOT not in repr(one)


def test_a_name_counts_once() -> None:
    found, unusable = channels(Settings(alert_channels=f"a=http://h/#{KEY} a=http://i/#{KEY}"))
    assert (list(found), [one.name for one in unusable]) == (["a"], ["a"])


def test_channels_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "channels"
    file.write_text(f"# mine\n\nops = http://127.0.0.1:1/a#{KEY}\n", encoding="utf-8")
    found, unusable = channels(Settings(alert_channels_file=str(file)))
    assert (list(found), unusable) == (["ops"], [])
    with pytest.raises(SettingError, match="ALERT_CHANNELS_FILE"):
        channels(Settings(alert_channels_file=str(tmp_path / "none")))


def test_a_gateway_stands_in_for_the_host_and_knows_no_user() -> None:
    assert through("http://g/x/", "https://u:p@h.org:8/a/b?c=d") == "http://g/x/h.org:8/a/b?c=d"
    assert through("", "https://h/a") == "https://h/a"
    found, unusable = channels(Settings(alert_channels="a=ntfy://topic", alert_gateway="http://127.0.0.1:1"))
    assert (found, [one.name for one in unusable]) == ({}, ["a"]), "nothing passes a gateway by"
