"""Wrong input at every door gives the one shape of errors. The doors are read from the API's own description."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.api.errors import VALUE_CHARS, ApiError, invalid, shown
from shared.bus import Redis
from tests.api.conftest import Api
from tests.api.market import instrument, put_board, put_health, put_instruments, row

WRITES = {"Content-Type": "application/json"}
TOGETHER = 4
ODD = [
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "NaN",
    "999999999999999999999",
    "null",
    "../..",
    "%00",
    "'; --",
    "😀",
    "a" * 500,
    "2026-13-45",
    "true",
]
ODD_BODIES: list[Any] = [{}, [], None, 5, "x", {"symbol": 5}, {"symbol": ""}, {"enter_bps": "x"}, {"enter_bps": -1}]
ODD_BODIES += [
    {"version": "x", "enter_bps": 5},
    {"nope": 1},
    {"fees": 3},
    {"exclusions": [{"reason": ""}]},
    {"threshold": True},
]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "symbol is missing: expected the name of a coin."),
        (True, "symbol true: expected the name of a coin."),
        (5, "symbol 5: expected the name of a coin."),
        ("x", "symbol 'x': expected the name of a coin."),
    ],
)
def test_a_message_is_in_a_persons_words(value: object, said: str) -> None:
    assert invalid("symbol", value, "the name of a coin").message == said


def is_error_shape(body: Any) -> None:
    assert set(body["error"]) == {"code", "field", "value", "expected", "message"}
    assert body["errors"][0] == body["error"]
    assert body["status"] == "error"
    assert body["error"]["message"].rstrip()[-1] in ".…"
    assert " None" not in body["error"]["message"]
    assert body["error"]["code"].replace("_", "").isalnum()


@pytest.fixture
async def filled(api: Api, redis_client: Redis) -> Api:
    await put_health(redis_client, "_scanner")
    await put_instruments(redis_client, instrument("binance"), instrument("okx", native="BTC-USDT-SWAP"))
    await put_board(redis_client, row())
    await api.until(lambda: not api.context.state.directory.empty and api.context.state.feed == "live")
    return api


async def doors(api: Api) -> list[tuple[str, str, dict[str, Any]]]:
    paths = (await api.http.get("/openapi.json")).json()["paths"]
    found = [(verb, path, about) for path, verbs in paths.items() for verb, about in verbs.items()]
    assert len(found) > 20
    return found


def odd_requests(verb: str, path: str, about: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Path and query of each request that gives one parameter of a door an odd value."""
    for parameter in about.get("parameters", ()) if verb == "get" else ():
        name = parameter["name"]
        for odd in ODD:
            if parameter["in"] == "path":
                yield path.replace(f"{{{name}}}", quote(odd, safe="") or "%20"), {}
            else:
                yield path.replace("{symbol}", "BTC").replace("{signal_id}", "x"), {name: odd}


async def test_odd_values_in_every_parameter_are_answered_or_refused_in_one_shape(filled: Api) -> None:
    asked = [one for door in await doors(filled) for one in odd_requests(*door)]
    assert len(asked) > 50 * len(ODD)
    waiting = iter(asked)

    async def ask() -> None:
        for place, query in waiting:
            answer = await filled.http.get(place, params=query)
            assert answer.status_code in (200, 400, 404, 422, 503), (place, query, answer.text)
            if answer.status_code != 200:
                is_error_shape(answer.json())
                assert answer.json()["error"]["field"], (place, query, answer.text)

    # side by side: an answer that waits for a scanner holds nobody else up
    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(ask())


#: orders that say all by their path
BODILESS = ("/api/markets/refresh", "/api/database/maintenance")


async def test_odd_bodies_are_refused_in_one_shape(filled: Api) -> None:
    for verb, path, _ in await doors(filled):
        if verb == "post" and path not in BODILESS:
            for body in ODD_BODIES:
                answer = await filled.http.post(path, content=json.dumps(body), headers=WRITES)
                assert answer.status_code in (400, 404, 422), (path, body, answer.text)
                is_error_shape(answer.json())
            answer = await filled.http.post(path, content="{", headers=WRITES)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
            heavy = await filled.http.post(path, json={"symbol": "x" * 70_000})
            assert (heavy.status_code, heavy.json()["error"]["code"]) == (413, "too_large")


async def test_wrong_methods_and_paths_are_json_and_name_what_is_allowed(filled: Api) -> None:
    answer = await filled.http.request("DELETE", "/api/config", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    is_error_shape(answer.json())
    browser = {"Accept": "text/html"}
    for verb, path in (
        ("GET", "/api/nope"),
        ("GET", "/v1/nope"),
        ("POST", "/api/nope"),
        ("GET", "/api"),
        ("GET", "/v1"),
    ):
        answer = await filled.http.request(verb, path, json={}, headers=browser)
        assert answer.status_code == 404, (verb, path)
        is_error_shape(answer.json())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    path=st.text(st.characters(codec="utf-8"), max_size=20), value=st.text(st.characters(codec="utf-8"), max_size=20)
)
async def test_any_symbol_and_any_query_is_answered(filled: Api, path: str, value: str) -> None:
    for url in (f"/api/latest/{quote(path, safe='')}", f"/api/{quote(path, safe='')}", f"/{quote(path, safe='')}"):
        answer = await filled.http.get(url, params={"symbol": value, "limit": value, "venues": value})
        assert answer.status_code < 500 or answer.status_code == 503
        if answer.status_code >= 400:
            is_error_shape(answer.json())


