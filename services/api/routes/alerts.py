"""`/api/alerts…`: what is raised now and was before, the rules, the channels and their state, a test message."""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import documented, reply, stamp, takes, time_for
from services.api.context import Context, Ctx
from services.api.errors import ApiError, away, invalid
from services.api.fields import fields, rule_fields
from services.api.routes.config import changes_of, json_body, write
from services.api.routes.exchanges import display_name
from services.api.times import iso, ms_of, parse
from services.api.unlisted import COIN
from services.collector.venues import VENUES
from shared import bus, decoding, streams
from shared.alert_rules import MANNERS, RULES
from shared.alert_words import title
from shared.alerts import DEFAULT_RULES, RULE_KINDS, Alert, ChannelManners, Severity, view
from shared.config import LATEST_MS

router = APIRouter(tags=["alerts"])
LIMIT: Final = 100
#: How long a channel may take to answer a test, and how often its answer is looked for.
ANSWER_S: Final = 45.0
LOOK_S: Final = 0.1
#: Beyond it nobody takes a test up.
TAKEN_S: Final = 3.0
_alert: Final[decoding.Decoder[Alert]] = decoding.msgpack(Alert)
_json: Final[decoding.Decoder[dict[str, Any]]] = decoding.json(dict[str, Any])

ALERT: Final = {
    "id": "6b1f0c2ad5e94f70a1b2",
    "rev": 1,
    "event": "fire",
    "rule": "exchange-health",
    "kind": "venue",
    "severity": "warning",
    "subject": "alpha latency",
    "measure": "latency",
    "unit": "ms",
    "limit": "200",
    "value": "412",
    "peak": "530",
    "title": {"en": "▲ alpha: latency 412 ms", "zh": "▲ alpha：延迟 412 毫秒"},
    "fired_at": "2026-11-21T08:03:41.120+00:00",
    "fired_at_ms": 1795248221120,
    "ended_at": None,
    "duration_ms": None,
    "about": {"usual_ms": "45"},
}
CHANNEL: Final = {
    "name": "ops",
    "kind": "webhook",
    "state": "ok",
    "delivered_total": 12,
    "failed_total": 0,
    "waiting": 0,
    "held": 0,
    "last_ok_ms": 1795248221320,
    "last_error": None,
    "manners": {"min_severity": "warning", "per_minute": 6},
}
FIELD: Final = {
    "type": "number",
    "expected": "a number, more than 0, at most 1e+15",
    "description": "",
    "exclusive_minimum": 0,
    "maximum": 1e15,
    "required": True,
}
EXCHANGE: Final = {"id": "alpha", "display_name": "Alpha"}
WARNING: Final = {
    "code": "unknown_symbol",
    "field": "alert_rules[0].assets",
    "value": "WFI",
    "expected": COIN,
    "message": "No exchange lists a coin 'WFI'.",
    "rule": "high-funding",
}
RULE: Final = {"kind": "funding", "name": "high-funding", "measure": "apr_percent", "above": 50}


@router.get(
    "/api/alerts",
    summary="The alerts that are raised, and the channels",
    responses=documented({"alerts": [ALERT], "count": 1, "channels": [CHANNEL], "alerter": "live"}, 503),
)
async def alerts(context: Ctx) -> Response:
    """Newest first. `alerter` is the state of the process that watches, `away` where none does."""
    try:
        values: Any = await context.client.hvals(streams.ALERTS_ACTIVE)
        channels = await _channels(context)
    except bus.AWAY:
        raise away("redis") from None
    found = (context.followers.rejected.decode(_alert, data, "alert") for data in values)
    held = sorted((one for one in found if one is not None), key=lambda one: (one.fired_at, one.id), reverse=True)
    shown = [_view(one) for one in held]
    return reply({"alerts": shown, "count": len(shown), "channels": channels, **_told(context)})


