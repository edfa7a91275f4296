"""What users of GRVT set in the environment: which of its environments, other addresses, keys.

A key opens a session at the edge host: the answer sets a cookie and names the account, and both go with every call and
socket. Market data needs none of that, so the collector goes on without a session where none is opened.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from services.collector.variables import SOCKET_SCHEMES, begins, choice, rest_url, socket_url, url
from services.collector.venue import Login, Variable, Venue

MARKET_DATA: Final = "market-data"
EDGE: Final = "edge"
ENDPOINTS: Final = ("mini", "mini_snap", "ticker", "book", "trade")
SOCKET_URL: Final = "wss://market-data.grvt.io/ws/full"
REST_URL: Final = "https://market-data.grvt.io"
EDGE_URL: Final = "https://edge.grvt.io"
LOGIN_PATH: Final = "/auth/api_key/login"
COOKIE: Final = "gravity"
ACCOUNT: Final = "x-grvt-account-id"
DOMAINS: Final = {
    "prod": "grvt.io",
    "testnet": "testnet.grvt.io",
    "staging": "staging.gravitymarkets.io",
    "dev": "dev.gravitymarkets.io",
}
#: longer than any key is
_MOST: Final = 256


def addresses(domain: str) -> dict[str, str]:
    """The endpoints and hosts of one environment."""
    sockets = dict.fromkeys(ENDPOINTS, f"wss://market-data.{domain}/ws/full")
    return {**sockets, MARKET_DATA: f"https://market-data.{domain}", EDGE: f"https://edge.{domain}"}


def session(headers: Mapping[str, str], cookies: Mapping[str, str]) -> dict[str, str] | None:
    """What a session is carried by. A wrong key, or an address that is not white-listed, is answered without one."""
    cookie, account = cookies.get(COOKIE), headers.get(ACCOUNT)
    if not cookie:
        return None
    carried = {"Cookie": f"{COOKIE}={cookie}"}
    return {**carried, "X-Grvt-Account-Id": account} if account else carried


def login(key: str) -> Login:
    return Login(
        EDGE,
        LOGIN_PATH,
        {"api_key": key},
        session,
        headers={"Cookie": "rm=true;"},
        closed="the answer has no session: a wrong key, or an address that is not white-listed (IPv4 is used first)",
    )


def _text(text: str) -> str:
    """A key or account as it is. Raises `ValueError`."""
    if len(text) > _MOST or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError
    return text


def _with_key(venue: Venue, text: str) -> Venue:
    return replace(venue, login=login(_text(text)))


def _checked(venue: Venue, text: str) -> Venue:
    """What orders are signed with and booked to: nothing of market data changes with it."""
    _text(text)
    return venue


def _full_socket(venue: Venue, text: str) -> Venue:
    """`/ws` and `/ws/full` speak the full encoding, in which we ask; `/ws/lite` does not."""
    if url(text, SOCKET_SCHEMES).rstrip("/").endswith("/lite"):
        raise ValueError(text)
    return socket_url("", "", *ENDPOINTS).apply(venue, text)


_ACCEPTED: Final = "printable characters without spaces"

VARIABLES: Final = (
    choice(
        "GRVT_ENVIRONMENT",
        "which of its environments",
        {name: addresses(domain) for name, domain in DOMAINS.items()},
        "prod",
    ),
    Variable(
        "GRVT_WS_PUBLIC_URL",
        "address of its market data socket",
        f"{begins(SOCKET_SCHEMES)}, of the full encoding",
        _full_socket,
        SOCKET_URL,
        address=True,
    ),
    rest_url(
        "GRVT_REST_BASE_URL",
        "address of its market data calls",
        MARKET_DATA,
        default=REST_URL,
        without=("/v1", "/full"),
    ),
    Variable("GRVT_API_KEY", "key to log in with; empty: public access", _ACCEPTED, _with_key, secret=True),
    Variable("GRVT_SECRET_KEY", "signs orders; market data needs none", _ACCEPTED, _checked, secret=True),
    Variable("GRVT_TRADING_ACCOUNT_ID", "books orders; market data needs none", _ACCEPTED, _checked, secret=True),
)