async def test_an_unknown_symbol_and_exchange_say_what_is_known(filled: Api) -> None:
    error = (await filled.http.get("/api/data?symbol=nosuch")).json()["error"]
    assert error == {
        "code": "unknown_symbol",
        "field": "symbol",
        "value": "nosuch",
        "expected": "one of 1 assets; see /api/symbols",
        "message": "There is no coin 'nosuch' here.",
    }
    error = (await filled.http.get("/api/data?exchange=nosuch")).json()["error"]
    assert (error["field"], error["expected"]) == ("exchange", "one of binance, okx")


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("data?venues=nosuch", "venues", "unknown_exchange"),
        ("data?exchange=okx&exchanges=nosuch", "exchanges", "contradiction"),
        ("history/BTC?exchanges=nosuch", "exchanges", "unknown_exchange"),
        ("history/BTC?resolution=2min", "resolution", "unknown_interval"),
        ("chart/BTC?interval=1min&resolution=5min", "resolution", "contradiction"),
        ("data?symbol=NOSUCH&symbol=BTC", "symbol", "repeated"),
        ("aggregated_data?limit=x&limit=1", "limit", "repeated"),
        ("data?symbl=BTC", "symbl", "unknown_parameter"),
        ("board?Limit=3&nope=1", "Limit", "unknown_parameter"),
        ("history/BTC?form=csv&limit=x", "form", "unknown_parameter"),
        ("history/", "symbol", "invalid_value"),
        ("latest/", "symbol", "invalid_value"),
    ],
)
async def test_an_error_names_the_parameter_as_it_was_written(filled: Api, query: str, field: str, code: str) -> None:
    answer = await filled.http.get(f"/api/{query}")
    assert answer.status_code in (404, 422)
    is_error_shape(answer.json())
    assert (answer.json()["error"]["field"], answer.json()["error"]["code"]) == (field, code)


async def test_a_parameter_that_a_path_has_no_use_for_is_refused_with_those_it_has(filled: Api) -> None:
    errors = (await filled.http.get("/api/data?symbl=BTC&symbol=BTC&vnues=okx")).json()["errors"]
    assert [one["field"] for one in errors] == ["symbl", "vnues"]
    assert errors[0] == {
        "code": "unknown_parameter",
        "field": "symbl",
        "value": "BTC",
        "expected": "one of symbol, text, venues, exchange, exchanges",
        "message": "/api/data has no parameter 'symbl': expected one of symbol, text, venues, exchange, exchanges.",
    }
    none = (await filled.http.get("/api/version?verbose=1")).json()["error"]
    assert (none["field"], none["expected"]) == ("verbose", "no parameter")
    for path in (
        "/api/data?_=1795248221120",
        "/api/data?t=1795248221120",
        "/healthz?probe=1",
        "/metrics?format=text",
        "/?utm=x",
    ):
        assert (await filled.http.get(path)).status_code == 200, path


async def test_every_parameter_that_is_described_is_known(filled: Api) -> None:
    for verb, path, about in await doors(filled):
        names = [one["name"] for one in about.get("parameters", ()) if one["in"] == "query"]
        place = path.replace("{symbol}", "BTC").replace("{signal_id}", "x").replace("{asset}", "BTC")
        if verb == "get" and names:
            answer = await filled.http.get(place, params=dict.fromkeys(names, "x"))
            assert answer.json()["error"]["code"] != "unknown_parameter", (place, answer.text)


async def test_names_that_mean_the_same_may_stand_together_if_they_agree(filled: Api) -> None:
    both = await filled.http.get("/api/data?exchange=okx&venues=okx")
    assert both.json()["exchange_order"] == ["okx"]


async def test_what_is_no_request_is_told_so_in_the_shape_of_errors(api: Api) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"GET /api/version HTTP/1.1\r\nContent-Length: many\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    is_error_shape(json.loads(body))
    assert json.loads(body)["error"]["field"] == "request"


async def test_every_order_that_reads_a_body_shows_one(api: Api) -> None:
    paths = (await api.http.get("/openapi.json")).json()["paths"]
    for path in ("/api/switch_symbol", "/api/config", "/api/database/maintenance"):
        assert "example" in paths[path]["post"]["requestBody"]["content"]["application/json"]
    assert (await api.http.post("/openapi.json", json={})).status_code == 405


def test_values_in_errors_are_plain_and_short() -> None:
    assert (shown(5), shown(None), shown("x"), shown(["a"])) == (5, None, "x", '["a"]')
    assert len(shown("x" * 1000)) == VALUE_CHARS
    assert shown("\ud800") == "?"
    assert ApiError(400, "c", "M.").body()["field"] is None
