"""The runtime settings in Redis: read, written with a version, followed live.

The hash `config` holds each field that was set as JSON text, and `version`. A write is one script: it refuses unless
the version is still the one that the writer had read, so that two writers cannot overwrite each other unseen.
Followers read the hash at start, on any change, and every 30 s in case they missed one.

What somebody writes past this and cannot be used changes nothing: the last good value stands. It is kept in
`{config}:good` by whoever reads a good one first, so that all services, also those that start later, go by the same.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, get_type_hints

import msgspec

from shared import alert_rules, decoding, streams
from shared.bus import AWAY, Redis
from shared.config import VERSION_MAX, Runtime, SettingError, consistent, expectation
from shared.reader import newest_id

log = logging.getLogger("bus.settings")

REREAD_MS: Final = 30_000
BLOCK_MS: Final = 2_000
RETRY_S: Final = 0.5
CHANGES_KEPT: Final = 1_000

#: KEYS config changes; ARGV expected version, change (JSON), how many changes are kept, highest version, then field and
#: JSON text (empty: the default again). A version that is none counts as 0.
WRITE: Final = """
local text=redis.call('HGET',KEYS[1],'version') or '0'
local version=string.match(text,'^[1-9]%d*$') and tonumber(text) or 0
if version>tonumber(ARGV[4]) then version=0 end
if version~=tonumber(ARGV[1]) then return {0,version} end
for i=5,#ARGV,2 do
  if ARGV[i+1]=='' then redis.call('HDEL',KEYS[1],ARGV[i]) else redis.call('HSET',KEYS[1],ARGV[i],ARGV[i+1]) end
end
redis.call('HSET',KEYS[1],'version',version+1)
redis.call('XADD',KEYS[2],'MAXLEN','~',ARGV[3],'*','v1',ARGV[2])
return {1,version+1}
"""

#: KEYS config good; ARGV field and JSON text (empty: not set) of what was found good: kept, where it still stands
KEEP: Final = """
for i=1,#ARGV,2 do
  if (redis.call('HGET',KEYS[1],ARGV[i]) or '')==ARGV[i+1] then
    if ARGV[i+1]=='' then redis.call('HDEL',KEYS[2],ARGV[i]) else redis.call('HSET',KEYS[2],ARGV[i],ARGV[i+1]) end
  end
