"""Instruments that a scenario lists under names of its own: another coin of a ticker, a multiple nobody reviewed."""

from collections.abc import Iterable

from services.simulator.coins import Coin, coins
from services.simulator.listing import Listed, amend
from services.simulator.options import OptionError
from services.simulator.scenario import Event
from services.simulator.venue import SimulatedVenue

#: how liquid they are
RANK = 40
#: coins among which the one that a name stands for is looked for
KNOWN = 2_000


def strangers(events: Iterable[Event], venue: SimulatedVenue, seed: int) -> list[Listed]:
    """A row for each `list` event of this venue that has a `name`. Raises `OptionError`."""
    return [
        _row(event, venue, seed)
        for event in events
        if event.kind == "list" and event.name and event.venue == venue.name
    ]


def added(rows: list[Listed], new: list[Listed]) -> list[Listed]:
    """The venue's rows with these, which take the places of any that go by the same id."""
    taken = {(row.market, row.native) for row in new}
    kept = [row for row in rows if (row.market, row.native) not in taken]
    highest = max((row.number for row in rows), default=-1)
    for place, row in enumerate(new, highest + 1):
        row.number = place if row.number < 0 else row.number
    return kept + new


def _row(event: Event, venue: SimulatedVenue, seed: int) -> Listed:
    market = event.market or "perp"
    quote = next((offer.quote for offer in venue.offers if offer.market == market), None)
    if quote is None:
        raise OptionError(f"event 'list': {venue.name} has no {market} market")
    price = event.price
    if price is None:
        price = next((coin.price for coin in coins(KNOWN, seed) if coin.name == event.coin), None)
    if price is None:
        raise OptionError(f"event 'list': coin {event.coin!r} has no price, expected 'price' or a coin that has one")
    units = event.multiplier
    named = Coin(event.name, price * units, RANK)
    return amend(venue.listing(named, market, quote, seed), {"coin": event.coin, "multiplier": units})
