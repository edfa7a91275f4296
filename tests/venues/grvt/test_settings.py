"""What users of the exchange set in the environment."""

from typing import Any

import pytest

from services.collector.variables import configured
from services.collector.venues.grvt import VENUE
from shared.config import SettingError

SECRET = "2f9cAbXyNeverToBeSeen"


def urls(**given: str) -> set[str]:
    made = configured(VENUE, given)
    return {*(one.url for one in made.endpoints), *(one.url for one in made.hosts)}


@pytest.mark.parametrize(
    ("environment", "domain"),
    [
        ("prod", "grvt.io"),
        ("PROD", "grvt.io"),
        ("testnet", "testnet.grvt.io"),
        ("staging", "staging.gravitymarkets.io"),
        ("dev", "dev.gravitymarkets.io"),
    ],
)
def test_an_environment_has_its_addresses(environment: str, domain: str) -> None:
    assert urls(GRVT_ENVIRONMENT=environment) == {
        f"wss://market-data.{domain}/ws/full",
        f"https://market-data.{domain}",
        f"https://edge.{domain}",
    }


def test_single_addresses_win_over_the_environment() -> None:
    assert urls(
        GRVT_ENVIRONMENT="testnet",
        GRVT_WS_PUBLIC_URL="wss://own.example/ws",
        GRVT_REST_BASE_URL="https://own.example/full/v1/",
    ) == {"wss://own.example/ws", "https://own.example", "https://edge.testnet.grvt.io"}


@pytest.mark.parametrize(
    "given",
    [
        {"GRVT_ENVIRONMENT": "mars"},
        {"GRVT_WS_PUBLIC_URL": "https://own.example"},
        {"GRVT_WS_PUBLIC_URL": "wss://market-data.grvt.io/ws/lite"},
        {"GRVT_REST_BASE_URL": "own.example"},
    ],
)
def test_an_address_that_cannot_be_used_is_named(given: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=next(iter(given))):
        configured(VENUE, given)


def test_without_a_key_access_is_public() -> None:
    assert configured(VENUE, {"GRVT_SECRET_KEY": SECRET, "GRVT_TRADING_ACCOUNT_ID": "4860249204328359"}) == VENUE
    assert VENUE.login is None


def test_a_key_logs_in_at_the_environments_edge_and_is_not_shown() -> None:
    made = configured(VENUE, {"GRVT_API_KEY": f" {SECRET} ", "GRVT_ENVIRONMENT": "testnet"})
    assert made.login is not None
    assert (made.login.host, made.login.path, made.login.body) == ("edge", "/auth/api_key/login", {"api_key": SECRET})
    assert made.login.headers == {"Cookie": "rm=true;"}
    assert {one.name: one.url for one in made.hosts}["edge"] == "https://edge.testnet.grvt.io"
    assert SECRET not in repr(made)


@pytest.mark.parametrize("name", ["GRVT_API_KEY", "GRVT_SECRET_KEY", "GRVT_TRADING_ACCOUNT_ID"])
@pytest.mark.parametrize("text", ["two words", "ключ", "x" * 300, "a\tb"])
def test_a_key_that_is_none_is_refused_without_showing_it(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=name) as caught:
        configured(VENUE, {name: text})
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "cookies", "carried"),
    [
        (
            {"x-grvt-account-id": "0xabc"},
            {"gravity": "MTc2"},
            {"Cookie": "gravity=MTc2", "X-Grvt-Account-Id": "0xabc"},
        ),
        ({}, {"gravity": "MTc2"}, {"Cookie": "gravity=MTc2"}),
        ({"x-grvt-account-id": "0xabc"}, {}, None),
        ({}, {"gravity": ""}, None),
    ],
)
def test_a_session_is_the_cookie_and_the_account(
    headers: dict[str, str], cookies: dict[str, str], carried: Any
) -> None:
    made = configured(VENUE, {"GRVT_API_KEY": SECRET}).login
    assert made is not None
    assert made.session(headers, cookies) == carried
