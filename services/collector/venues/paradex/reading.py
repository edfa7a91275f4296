"""What the readers of one connection share, and the names that decide what a frame becomes."""

import re
from typing import Final

from services.collector.messages import Unknown
from services.collector.table import Listed, Table
from services.collector.venue import DecoderOptions

#: the channels that could make quotes
BBO: Final = "bbo"
SUMMARIES: Final = "markets_summary"

#: an option, told by its form: BTC-USD-96000-C, BTC-USD-27NOV26-96000-P
OPTION: Final = re.compile(r".+-[0-9.]+-[CP]")

#: socket endpoints: quotes; everything else of one market; the trades of all markets, for what was forced
QUOTES: Final = "quotes"
PUBLIC: Final = "public"
FORCED: Final = "forced"


class Reader:
    """The table, which channel makes quotes, and what this connection has shown so far."""

    def __init__(self, table: Table, options: DecoderOptions) -> None:
        self.table = table
        self.endpoint = options.endpoint
        self.quote_channel = dict(options.quote_channel)
        #: markets whose own funding rates have come on this connection
        self.rated: set[str] = set()

    def find(self, native: str) -> Listed | None:
        return self.table.perp.get(native) or self.table.spot.get(native)

    def missing(self, native: str) -> Unknown:
        """Why a native id has no row: listed but not ours, withheld, or not listed."""
        if OPTION.fullmatch(native):
            return Unknown("out_of_scope", native)
        return self.table.missing(native, "perp", "spot")

    def quotes(self, channel: str, listed: Listed) -> bool:
        return self.quote_channel.get(listed.instrument.market, BBO) == channel
