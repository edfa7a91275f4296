"""Values that the tests of the alerter share."""

from typing import Any

from services.alerter.picture import Exchange, Leg, OpenSignal, Reading, Row
from shared.alerts import Alert, Severity

S = 1_000_000_000
#: 2026-11-21T08:00:00Z
T0 = 1_795_248_000 * S


def leg(venue: str = "alpha", market: str = "perp", base: str = "BTC", **fields: Any) -> Leg:
    symbol = f"{base}/USDT" if market == "spot" else f"{base}/USDT:USDT"
    known: dict[str, Any] = {"state": "ok", "bid": "99", "ask": "101", "recv": T0, "mark": "100", "index": "100"}
    known |= {"funding_rate": "0.0001", "funding_interval_h": "8"}
    return Leg(**{"venue": venue, "market": market, "symbol": symbol, **known, **fields})


def row(*legs: Leg, asset: str = "BTC") -> Row:
    return Row(asset, legs)


def exchange(venue: str = "alpha", **fields: Any) -> Exchange:
    known: dict[str, Any] = {"beat_age_s": 1.0, "connected": True, "rate": 50.0, "latency_ms": 40.0, "usual_ms": 40.0}
    known |= {"quote_age_s": 0.2, "markets": 100}
    return Exchange(**{"venue": venue, **known, **fields})


def signal(name: str = "a", **fields: Any) -> OpenSignal:
    known: dict[str, Any] = {"asset": "WIF", "kind": "perp-perp", "buy": "alpha", "sell": "beta", "edge": 70.0}
    known |= {"net": 50.0, "size_usd": 4_000.0, "text": "WIF: alpha perp 2.14 → beta perp 2.16"}
    return OpenSignal(**{"id": name, **known, **fields})


def over(subject: str = "x", size: float = 2.0, **fields: Any) -> Reading:
    return Reading(
        **{"subject": subject, "level": "over", "size": size, "value": f"{size:g}", "measure": "down", **fields}
    )


def under(subject: str = "x") -> Reading:
    return Reading(subject, "under", 0.0, "0", "down")


def alert(name: str = "one", severity: Severity = "warning", event: str = "fire", **fields: Any) -> Alert:
    known: dict[str, Any] = {"rev": 2 if event == "end" else 1, "rule": "exchange-away", "kind": "venue"}
    known |= {"subject": f"alpha {name}", "measure": "down", "unit": "", "limit": None, "value": "1", "peak": "1"}
    known |= {"peak_at": T0, "at": T0, "began_at": T0, "fired_at": T0, "venue": "alpha"}
    if event == "end":
        known |= {"ended_at": T0 + 90 * S, "duration_ms": 90_000, "end_reason": "recovered"}
    return Alert(**{"id": name, "event": event, "severity": severity, **known, **fields})
