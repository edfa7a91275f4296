"""What people read of an alert, in English and Chinese. Pure.

A title says what, a body says how much and since when. Prices of a demo or a replay say so first.
"""

from collections.abc import Sequence
from typing import Any

from services.alerter.message import Message
from services.alerter.quiet import clock_of, grave
from services.alerter.routing import Delivery
from shared.alert_words import known, title, word
from shared.alerts import Alert, ChannelManners, view


def body(alert: Alert, lang: str, time_zone: str) -> str:
    """The facts behind the title, a line each."""
    unit = alert.unit
    facts = [word(name, lang, value) for name, value in alert.about.items() if known(name)]
    if alert.limit is not None:
        facts.append(word("limit", lang, alert.limit, unit).strip())
    if alert.event == "end" and alert.peak is not None:
        facts.append(word("peak", lang, alert.peak, unit).strip())
    if alert.event != "note":
        facts.append(word("since", lang, clock_of(alert.began_at, time_zone)))
    if alert.repeats:
        facts.append(word("repeats", lang, alert.repeats))
    facts.append(word("rule name", lang, alert.rule))
    return "\n".join(facts)


def message(delivery: Delivery, manners: ChannelManners, mode: str) -> Message:
    """A delivery as its channel shows it."""
    lang, alerts = manners.lang, delivery.alerts
    if delivery.digest:
        told = word("digest", lang, len(alerts) + delivery.more)
        lines = [f"{clock_of(one.at, manners.time_zone)}  {title(one, lang)}" for one in alerts]
        lines += [word("more", lang, delivery.more)] if delivery.more else []
        text = "\n".join(lines)
    else:
        told, text = title(alerts[0], lang), body(alerts[0], lang, manners.time_zone)
    return Message(
        id=delivery.id,
        title=_marked(told, mode, lang),
        body=text,
        severity=max((one.severity for one in alerts), key=grave),
        payload=payload(alerts, mode, delivery.more),
    )


def trial(delivery_id: str, channel: str, manners: ChannelManners, mode: str) -> Message:
    lang = manners.lang
    told = _marked(word("test", lang, channel), mode, lang)
    return Message(
        id=delivery_id,
        title=told,
        body=word("test body", lang),
        severity="info",
        payload=payload((), mode, 0) | {"test": True},
    )


def _marked(text: str, mode: str, lang: str) -> str:
    return text if mode == "live" else f"{word(mode, lang)} · {text}"


def payload(alerts: Sequence[Alert], mode: str, more: int) -> dict[str, Any]:
    """The same for programs."""
    return {"version": 1, "mode": mode, "alerts": [view(one) for one in alerts], "more": more}
