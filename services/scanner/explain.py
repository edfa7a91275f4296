"""Why a coin gives no signal: every route of it, as the last checkpoint has it, with the first thing in its way."""

import sys

from services.scanner.checkpoint import Unusable, load
from services.scanner.fold import Fold
from services.scanner.lifecycle import key_of
from services.scanner.market import Leg
from shared import streams
from shared.bus import AWAY, connect
from shared.config import SettingError
from shared.config import load as load_settings
from shared.routes.edge import Measure, exact_bps, kind_of
from shared.routes.numbers import cents, cents_text
from shared.signals import LegState


def lines(fold: Fold, name: str) -> list[str]:
    """One line a leg and one a route, the largest edge first."""
    asset = fold.assets.get(name)
    if asset is None:
        return [f"{name}: no market of it is known"]
    judge, at = fold.judge, fold.at
    told = [f"{leg.part}: {stands(leg, leg.state(at, judge.id_ms, judge.runtime))}" for leg in asset.legs]
    routes: list[tuple[int, str]] = []
    for buy in asset.legs:
        for sell in asset.legs:
            buy.numbers()
            sell.numbers()
            if kind_of(buy, sell) is None or not buy.ask or not sell.bid:
                continue
            verdict = judge.refuse(buy, sell, at, fold.cycle.window(key_of(buy, sell)))
            edge = cents(exact_bps(buy, sell, judge.rate))
            why = f"good, net_cash {cents_text(verdict.cash)} bps" if isinstance(verdict, Measure) else verdict
            routes.append((edge, f"buy {buy.part}, sell {sell.part}: {cents_text(edge)} bps: {why}"))
    return told + [line for _, line in sorted(routes, key=lambda one: (-one[0], one[1]))]


def stands(leg: Leg, state: LegState) -> str:
    """A leg's state, and why it is quarantined where it is."""
    reason = leg.reason() if state == "quarantined" else None
    return f"{state} ({reason})" if reason else state


async def explain(asset: str) -> int:
    """Print it. The exit code: 0, or 2 where nothing can be said."""
    name = asset.upper()
    try:
        settings = load_settings()
        client = connect(settings.redis)
        state = await client.hget(streams.scan(streams.partition_of(name, settings.partitions)), "ckpt")
        await client.aclose()
        if state is None:
            print("explain: no scanner has written a checkpoint yet", file=sys.stderr)
            return 2
        fold, _ = load(state)  # type: ignore[arg-type]
    except (SettingError, Unusable, *AWAY) as error:
        print(f"explain: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines(fold, name)))
    return 0