@router.get(
    "/api/alerts/history",
    summary="The alerts that were raised",
    responses=documented({"alerts": [ALERT], "count": 1, "next_cursor": None}, 503),
)
async def history(
    context: Ctx,
    limit: Annotated[int, Query(ge=1, le=1000)] = LIMIT,
    rule: Annotated[str | None, Query(max_length=64)] = None,
    severity: Severity | None = None,
    from_: Annotated[str | None, Query(alias="from", max_length=64)] = None,
    to: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the answer before")] = None,
) -> Response:
    """From the database, newest first; those that are still raised too."""
    for field, text in (("rule", rule), ("cursor", cursor)):
        if text is not None and "\x00" in text:
            raise invalid(field, text, "text without a NUL")
    before_ms, before_id = time_for("to", to, LATEST_MS), ""
    if cursor is not None:
        before, _, before_id = cursor.partition("~")
        try:
            before_ms = parse(before)
        except (ValueError, OverflowError):
            raise invalid("cursor", cursor, "the next_cursor of an earlier answer", code="invalid_cursor") from None
    from_ms = time_for("from", from_, 0)
    records = await context.store.alerts(rule, severity, from_ms, before_ms, before_id, limit)
    found = [msgspec.convert(record, Alert, strict=False) for record in records]
    following = f"{ms_of(found[-1].fired_at)}~{found[-1].id}" if len(found) == limit else None
    return reply(
        {"alerts": [_view(one) for one in found], "count": len(found), "next_cursor": following, **_told(context)}
    )


@router.get(
    "/api/alerts/rules",
    summary="The rules",
    responses=documented({"version": 3, "rules": [RULE], "defaults": [], "kinds": list(RULE_KINDS), "warnings": []}),
)
async def read_rules(context: Ctx) -> Response:
    """`warnings`: coins that rules name and no exchange lists (they may be listed later), and exchanges that are not
    collected here."""
    return reply(_rules_view(context))


@router.get(
    "/api/alerts/fields",
    summary="What rules and the manners of channels accept",
    responses=documented(
        {"rules": {"funding": {"above": FIELD}}, "manners": {"per_minute": FIELD}, "exchanges": [EXCHANGE]}
    ),
)
async def read_fields() -> Response:
    """`rules`: of each kind its fields; `manners`: those of a channel (the setting `alert_channels`); `exchanges`: all
    that can be named. Of each field `type`, `expected` in words, `required` or `default`, and where it has any, bounds,
    `choices`, `nullable`, what `each` of a list accepts, and of what its texts are the `names`."""
    return reply(
        {
            "rules": rule_fields(),
            "manners": fields(ChannelManners, MANNERS),
            "exchanges": [{"id": venue, "display_name": display_name(venue)} for venue in VENUES],
        }
    )


@router.put(
    "/api/alerts/rules",
    summary="Replace the rules",
    responses=documented({"status": "success", "version": 4, "rules": [RULE], "warnings": [WARNING]}, 409, 503),
    openapi_extra=takes({"rules": [RULE], "version": 3}),
)
async def write_rules(context: Ctx, request: Request) -> Response:
    """`{"rules": [...], "version": 3}`: all of them; null sets the default ones again. Refused with 409 where the
    version is another one by now, and as a whole where one of them cannot be used."""
    body = await json_body(request)
    if "rules" not in body:
        raise invalid("rules", None, "a list of rules, or null for the default ones", code="missing_value")
    version = body.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 0):
        raise invalid("version", version, "the version that was read, a whole number")
    for name in body.keys() - {"rules", "version"}:
        raise invalid(name, str(body[name]), "rules, version")
    await write(context, changes_of(context, {RULES: body["rules"]}), version)
    return reply({"status": "success", **_rules_view(context)})


@router.get(
    "/api/alerts/channels",
    summary="The channels and how they do",
    responses=documented({"channels": [CHANNEL], "alerter": "live"}, 503),
)
async def read_channels(context: Ctx) -> Response:
    """`state`: `unused`, `ok`, `failing` (`last_error` says why) or `unusable` (its address cannot be used). Addresses
    are never told. How a channel is treated (`manners`) is the setting `alert_channels`."""
    try:
        return reply({"channels": await _channels(context), **_told(context)})
    except bus.AWAY:
        raise away("redis") from None


