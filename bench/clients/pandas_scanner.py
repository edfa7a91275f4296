"""A scanner as one writes it in an afternoon: the newest ticker of every market in a dict, pandas for the rest.

It reads the same streams, packs of quotes, and each time round makes one table of all tickers, finds by coin the lowest
ask and the highest bid and what is left after fees, and writes the rows of the coins that changed to `peer:board`.
Arguments: Redis port, number of venues.
"""

import json
import sys
from typing import Any

import msgpack
import pandas as pd  # type: ignore[import-untyped]  # of another environment
import redis

FEE_BPS = 5.0


def main() -> None:
    db = redis.Redis(port=int(sys.argv[1]))
    names = [f"v{number}" for number in range(int(sys.argv[2]))]
    positions: dict[Any, Any] = {f"md:{{0}}:{name}:quote": "0-0" for name in names}
    tickers: dict[tuple[str, str], tuple[str, str, float, float, float, float, int]] = {}
    while True:
        changed: set[str] = set()
        found_entries: Any = db.xread(positions, count=100, block=50)
        for key, entries in found_entries:
            venue = key.decode().split(":")[2]
            for entry_id, fields in entries:
                positions[key.decode()] = entry_id
                _, _, events = msgpack.unpackb(fields[b"v1"])
                for kind, symbol, bid, bid_size, ask, ask_size, _, recv, *_ in events:
                    if kind == "q":
                        base = symbol.partition("/")[0]
                        row = (base, venue, float(bid), float(bid_size), float(ask), float(ask_size), recv)
                        tickers[venue, symbol] = row
                        changed.add(base)
        if not changed:
            continue
        table = pd.DataFrame(tickers.values(), columns=["base", "venue", "bid", "bid_size", "ask", "ask_size", "recv"])
        table = table[table["base"].isin(changed)]
        buy = table.loc[table.groupby("base")["ask"].idxmin()].set_index("base")
        sell = table.loc[table.groupby("base")["bid"].idxmax()].set_index("base")
        found = buy.join(sell, lsuffix="_buy", rsuffix="_sell")
        found["edge"] = (found["bid_sell"] / found["ask_buy"] - 1) * 10_000
        found["net"] = found["edge"] - 2 * FEE_BPS
        found["size"] = found[["ask_size_buy", "bid_size_sell"]].min(axis=1)
        rows = found[["venue_buy", "ask_buy", "venue_sell", "bid_sell", "edge", "net", "size"]].to_dict("index")
        seen = {base: dict(zip(group["venue"], group["recv"], strict=True)) for base, group in table.groupby("base")}
        body = json.dumps(
            {base: [row, {name: int(at) for name, at in seen[base].items()}] for base, row in rows.items()}
        )
        db.xadd("peer:board", {"rows": body}, maxlen=1000)


if __name__ == "__main__":
    main()
