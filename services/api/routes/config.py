"""`/api/config`: the runtime settings, with what each accepts; written under a version, followed by every service."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, get_type_hints

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import asset_for, documented, reply, takes
from services.api.context import Context, Ctx
from services.api.errors import ApiError, away, invalid
from services.api.fields import accepts
from services.collector.venues import VENUES
from shared import alert_rules, bus, decoding
from shared.config import Runtime, SettingError
from shared.settings_store import VersionConflict

router = APIRouter(tags=["settings"])
MAX_BODY: Final = 65_536
ATTEMPTS: Final = 5
#: The older name of the gross edge that starts a signal, in percent.
THRESHOLD: Final = "threshold"
_json: Final = decoding.json()

EXAMPLE = {
    "version": 3,
    "symbol": "BTC",
    "threshold": 0.6,
    "settings": {
        "enter_bps": {
            "value": 60,
            "default": 60,
            "type": "number",
            "exclusive_minimum": 0,
            "maximum": 10000,
            "expected": "a number, more than 0, at most 10000",
            "description": "gross edge that starts a signal",
        }
    },
    "warnings": [],
    "refused": [],
}


@router.get("/api/config", summary="The settings, and what each accepts", responses=documented(EXAMPLE))
async def read_config(context: Ctx) -> Response:
    """`settings` are in force. `refused` are values that another program wrote into Redis and that cannot be used:
    what stood before stands, in every service. `warnings` name coins that no exchange lists and the like: they are
    accepted, for they may be listed later."""
    with suppress(*bus.AWAY):  # as they were last heard of
        found = await context.settings_store.load()
        if found != context.state.runtime:
            context.take_settings(found)
    return reply(config_view(context))


@router.post(
    "/api/config",
    summary="Change settings",
    responses=documented(EXAMPLE, 409, 503),
    openapi_extra=takes({"enter_bps": 50, "version": 3}),
)
async def write_config(context: Ctx, request: Request) -> Response:
    """`{"enter_bps": 50, "version": 3}`: refused with 409 where the version is another one by now; without `version`
    the change is made on whatever stands. Null sets a default again. `threshold` is `enter_bps` in percent."""
    body = await json_body(request)
    version = body.pop("version", None)
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 0):
        raise invalid("version", version, "the version that was read, a whole number")
    changes = changes_of(context, body)
    if not changes:
        raise invalid("body", None, "at least one setting; GET /api/config lists them", code="missing_value")
    try:
        await write(context, changes, version)
    except ApiError as error:
        if error.field == "enter_bps" and THRESHOLD in body:
            raise invalid(THRESHOLD, body[THRESHOLD], f"a percentage, in basis points {error.expected}") from None
        raise
    return reply({"status": "success", **config_view(context)})


def changes_of(context: Context, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body in today's names, its coins and exchanges known. Raises `ApiError`."""
    changes = dict(body)
    if THRESHOLD in changes:
        percent = changes.pop(THRESHOLD)
        if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 < percent <= 100:
            raise invalid(THRESHOLD, percent, "a percentage, more than 0, at most 100")
        changes["enter_bps"] = float(Decimal(str(percent)) * 100)
    if changes.get("symbol") is not None:
        if not isinstance(changes["symbol"], str) or not changes["symbol"].strip():
            raise invalid("symbol", changes["symbol"], "the name of a coin")
        changes["symbol"] = asset_for(context, changes["symbol"])
    for field, name in _venues(changes):
        if name.strip().lower() not in VENUES:
            raise invalid(field, name, f"an exchange out of: {', '.join(VENUES)}")
    return changes


def _venues(changes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The exchanges that settings name, with the setting's name: a misspelt one would do nothing, unseen."""
    fees = changes.get("fees")
    for name in fees if isinstance(fees, dict) else ():
        yield "fees", str(name)
    for field in ("exclusions", "borrow_rates", "transfers"):
        rules = changes.get(field)
        for rule in rules if isinstance(rules, list) else ():
            named = [rule.get(name) for name in ("venue", "against", "to")] if isinstance(rule, dict) else []
            yield from ((field, name) for name in named if isinstance(name, str) and name.strip())
    yield from alert_rules.venues(changes.get(alert_rules.RULES))


async def write(context: Context, changes: Mapping[str, Any], version: int | None) -> Runtime:
    """Write under the version, or under whatever stands. Raises `ApiError` 409, 422 or 503."""
    store = context.settings_store
    for _ in range(ATTEMPTS):
        try:
            expected = (await store.load()).version if version is None else version
            runtime = await store.write(changes, expected)
        except SettingError as error:
            raise invalid(error.field, error.value, error.expected) from None
        except VersionConflict as error:
            if version is None:
                continue
            raise _conflict(error) from None
        except bus.AWAY:
            raise away("redis") from None
        context.take_settings(runtime)
        return runtime
    raise ApiError(503, "busy", "Others keep changing the settings; try again.", headers={"Retry-After": "1"})


def _conflict(error: VersionConflict) -> ApiError:
    return ApiError(
        409,
        "version_conflict",
        "The settings were changed since they were read.",
        field="version",
        value=error.expected,
        expected=f"version {error.standing}; read, look, and send again",
    )


def config_view(context: Context) -> dict[str, Any]:
    runtime, refused = context.state.runtime, context.settings_store.refused
    hints = get_type_hints(Runtime, include_extras=True)
    defaults, values = msgspec.to_builtins(Runtime()), msgspec.to_builtins(runtime)
    settings = {
        field.name: {"value": values[field.name], "default": defaults[field.name], **accepts(hints[field.name])}
        for field in msgspec.structs.fields(Runtime)
        if field.name != "version"
    }
    threshold = float(Decimal(str(runtime.enter_bps)) / 100)
    return {
        "version": runtime.version,
        "symbol": runtime.symbol,
        THRESHOLD: threshold,
        "settings": settings,
        "warnings": context.warnings(),
        "refused": [invalid(name, one.value, one.expected).body() for name, one in sorted(refused.items())],
    }


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises `ApiError`."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY:
            message = "The body is too large."
            raise ApiError(413, "too_large", message, field="body", expected=f"at most {MAX_BODY} bytes")
    try:
        found = _json.decode(data)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        shown = data[:100].decode("utf-8", "replace")
        raise invalid("body", shown, "a JSON object", status=400, code="invalid_json")
    return found
