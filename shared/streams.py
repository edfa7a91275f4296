"""Every Redis key of the product: its name, who writes it, who reads it and how long it lives.

| key | writer | readers | life |
| --- | --- | --- | --- |
| `md:{P}:<venue>:<kind>` | the venue's collectors | scanner, recorder, api, anyone | by kind, see RETENTION_MS |
| `md:{P}:_ctl:x` | the partition's owner (scanner) | scanner, archive | 60 minutes |
| `last:{P}:<venue>:<kind>` | collectors | late joiners | deleted with the instrument |
| `instruments:<venue>` | collectors | everyone | replaced at each refresh |
| `meta:listings` | collectors | api | for ever |
| `health:<name>:<member>` | every service (`<name>` is a venue, or `_scanner`, …, `_api`) | api, alerter | TTL 10 s |
| `members:<venue>`, `members:_scanner` | collectors; scanners | collectors; scanners | lease |
| `owners:<venue>` | collectors | collectors | for ever |
| `overrides:<venue>` | scanner | collectors | for ever |
| `demand:<venue>:<kind>` | api, scanner | collectors | score = expiry in ms |
| `demand:_scanner:why`, `why:<asset>` | api, anyone; scanner | scanner; who asked | score = expiry in ms; 10 s |
| `config`, `{config}:changes` | api | every service | for ever |
| `{config}:good` | every service | every service | for ever |
| `board`, `{board}:changes` | scanner | api, anyone | for ever; 2 minutes |
| `signals:{P}` | scanner | recorder, api, anyone | 7 days |
| `scan:{P}`, `open:{P}` | scanner | scanner | for ever |
| `meta:incarnation`, `meta:partitions` | whoever starts first | everyone | for ever |
| `maintenance` | api | recorder | 2 minutes: clean the history now |
| `alerts` | alerter | recorder, anyone | 7 days |
| `{alerts}:active` | alerter | api, anyone | for ever |
| `{alerts}:channels`, `{alerts}:tested` | alerter | api | for ever; 60 s |
| `{alerts}:state`, `{alerts}:due` | alerter | alerter | for ever |
| `demand:_alerter:test` | api | alerter | score = expiry in ms |

The braces around P are literal: they are a Redis Cluster hash tag.
"""

from typing import Final
from zlib import crc32

MINUTE_MS: Final = 60_000

#: How long a stream of each kind is kept, in milliseconds of Redis's own clock.
RETENTION_MS: Final[dict[str, int]] = {
    "book": 10_000,
    "quote": 2 * MINUTE_MS,
    "mark": 2 * MINUTE_MS,
    "stats": 10 * MINUTE_MS,
    "trade": 60 * MINUTE_MS,
    "liquidation": 60 * MINUTE_MS,
    "funding": 60 * MINUTE_MS,
}
CONTROL_RETENTION_MS: Final = 60 * MINUTE_MS
BOARD_CHANGES_RETENTION_MS: Final = 2 * MINUTE_MS
SIGNALS_RETENTION_MS: Final = 7 * 24 * 60 * MINUTE_MS
ALERTS_RETENTION_MS: Final = 7 * 24 * 60 * MINUTE_MS

#: Kinds whose newest event per symbol is kept in a hash for late joiners.
LAST_KINDS: Final = ("quote", "mark", "funding", "stats")

#: The single field of every stream entry: the schema version.
FIELD: Final = b"v1"

BUCKETS: Final = 64
BOARD: Final = "board"
BOARD_CHANGES: Final = "{board}:changes"
CONFIG: Final = "config"
CONFIG_CHANGES: Final = "{config}:changes"
CONFIG_GOOD: Final = "{config}:good"
META_INCARNATION: Final = "meta:incarnation"
META_PARTITIONS: Final = "meta:partitions"
META_LISTINGS: Final = "meta:listings"
MAINTENANCE: Final = "maintenance"
#: The braces put what is written together with the stream on its node.
ALERTS: Final = "alerts"
ALERTS_ACTIVE: Final = "{alerts}:active"
ALERTS_CHANNELS: Final = "{alerts}:channels"
ALERTS_TESTED: Final = "{alerts}:tested"
ALERTS_STATE: Final = "{alerts}:state"
ALERTS_DUE: Final = "{alerts}:due"
#: The scanner's and the alerter's names where venues have theirs.
SCANNER: Final = "_scanner"
ALERTER: Final = "_alerter"


def partition_of(asset: str, partitions: int) -> int:
    """The partition of an asset: crc32 of its UTF-8 bytes, unsigned, modulo the deployment's partitions."""
    return crc32(asset.encode()) % partitions


def bucket_of(name: str) -> int:
    """The ownership bucket of a symbol or job within its venue."""
    return crc32(name.encode()) % BUCKETS


def market_data(partition: int, venue: str, kind: str) -> str:
    return f"md:{{{partition}}}:{venue}:{kind}"


def control(partition: int) -> str:
    return f"md:{{{partition}}}:_ctl:x"


def last(partition: int, venue: str, kind: str) -> str:
    return f"last:{{{partition}}}:{venue}:{kind}"


def instruments(venue: str) -> str:
    return f"instruments:{venue}"


def overrides(venue: str) -> str:
    return f"overrides:{venue}"


def health(name: str, member: str) -> str:
    return f"health:{name}:{member}"


def members(venue: str) -> str:
    return f"members:{venue}"


def owners(venue: str) -> str:
    return f"owners:{venue}"


def demand(venue: str, kind: str) -> str:
    return f"demand:{venue}:{kind}"


def why(asset: str) -> str:
    return f"why:{asset}"


def signals(partition: int) -> str:
    return f"signals:{{{partition}}}"


def scan(partition: int) -> str:
    return f"scan:{{{partition}}}"


def open_signals(partition: int) -> str:
    return f"open:{{{partition}}}"
