"""The runtime settings as the `config` hash holds them."""

import logging
from typing import Any, Final

import msgspec

from shared import streams
from shared.bus import Redis
from shared.config import Runtime

LOG: Final = logging.getLogger(__name__)
_FIELDS: Final = {field.encode_name for field in msgspec.structs.fields(Runtime)}


async def read_runtime(client: Redis) -> Runtime:
    """Fields that are not set keep their defaults; a hash that does not hold together is refused as a whole."""
    stored: Any = await client.hgetall(streams.CONFIG)
    values = {name.decode(): text for name, text in stored.items() if name.decode() in _FIELDS}
    try:
        return msgspec.convert({name: msgspec.json.decode(text) for name, text in values.items()}, Runtime)
    except msgspec.DecodeError as error:
        LOG.error("the settings in %s cannot be used, defaults stand: %s", streams.CONFIG, error)
        return Runtime()
