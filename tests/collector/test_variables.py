"""What users of a venue set in the environment changes its record, or is refused by name."""

from dataclasses import replace

import pytest

from services.collector.variables import choice, configured, rest_url, seconds, socket_url
from services.collector.venue import Call, Variable, Venue
from services.collector.venues import VENUES
from shared.config import SettingError
from tests.collector import fakes

CALLS = (Call("list", "listing", "rest", "/list", None, every_s=900.0), Call("poll", "poll", "rest", "/p", "perp"))
VARIABLES = (
    choice(
        "FAKE_ENVIRONMENT",
        "which one",
        {"prod": {}, "test": {"open": "wss://open.example", "rest": "https://rest.example"}},
        "prod",
    ),
    socket_url("FAKE_WS_URL", "socket", "open", "wide"),
    rest_url("FAKE_REST_URL", "REST", "rest", without=("/api/v1",)),
    seconds("FAKE_SECONDS", "how often", "list"),
    Variable("FAKE_KEY", "a key", "20 letters", lambda venue, text: refuse(text), secret=True),
)
VENUE = replace(fakes.venue(calls=CALLS), variables=VARIABLES)


def refuse(text: str) -> Venue:
    raise ValueError(text)


def urls(venue: Venue) -> tuple[str, ...]:
    return (*(one.url for one in venue.endpoints), *(one.url for one in venue.hosts))


def test_nothing_set_or_set_to_nothing_changes_nothing() -> None:
    assert configured(VENUE, {}) == VENUE
    assert configured(VENUE, {one.name: " " for one in VARIABLES}) == VENUE


def test_addresses_replace_those_of_the_record() -> None:
    made = configured(
        VENUE, {"FAKE_WS_URL": "ws://127.0.0.1:9000/ws?a=b", "FAKE_REST_URL": " https://x.example/api/v1/ "}
    )
    assert urls(made) == ("ws://127.0.0.1:9000/ws?a=b", "ws://127.0.0.1:9000/ws?a=b", "https://x.example")


def test_a_single_address_wins_over_the_chosen_environment() -> None:
    made = configured(VENUE, {"FAKE_ENVIRONMENT": "TEST", "FAKE_REST_URL": "http://own.example"})
    assert urls(made) == ("wss://open.example", "wss://wide.test/ws", "http://own.example")


def test_an_interval_is_that_of_the_calls_named() -> None:
    assert [call.every_s for call in configured(VENUE, {"FAKE_SECONDS": "300.0"}).calls] == [300.0, None]


def test_addresses_change_nothing_behind_a_gateway_and_are_checked_all_the_same() -> None:
    given = {"FAKE_WS_URL": "ws://own.example", "FAKE_ENVIRONMENT": "test", "FAKE_SECONDS": "300"}
    made = configured(VENUE, given, addresses=False)
    assert urls(made) == urls(VENUE)
    assert made.calls[0].every_s == 300.0
    with pytest.raises(SettingError):
        configured(VENUE, {"FAKE_WS_URL": "own.example"}, addresses=False)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("FAKE_WS_URL", "https://x.example", "a URL that begins with wss:// or ws:// and names a host"),
        ("FAKE_WS_URL", "wss://", "a URL that begins with wss:// or ws:// and names a host"),
        ("FAKE_WS_URL", "wss://x.example:port", "a URL that begins with wss:// or ws:// and names a host"),
        ("FAKE_WS_URL", "wss://x.example/a b", "a URL that begins with wss:// or ws:// and names a host"),
        ("FAKE_REST_URL", "x.example", "a URL that begins with https:// or http:// and names a host"),
        ("FAKE_REST_URL", "https://[::1", "a URL that begins with https:// or http:// and names a host"),
        ("FAKE_REST_URL", "https://x.example:0", "a URL that begins with https:// or http:// and names a host"),
        ("FAKE_SECONDS", "often", "a number of seconds, 5 to 86400"),
        ("FAKE_SECONDS", "1", "a number of seconds, 5 to 86400"),
        ("FAKE_SECONDS", "nan", "a number of seconds, 5 to 86400"),
        ("FAKE_ENVIRONMENT", "moon", "one of prod, test"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, text: str, expected: str) -> None:
    with pytest.raises(SettingError) as caught:
        configured(VENUE, {name: text})
    assert (caught.value.field, caught.value.value, caught.value.expected) == (name, text, expected)


def test_a_secret_is_not_shown_where_it_is_refused() -> None:
    with pytest.raises(SettingError) as caught:
        configured(VENUE, {"FAKE_KEY": "s3cret"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("venue", VENUES)
def test_the_defaults_that_the_documents_show_are_the_records_own(venue: str) -> None:
    record = VENUES[venue]
    assert configured(record, {one.name: one.default for one in record.variables}) == record


def test_the_names_that_users_of_older_monitors_have_set_are_read() -> None:
    made = configured(VENUES["okx"], {"OKX_WS_PUBLIC_URL": "wss://wsaws.okx.com:8443/ws/v5/public"})
    assert [one.url for one in made.endpoints] == ["wss://wsaws.okx.com:8443/ws/v5/public"]
    given = {
        "LIGHTER_WS_PUBLIC_URL": "wss://testnet.zklighter.elliot.ai/stream",
        "LIGHTER_REST_BASE_URL": "https://testnet.zklighter.elliot.ai/api/v1",
        "LIGHTER_MARKET_REFRESH_SECONDS": "300",
    }
    made = configured(VENUES["lighter"], given)
    assert urls(made) == ("wss://testnet.zklighter.elliot.ai/stream", "https://testnet.zklighter.elliot.ai")
    assert [call.every_s for call in made.calls if call.job == "listing"] == [300.0]
