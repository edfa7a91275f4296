import json
import logging

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from services.api.access import host_name, local_enough
from shared.binding import check_binding, is_loopback
from shared.config import SettingError, Settings
from tests.api.conftest import Api, Start, message

FOREIGN = {"Origin": "https://elsewhere.example"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "localhost", "::1", "a.localhost"])
def test_these_names_mean_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert local_enough(host, loopback=True)


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.5", "", "127.0.0.1.evil.example", "2130706433x"])
def test_these_do_not(host: str) -> None:
    assert not local_enough(host, loopback=True)


def test_beyond_loopback_addresses_and_single_words_pass_but_no_public_name() -> None:
    assert [local_enough(name, loopback=False) for name in ("192.168.1.5", "api", "fe80::1")] == [True] * 3
    assert [local_enough(name, loopback=False) for name in ("evil.example", "")] == [False] * 2
    assert [host_name(text) for text in ("[::1]:8000", "API:80", "a.b.", "http://x:1", "[")] == [
        "::1",
        "api",
        "a.b",
        "x",
        "",
    ]


def test_listening_beyond_this_machine_has_to_be_said_aloud() -> None:
    with pytest.raises(SettingError, match="AUTH=none"):
        check_binding(Settings(host="0.0.0.0"))
    check_binding(Settings(host="0.0.0.0", auth="none"))
    check_binding(Settings(host="::1"))


async def test_a_name_bound_to_this_machine_by_another_site_is_refused(api: Api) -> None:
    for path in ("/api/data", "/", "/api/config"):
        answer = await api.http.get(path, headers={"Host": f"evil.example:{api.port}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "host_not_local")
    with pytest.raises(InvalidStatus) as refused:
        await connect("ws://evil.example/ws", host="127.0.0.1", port=api.port).__aenter__()
    assert refused.value.response.status_code == 403


async def test_a_foreign_page_reads_market_data_and_opens_the_terminals_socket(api: Api) -> None:
    answer = await api.http.get("/api/data", headers=FOREIGN)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    async with api.socket("/ws", origin="https://elsewhere.example") as socket:
        await socket.send('{"type":"ping"}')
        assert await message(socket) == {"type": "pong"}


async def test_a_foreign_page_neither_writes_nor_opens_push_nor_reads_the_settings(api: Api) -> None:
    answer = await api.http.post("/api/config", json={"enter_bps": 1}, headers=FOREIGN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
    answer = await api.http.post("/api/config", json={"enter_bps": 1}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        await api.socket("/push", origin="https://elsewhere.example").__aenter__()
    assert refused.value.response.status_code == 403
    assert b"foreign_origin" in refused.value.response.body
    for path in ("/api/config", "/api/system/status", "/metrics"):
        assert "access-control-allow-origin" not in (await api.http.get(path, headers=FOREIGN)).headers
    own = {"Origin": api.base}
    assert (await api.http.post("/api/config", json={"enter_bps": 70}, headers=own)).status_code == 200
    async with api.socket("/push", origin=api.base) as socket:
        assert (await message(socket))["type"] == "hello"


async def test_a_write_must_be_json(api: Api) -> None:
    answer = await api.http.post("/api/switch_symbol", content="symbol=BTC", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (415, "Content-Type")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("DELETE", "/api/data", 405, "method_not_allowed"),
        ("POST", "/api/board", 405, "method_not_allowed"),
        ("PUT", "/api/config", 405, "method_not_allowed"),
        ("DELETE", "/", 405, "method_not_allowed"),
        ("POST", "/api/nosuch", 404, "not_found"),
        ("POST", "/api/config", 415, "json_only"),
        ("POST", "/api/switch_symbol", 415, "json_only"),
    ],
)
async def test_a_write_to_where_nothing_is_written_is_told_that(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = await api.http.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("GET" in answer.headers.get("allow", "")) is (status == 405)


async def test_a_refused_upgrade_is_counted_and_no_error_of_ours(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    for path, origin, status in (
        ("/push", "https://elsewhere.example", 403),
        ("/nosuch", None, 404),
        ("/api/data", None, 404),
    ):
        with pytest.raises(InvalidStatus) as refused:
            await api.socket(path, origin=origin).__aenter__()
        assert refused.value.response.status_code == status
        assert refused.value.response.headers["x-parallax-mode"] == "live"
        error = json.loads(refused.value.response.body)["error"]
        assert (error["field"], error["value"]) == (("Origin", origin) if origin else ("path", path))
    assert api.context.refused == {"foreign_origin": 1, "not_found": 2}
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


async def test_preflights_are_answered_for_reading_and_for_private_networks(api: Api) -> None:
    asked = {**FOREIGN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Private-Network": "true"}
    answer = await api.http.options("/api/exchanges", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert "access-control-allow-origin" not in (await api.http.options("/api/config", headers=asked)).headers


async def test_every_answer_says_the_mode_and_head_is_a_get_without_a_body(start: Start) -> None:
    api = await start(mode="demo")
    for path in ("/api/data", "/api/nothing", "/healthz"):
        assert (await api.http.get(path)).headers["x-parallax-mode"] == "demo"
    answer = await api.http.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await api.http.get("/api/version")).json()["mode"] == "demo"
