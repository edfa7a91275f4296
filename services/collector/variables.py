"""What users of a venue set in the environment: other addresses, an environment of the venue's, how often to refresh.

A venue's record names its variables (`Venue.variables`) and says what each changes; here are the usual ones, and
`configured`, which makes the record of this deployment. An empty variable changes nothing. Later ones win: the choice
of an environment comes before a single address. Pure; the values come from the caller.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from services.collector.venue import Variable, Venue
from shared.config import SettingError

SECONDS_LEAST: Final = 5.0
SECONDS_MOST: Final = 86_400.0
SOCKET_SCHEMES: Final = ("wss", "ws")
REST_SCHEMES: Final = ("https", "http")

#: changes a record, given a value that was checked
Change = Callable[[Venue, str], Venue]


def configured(venue: Venue, given: Mapping[str, str], *, addresses: bool = True) -> Venue:
    """The record with the variables that are set. Raises `SettingError` naming the first bad one.

    `addresses` False: all traffic goes elsewhere anyway (a gateway), variables that are addresses are checked only.
    """
    for variable in venue.variables:
        text = given.get(variable.name, "").strip()
        if not text:
            continue
        try:
            changed = variable.apply(venue, text)
        except ValueError:
            shown = "(hidden)" if variable.secret else text
            raise SettingError(variable.name, shown, variable.accepted) from None
        if addresses or not variable.address:
            venue = changed
    return venue


def socket_url(name: str, description: str, *endpoints: str, default: str = "") -> Variable:
    """The address of these socket endpoints."""

    def change(venue: Venue, text: str) -> Venue:
        return with_urls(venue, dict.fromkeys(endpoints, url(text, SOCKET_SCHEMES)))

    return Variable(name, description, begins(SOCKET_SCHEMES), change, default, address=True)


def rest_url(name: str, description: str, *hosts: str, default: str = "", without: Sequence[str] = ()) -> Variable:
    """The base address of these REST hosts. `without`: path ends that users may give and that calls have already."""

    def change(venue: Venue, text: str) -> Venue:
        base = url(text, REST_SCHEMES).rstrip("/")
        for end in without:
            base = base.removesuffix(end)
        return with_urls(venue, dict.fromkeys(hosts, base))

    return Variable(name, description, begins(REST_SCHEMES), change, default, address=True)


def seconds(name: str, description: str, *calls: str, default: str = "", least: float = SECONDS_LEAST) -> Variable:
    """How often these REST calls are made."""

    def change(venue: Venue, text: str) -> Venue:
        every = float(text)
        if not least <= every <= SECONDS_MOST:
            raise ValueError(text)
        made = tuple(replace(call, every_s=every) if call.name in calls else call for call in venue.calls)
        return replace(venue, calls=made)

    return Variable(name, description, f"a number of seconds, {least:g} to {SECONDS_MOST:.0f}", change, default)


def choice(name: str, description: str, choices: Mapping[str, Mapping[str, str]], default: str = "") -> Variable:
    """One of the venue's environments: the addresses of endpoints and hosts in each, by name."""

    def change(venue: Venue, text: str) -> Venue:
        if text.lower() not in choices:
            raise ValueError(text)
        return with_urls(venue, choices[text.lower()])

    return Variable(name, description, f"one of {', '.join(choices)}", change, default, address=True)


def with_urls(venue: Venue, urls: Mapping[str, str]) -> Venue:
    """The record with other addresses for the endpoints and hosts named."""
    endpoints = tuple(replace(one, url=urls.get(one.name, one.url)) for one in venue.endpoints)
    hosts = tuple(replace(one, url=urls.get(one.name, one.url)) for one in venue.hosts)
    return replace(venue, endpoints=endpoints, hosts=hosts)


def url(text: str, schemes: Sequence[str]) -> str:
    """A whole address with one of the schemes. Raises `ValueError`."""
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or parts.fragment or not text.isprintable() or " " in text:
        raise ValueError(text)
    if parts.port == 0:  # the property raises where it is no number of a port
        raise ValueError(text)
    return text


def begins(schemes: Sequence[str]) -> str:
    return "a URL that begins with " + " or ".join(f"{scheme}://" for scheme in schemes) + " and names a host"