@router.post(
    "/api/alerts/test",
    summary="Send a test message to a channel",
    responses=documented({"status": "success", "channel": "ops", "delivered": True, "took_ms": 180}, 404, 502, 503),
    openapi_extra=takes({"channel": "ops"}),
)
async def test(context: Ctx, request: Request) -> Response:
    """`{"channel": "ops"}`. Answers once the channel has taken the message, or said why not (502)."""
    body = await json_body(request)
    name = body.get("channel")
    if not isinstance(name, str):
        raise invalid("channel", name, "the name of a channel; see /api/alerts/channels")
    try:
        known = {one["name"]: one for one in await _channels(context)}
        if name not in known or known[name]["state"] == "unusable":
            message = f"There is no channel {name[:60]!r} that could be used."
            usable = [one["name"] for one in known.values() if one["state"] != "unusable"]
            expected = f"one of {', '.join(usable)}" if usable else "a channel; set ALERT_CHANNELS"
            raise ApiError(404, "unknown_channel", message, field="channel", value=name, expected=expected)
        told = await _test(context.client, name)
    except bus.AWAY:
        raise away("redis") from None
    if not told["delivered"]:
        message = f"The channel did not take the message: {told['error']}."
        raise ApiError(502, "not_delivered", message, field="channel", value=name, expected="a channel that answers")
    return reply({"status": "success", "channel": name, **told, **stamp(context.now_ns())})


async def _test(client: bus.Redis, name: str) -> dict[str, Any]:
    """What became of a test put now. Raises `ApiError`, or one of `bus.AWAY`."""
    asked = streams.demand(streams.ALERTER, "test")
    seconds, micros = await client.time()
    asked_ms = int(seconds) * 1000 + int(micros) // 1000
    await client.zadd(asked, {name: asked_ms + int(TAKEN_S * 1000)})
    for turn in range(int(ANSWER_S / LOOK_S)):
        await asyncio.sleep(LOOK_S)
        data: Any = await client.hget(streams.ALERTS_TESTED, name)
        told = None if data is None else _json.decode(data)
        if told is not None and told["answered_ms"] >= asked_ms:
            return {field: told[field] for field in ("delivered", "error", "took_ms")}
        if turn == int(TAKEN_S / LOOK_S) and await client.zrem(asked, name):
            break
    message = "The alerter does not answer at the moment."
    raise ApiError(
        503, "alerter_away", message, field="alerter", expected="a running alerter", headers={"Retry-After": "5"}
    )


async def _channels(context: Context) -> list[dict[str, Any]]:
    stored: Any = await context.client.hgetall(streams.ALERTS_CHANNELS)
    manners = context.state.runtime.alert_channels
    return [
        {
            "name": name,
            **_json.decode(data),
            "manners": msgspec.to_builtins(manners.get(name) or ChannelManners()),
        }
        for name, data in sorted((raw.decode(errors="replace"), data) for raw, data in stored.items())
    ]


def _told(context: Context) -> dict[str, Any]:
    states = [one.state for one in context.state.members(streams.ALERTER)]
    state = "away" if not states else "live" if "live" in states else states[0]
    return {"alerter": state, "mode": context.state.mode, **stamp(context.now_ns())}


def _rules_view(context: Context) -> dict[str, Any]:
    runtime = context.state.runtime
    return {
        "version": runtime.version,
        RULES.removeprefix("alert_"): msgspec.to_builtins(runtime.alert_rules),
        "defaults": msgspec.to_builtins(DEFAULT_RULES),
        "kinds": list(RULE_KINDS),
        "warnings": [one for one in context.warnings() if one["rule"] is not None],
    }


def _view(alert: Alert) -> dict[str, Any]:
    times = {name: iso(ms_of(getattr(alert, name))) for name in ("at", "began_at", "fired_at", "ended_at", "peak_at")}
    return {**view(alert), **times, "title": {lang: title(alert, lang) for lang in ("en", "zh")}}
