"""The bytes on the wire, held against readers that are not ours.

`golden/events.jsonl` holds, for each kind of event and for a batch, the bytes and what they say. It changes only when
the contract does.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import msgpack
import pytest

from deploy.local.process import REPOSITORY
from shared.codec import BatchHead, decode_batch, decode_event, decode_head, encode_batch, encode_event
from shared.events import (
    Book,
    Depth,
    Event,
    Funding,
    Liquidation,
    Mark,
    Quote,
    Settlement,
    State,
    Stats,
    Trade,
)

GOLDEN: Final = Path(__file__).parent / "golden"
CASES: Final[dict[str, dict[str, Any]]] = {
    case["name"]: case for case in map(json.loads, (GOLDEN / "events.jsonl").read_text().splitlines())
}
TS: Final = 1_790_000_000_123_456_789
PERP: Final = "BTC/USDT:USDT"
TRADE: Final = Trade("BTC/USDT", "43250.10", "0.001", "sell", "31415926535", TS, TS + 1, "liquidation")
STATE: Final = State(None, "down", "stop", TS)
EVENTS: Final[dict[str, Event]] = {
    "quote": Quote(PERP, "43250.10", "1.500", "43250.20", "0.25", TS, TS + 1000, "ws", 9_007_199_254_740_993),
    "quote_one_sided": Quote("PEPE/USDC", None, None, "0.00001234", "1000", None, TS, "rest"),
    "trade": TRADE,
    "book": Book("BTC/USDT", (("43250.1", "2"), ("43250.0", "1")), (("43250.2", "3"),), 77, TS, TS + 1),
    "depth": Depth("BTC/USDT", (("0.5", "10", "12"), ("2", "40.5", None), ("10", None, None)), "100", "90", TS, TS + 1),
    "mark": Mark(PERP, "43251.5", "43249.9", TS, TS + 1),
    "funding": Funding(PERP, "0.0001", "8", TS + 3600, None, TS, TS + 1),
    "settlement": Settlement(PERP, "-0.00005", "8", TS - TS % 60_000_000_000, "43250.1", TS),
    "liquidation": Liquidation(PERP, "sell", "43000", "0.5", TS, TS + 1, None, "bankruptcy"),
    "stats": Stats(PERP, "43250", "12345.6", "533000000", None, TS, TS + 1, "4000000000"),
    "state": STATE,
}


def told(value: Any) -> Any:
    """A value as the cases write it: JSON has no 64-bit integers."""
    if isinstance(value, int):
        return {"int": str(value)}
    return [told(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_the_agreed_bytes_both_ways(name: str) -> None:
    data = bytes.fromhex(CASES[name]["hex"])
    assert encode_event(EVENTS[name]) == data
    assert decode_event(data) == EVENTS[name]


def test_a_batch_has_the_agreed_bytes_both_ways() -> None:
    data = bytes.fromhex(CASES["batch"]["hex"])
    assert encode_batch("one", 258, [TRADE, STATE]) == data
    batch = decode_batch(data)
    assert (batch.producer, batch.seq, batch.events) == ("one", 258, [TRADE, STATE])
    assert decode_head(data) == BatchHead("one", 258)
    assert encode_batch("one", 0, []) == bytes.fromhex(CASES["empty_batch"]["hex"])


def test_every_kind_of_event_has_a_case() -> None:
    assert {type(event) for event in EVENTS.values()} == {
        *(Quote, Trade, Book, Depth, Mark, Funding, Settlement, Liquidation, Stats, State)
    }
    assert set(CASES) == {*EVENTS, "batch", "empty_batch"}


@pytest.mark.parametrize("name", CASES)
def test_the_msgpack_package_reads_and_writes_the_same(name: str) -> None:
    data = bytes.fromhex(CASES[name]["hex"])
    value = msgpack.unpackb(data)
    assert told(value) == CASES[name]["value"]
    assert msgpack.packb(value) == data


def node_environment(*modules: str) -> dict[str, str]:
    """The environment in which Node finds these modules, or a skip that says what was not tested."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("NOT TESTED from a second language: there is no node on this machine")
    environment = dict(os.environ)
    places = (environment.get("NODE_PATH", ""), str(REPOSITORY / "examples" / "node_modules"))
    environment["NODE_PATH"] = os.pathsep.join(filter(None, places))
    asked = "".join(f"require.resolve({module!r});" for module in modules)
    if subprocess.run([node, "-e", asked], env=environment, capture_output=True, check=False).returncode:
        pytest.skip(f"NOT TESTED from a second language: no {' '.join(modules)} (npm install in examples/)")
    return environment


def test_node_reads_the_same() -> None:
    environment = node_environment("@msgpack/msgpack")
    done = subprocess.run(
        ["node", GOLDEN / "check.cjs", GOLDEN / "events.jsonl"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert {name: line["value"] for name, line in found.items()} == {
        name: case["value"] for name, case in CASES.items()
    }
    assert all(line["again"] for line in found.values())
