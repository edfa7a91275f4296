"""Which routes an instant has to look at: of some hundred thousand, the few whose edge may reach the threshold."""

from collections.abc import Iterator

from services.scanner.detectors.interest import Near
from services.scanner.detectors.tracks import GOOD, pair_of
from services.scanner.judge import Judge
from services.scanner.market import Asset, Leg
from shared.routes.edge import kind_of, rough_bps
from shared.routes.fx import crosses
from shared.routes.numbers import MARGIN_BPS
from shared.signals import Kind

Candidate = tuple[Leg, Leg, Kind]


class Screen:
    """A coin is hot while its best bid lies `enter_bps` above its best ask, whatever the state of the legs; that can
    change only with its quotes, the rate or the settings, so only coins in `fresh` are looked at again. A coin is warm
    while that distance is `near_ratio` of it."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        #: coins whose quotes changed since the last instant; filled by the fold
        self.fresh: set[Asset] = set()
        self.hot: set[Asset] = set()
        self.warm: set[Asset] = set()
        #: of the last look: pairs whose edge reaches enter_bps as well, and that make no route
        self.barred: list[tuple[Leg, Leg]] = []

    def candidates(self, at: int) -> list[Candidate]:
        """Every route whose edge reaches enter_bps, in no order. Takes note of pairs too far apart."""
        self._refresh()
        self.barred.clear()
        found: list[Candidate] = []
        for asset in self.hot:
            self._pairs(asset, at, found)
        return found

    def _refresh(self) -> None:
        """The rate is taken at its most favourable, so nothing is overlooked."""
        ratio = 1.0 + (self.judge.enter_rough - MARGIN_BPS) / 10_000
        near = 1.0 + (self.judge.near_rough - MARGIN_BPS) / 10_000
        low, high = min(1.0, self.judge.rate.low or 1.0), max(1.0, self.judge.rate.high)
        for asset in self.fresh:
            best_bid, best_ask = 0.0, float("inf")
            for leg in asset.legs:
                leg.numbers()
                bid, ask = (leg.bid * high, leg.ask * low) if leg.converted else (leg.bid, leg.ask)
                best_bid = bid if bid > best_bid else best_bid
                best_ask = ask if 0.0 < ask < best_ask else best_ask
            if best_bid < best_ask * near:
                self.warm.discard(asset)
                self.hot.discard(asset)
            else:
                self.warm.add(asset)
                (self.hot.add if best_bid >= best_ask * ratio else self.hot.discard)(asset)
        self.fresh.clear()

    def forget(self, asset: Asset) -> None:
        """The coin has no market any more."""
        for kept in (self.fresh, self.hot, self.warm):
            kept.discard(asset)

    def near(self, at: int) -> list[Near]:
        """The pairs of which an edge reaches `near_ratio * enter_bps` and is to be believed, in the order of their
        names. To be asked after `candidates`."""
        found: dict[tuple[str, str], Near] = {}
        for asset in self.warm:
            for buy, sell, edge in self._believed(asset, at):
                one, other = pair_of(buy, sell)
                known = found.get((one.part, other.part))
                if known is None or known.edge < edge:
                    found[one.part, other.part] = Near(one, other, edge)
        return [found[key] for key in sorted(found)]

    def _believed(self, asset: Asset, at: int) -> Iterator[tuple[Leg, Leg, float]]:
        judge = self.judge
        floor, rateless = judge.near_rough - MARGIN_BPS, judge.rate.trouble(at) is not None
        good = [leg for leg in asset.legs if leg.state(at, judge.id_ms, judge.runtime) in GOOD]
        for buy in good:
            for sell in good:
                if sell is buy or (rateless and crosses(buy, sell)):
                    continue
                edge = rough_bps(buy, sell, judge.rate)
                if not floor <= edge <= judge.max_rough or kind_of(buy, sell) is None:
                    continue
                if not judge.doubts.about(buy, sell, at, judge.runtime):
                    yield buy, sell, edge

    def _pairs(self, asset: Asset, at: int, found: list[Candidate]) -> None:
        judge = self.judge
        floor = judge.enter_rough - MARGIN_BPS
        rateless = judge.rate.trouble(at) is not None
        for buy in asset.legs:
            if not buy.ask:
                continue
            for sell in asset.legs:
                if not sell.bid or sell is buy:
                    continue
                if rough_bps(buy, sell, judge.rate) < floor:
                    continue
                kind = kind_of(buy, sell)
                if kind is not None:
                    if not (rateless and crosses(buy, sell)):  # a route without a rate says nothing of the pair
                        judge.off(buy, sell, at)
                    found.append((buy, sell, kind))
                else:
                    self.barred.append((buy, sell))
