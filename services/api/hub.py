"""Feeds by what they show: subscriptions that ask for the same share one, and what it renders and encodes."""

from collections.abc import Callable
from typing import Any, Final

from services.api.feed import MAKERS, Encoding, Feed, Subscription, Turns
from services.api.sources import AssetParams, BoardParams, HealthParams, Params, SignalsParams, source_for
from services.api.state import LiveState
from shared.signals import BoardRow, Signal

#: Different views at once; one more is refused.
MAX_FEEDS: Final = 2_000


class HubFull(Exception):
    """Too many different views are open."""


class Hub:
    """Carries changes of the live state to the feeds that show them."""

    def __init__(self, state: LiveState) -> None:
        self._state = state
        self._feeds: dict[tuple[Params, Encoding], Feed] = {}
        self._turns = Turns()
        state.board.listeners.append(self._on_rows)
        state.signals.listeners.append(self._on_signals)
        state.process_listeners.append(self._on_processes)

    def __len__(self) -> int:
        return len(self._feeds)

    def subscribe(
        self, subscription_id: Any, params: Params, encoding: Encoding, offer: Callable[[dict[str, Any]], bool]
    ) -> Subscription:
        """Join the feed of these parameters. Raises `HubFull`."""
        key = (params, encoding)
        feed = self._feeds.get(key)
        if feed is None:
            if len(self._feeds) >= MAX_FEEDS:
                raise HubFull
            source, turns = source_for(self._state, params, MAKERS[encoding]), self._turns if filters(params) else None
            feed = self._feeds[key] = Feed(source, encoding, gap_s(params), turns)
        # What is still to be flushed goes to those who were here before: the newcomer's snapshot has it.
        feed.flush()
        subscription = Subscription(subscription_id, feed, offer)
        feed.subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        feed = subscription.feed
        feed.subscriptions.discard(subscription)
        if not feed.subscriptions:
            feed.close()
            self._feeds = {key: held for key, held in self._feeds.items() if held is not feed}

    def reset(self) -> None:
        """The state was wiped."""
        for feed in tuple(self._feeds.values()):
            feed.reset()

    def directory_changed(self) -> None:
        """The venues list something else: the markets of an asset may have other pages, its routes other terms."""
        for (params, _), feed in self._feeds.items():
            if isinstance(params, AssetParams):
                feed.touch((params.symbol,))
        self.settings_changed()

    def settings_changed(self) -> None:
        """Fees and bounds may be others: so may the best of the routes that a filter leaves."""
        assets = list(self._state.board.rows)
        for (params, _), feed in self._feeds.items():
            if filters(params):
                feed.touch(assets)

    def _on_rows(self, rows: list[BoardRow]) -> None:
        assets = [row.asset for row in rows]
        for (params, _), feed in self._feeds.items():
            if isinstance(params, BoardParams):
                feed.touch(assets)
            elif isinstance(params, AssetParams) and params.symbol in assets:
                feed.touch((params.symbol,))

    def _on_signals(self, records: list[Signal]) -> None:
        names = [record.id for record in records]
        for (params, _), feed in self._feeds.items():
            if isinstance(params, SignalsParams):
                feed.touch(names)

    def _on_processes(self) -> None:
        for (params, _), feed in self._feeds.items():
            if isinstance(params, HealthParams):
                feed.touch(("",))


def filters(params: Params) -> bool:
    """Whether routes are asked about, so that the best of them has to be found for each row."""
    return isinstance(params, BoardParams) and not params.filter.wanted().everything()


def gap_s(params: Params) -> float:
    """Least distance of two flushes."""
    return 1.0 / params.rate if params.rate else 0.0
