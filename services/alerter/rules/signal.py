"""Signals: an alert for each coin of which at least one open signal is good enough. Its size is the best net. Pure."""

from services.alerter.picture import OpenSignal, Picture, Reading, plain
from shared.alerts import SignalRule


def readings(rule: SignalRule, picture: Picture) -> list[Reading]:
    """Of every coin with an open signal. A coin with none is told as under, by `over_now`."""
    best: dict[str, OpenSignal] = {}
    more: dict[str, int] = {}
    for one in picture.signals.values():
        if not wanted(rule, one):
            continue
        more[one.asset] = more.get(one.asset, 0) + 1
        held = best.get(one.asset)
        if held is None or (one.net, one.id) > (held.net, held.id):
            best[one.asset] = one
    return [_reading(rule, one, more[asset]) for asset, one in sorted(best.items())]


def wanted(rule: SignalRule, one: OpenSignal) -> bool:
    """Whether a signal passes every filter of the rule."""
    return (
        (not rule.assets or one.asset in rule.assets)
        and (not rule.kinds or one.kind in rule.kinds)
        and (not rule.venues or (one.buy in rule.venues and one.sell in rule.venues))
        and (not rule.routes or (one.buy, one.sell) in rule.routes)
        and (rule.min_edge_bps is None or one.edge >= rule.min_edge_bps)
        and (rule.min_net_bps is None or one.net >= rule.min_net_bps)
        and (rule.min_size_usd is None or one.size_usd >= rule.min_size_usd)
    )


def _reading(rule: SignalRule, one: OpenSignal, routes: int) -> Reading:
    limit = rule.min_net_bps if rule.min_net_bps is not None else rule.min_edge_bps
    about = {"route": one.text, "edge_bps": plain(one.edge), "size_usd": f"{one.size_usd:,.0f}", "signal": one.id}
    if routes > 1:
        about["routes"] = str(routes)
    return Reading(
        subject=one.asset,
        level="over",
        size=one.net,
        value=plain(one.net),
        measure="net",
        unit="bps",
        limit=None if limit is None else plain(limit),
        asset=one.asset,
        about=about,
    )