end
"""

_KINDS: Final = get_type_hints(Runtime, include_extras=True)
_FIELDS: Final = {field.name: _KINDS[field.name] for field in msgspec.structs.fields(Runtime)}
_DECODERS: Final = {name: decoding.json(kind) for name, kind in _FIELDS.items()}
#: Settings with many fields of their own, which are told one by one.
_OWN: Final[dict[str, Callable[[Any], Any]]] = {
    alert_rules.RULES: alert_rules.rules,
    alert_rules.CHANNELS: alert_rules.channels,
}


#: Settings of which none can be wrong alone.
_TOGETHER: Final = frozenset({"enter_bps", "max_edge_bps"})


class Refused(msgspec.Struct, frozen=True):
    """What stands in Redis and cannot be used: its text, and what was expected."""

    value: str
    expected: str


class VersionConflict(Exception):
    """Somebody else wrote since the version was read: read again, look, decide."""

    def __init__(self, expected: int, standing: int) -> None:
        super().__init__(f"the settings are at version {standing}, not {expected}")
        self.expected, self.standing = expected, standing


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values converted to their types. Raises `SettingError` naming the first field that cannot be used."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in _FIELDS or name == "version":
            known = ", ".join(field for field in _FIELDS if field != "version")
            raise SettingError(name, value, f"one of these settings: {known}")
        if value is None:
            found[name] = None
            continue
        if name in _OWN:
            found[name] = _OWN[name](value)
            continue
        try:
            found[name] = msgspec.convert(value, _FIELDS[name])
        except msgspec.ValidationError as error:
            raise SettingError(name, value, f"{expectation(_FIELDS[name])} ({error})") from error
    return found


class RuntimeStore:
    """The settings of one deployment. `refused` are the fields in Redis that cannot be used: for each the last good
    value stands, else the default."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._good = Runtime()
        self.refused: dict[str, Refused] = {}

    async def load(self) -> Runtime:
        """The settings as they stand. What cannot be used is logged once, with what was expected."""
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(streams.CONFIG)
            pipe.hgetall(streams.CONFIG_GOOD)
            stored, kept = map(_known, await pipe.execute())
        before = _over(self._good, kept)
        values: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for name, text in stored.items():
            try:
                values[name] = _DECODERS[name].decode(text)
            except msgspec.DecodeError as error:
                wrong[name] = f"{expectation(_FIELDS[name])} ({error})"
                values[name] = 0 if name == "version" else getattr(before, name)  # as `WRITE` reads it
        self._good = _agreed(values, before, wrong)
        refused = {
            name: Refused(stored[name].decode(errors="replace"), expected)
            for name, expected in wrong.items()
            if name in stored and stored[name] != kept.get(name)  # of two that contradict each other one may stand
        }
        for name in refused.keys() - self.refused.keys():
            standing = msgspec.json.encode(getattr(self._good, name)).decode()
            log.error("The setting %s in Redis stays at %s: expected %s", name, standing, refused[name].expected)
        self.refused = refused
        await self._keep(stored, kept, wrong)
        return self._good

    async def _keep(self, stored: Mapping[str, bytes], kept: Mapping[str, bytes], wrong: Mapping[str, str]) -> None:
        """What was found good stands for what cannot be used, from now on and for everybody."""
        fresh: list[Any] = []
        for name in _FIELDS:
            if name not in wrong and stored.get(name) != kept.get(name):
                fresh += [name, stored.get(name, b"")]
        if fresh:
            await self._client.eval(KEEP, 2, streams.CONFIG, streams.CONFIG_GOOD, *fresh)

    async def write(self, changes: Mapping[str, Any], expected_version: int) -> Runtime:
        """Set fields (None: the default again) and return the settings that stand then.

        Raises `SettingError` before anything is written, `VersionConflict` where the version is another one.
        """
        values = checked(changes)
        await self._agree(values)
        change = {**values, "version": expected_version + 1}
        arguments: list[Any] = [expected_version, msgspec.json.encode(change), CHANGES_KEPT, VERSION_MAX]
        for name, value in values.items():
            arguments += [name, b"" if value is None else msgspec.json.encode(value)]
        keys = (streams.CONFIG, streams.CONFIG_CHANGES)
        done, version = await self._client.eval(WRITE, 2, *keys, *arguments)
        if not done:
            raise VersionConflict(expected_version, version)
        return await self.load()

    async def _agree(self, values: dict[str, Any]) -> None:
        """Make values what is meant, with the others that stand. Raises `SettingError`."""
        defaults = Runtime()
        changed = {name: getattr(defaults, name) if value is None else value for name, value in values.items()}
        try:
            meant = consistent(msgspec.structs.replace(await self.load(), **changed))
        except SettingError as error:
            if error.field == "enter_bps" and "enter_bps" not in values:  # the other one of the two was changed
                expected = f"at least enter_bps, which is {error.value:g}"
                raise SettingError("max_edge_bps", changed.get("max_edge_bps"), expected) from error
            raise
        values.update({name: getattr(meant, name) for name, value in values.items() if value is not None})

    async def follow(self, callback: Callable[[Runtime], None]) -> None:
        """Call back with the settings now and whenever they change, for ever. Rides out a Redis that is away."""
        held: Runtime | None = None
        away = False
        while True:
            try:
                position = await newest_id(self._client, streams.CONFIG_CHANGES)  # before the hash: none is missed
                found = await self.load()
                if found != held:
                    held = found
                    callback(found)
                away = False
                await self._changed(position)
            except AWAY as error:
                if not away:
                    log.warning("The settings are not being followed: %s", error)
                away = True
                await asyncio.sleep(RETRY_S)

    async def _changed(self, position: str) -> None:
        """Return at the first change after the position, and after REREAD_MS in any case."""
        for _ in range(REREAD_MS // BLOCK_MS):
            if await self._client.xread({streams.CONFIG_CHANGES: position}, count=1, block=BLOCK_MS):
                return


def _known(stored: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """The fields of a hash that are settings."""
    named = {raw.decode(errors="replace"): text for raw, text in stored.items()}
    return {name: text for name, text in named.items() if name in _FIELDS}


def _over(standing: Runtime, kept: Mapping[str, bytes]) -> Runtime:
    """What stood, with what is kept of it; what another version kept and this one cannot read is left out."""
    found: dict[str, Any] = {}
    for name, text in kept.items():
        with suppress(msgspec.DecodeError):
            found[name] = _DECODERS[name].decode(text)
    return msgspec.structs.replace(standing, **found)


def _agreed(values: dict[str, Any], before: Runtime, wrong: dict[str, str]) -> Runtime:
    """The settings that were read; of those that contradict each other, or say nothing, what stood before. They are
    added to `wrong`, with what was expected."""
    try:
        return consistent(Runtime(**values))
    except SettingError as error:
        name = error.field.partition("[")[0].partition(".")[0]
        names = _TOGETHER if name in _TOGETHER else {name}
        standing = Runtime() if names <= wrong.keys() else before  # what stood may be of another version's rules
        for one in names:
            wrong.setdefault(one, error.expected if one == name else f"at least {name}, which is {error.value}")
        return _agreed({**values, **{one: getattr(standing, one) for one in names}}, before, wrong)
