"""The replay command, as a process, into a real Redis."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.msgpack import decode
from redis.asyncio import Redis

from services.collector.arguments import Usage
from services.collector.replay import SECOND, Clock, Options, Pace, parse
from shared.codec import decode_batch
from shared.events import KIND, STREAM_KINDS
from shared.instruments import Instrument
from shared.streams import instruments, market_data

CASES = Path(__file__).parents[1] / "venues" / "okx"


def replay(redis_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "services.collector", "replay", *arguments]
    return subprocess.run(
        line, env={**os.environ, "REDIS_URL": redis_url}, capture_output=True, text=True, timeout=120, check=False
    )


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def session(tmp_path: Path) -> list[str]:
    """Arguments that name a listing and a recorded session of several cases."""
    arguments = []
    for call, body in json.loads((CASES / "books" / "instruments.json").read_text()).items():
        (tmp_path / f"{call}.json").write_text(json.dumps(body))
        arguments += ["--instruments", str(tmp_path / f"{call}.json")]
    frames: list[str] = []
    for case in ("bbo-tbt", "books", "mark-price", "funding-rate", "not-collected", "broken"):
        frames += (CASES / case / "frames.jsonl").read_text().splitlines()
    timed = [f"{1785926400 + number * 0.01:.3f}: {line}" for number, line in enumerate(frames) if line.startswith("{")]
    (tmp_path / "session").write_text("\n".join(["wss://ws.okx.com:8443/ws/v5/public <-> 1785926399.5", *timed]) + "\n")
    return ["--venue", "okx", *arguments, str(tmp_path / "session")]


async def in_the_streams(client: Redis) -> Counter[str]:
    found: Counter[str] = Counter()
    for kind in STREAM_KINDS:
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], await client.xrange(market_data(0, "okx", kind)))
        for _, fields in entries:
            found.update(KIND[type(event)] for event in decode_batch(fields[b"v1"]).events)
    return found


@pytest.mark.parametrize("speed", ["max", "50"])
async def test_what_the_report_says_is_what_stands_in_the_streams(
    redis_url: str, redis_client: Redis, session: list[str], speed: str
) -> None:
    report = report_of(replay(redis_url, "--speed", speed, *session))
    assert report["conserved"]
    assert report["lines"] == report["frames"] + sum(report["skipped"].values())
    assert report["quote_channels"] == {"spot": "bbo-tbt", "perp": "bbo-tbt"}
    assert report["published"] == await in_the_streams(redis_client)
    assert report["written"] == sum(report["published"].values())
    assert report["published"]["quote"] > 0
    assert report["published"]["funding"] > 0
    assert report["unknown"]["old_api"] == 1
    assert await redis_client.hlen(instruments("okx")) > 0


async def test_the_listing_has_the_fees_and_the_mode_of_the_recorded_quotes(
    redis_url: str, redis_client: Redis, session: list[str]
) -> None:
    report_of(replay(redis_url, "--speed", "max", *session))
    stored: Any = await redis_client.hvals(instruments("okx"))
    rows = [decode(value, type=Instrument) for value in stored]
    assert {(one.market, one.taker_fee_bps, one.quote_mode) for one in rows} == {
        ("perp", "5", "on_change"),
        ("spot", "10", "on_change"),
    }


async def test_the_users_overrides_count(
    redis_url: str, redis_client: Redis, session: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("[[instrument]]\nvenue = 'okx'\nnative = 'BTC-USDT-SWAP'\nasset = 'BTCX'\n")
    monkeypatch.setenv("OVERRIDES", str(tmp_path / "mine.toml"))
    assert report_of(replay(redis_url, "--speed", "max", *session))["conserved"]
    row = decode(cast(bytes, await redis_client.hget(instruments("okx"), "perp:BTC-USDT-SWAP")), type=Instrument)
    assert row.symbol == "BTCX/USDT:USDT"
    entries = cast(list[tuple[bytes, dict[bytes, bytes]]], await redis_client.xrange(market_data(0, "okx", "quote")))
    quoted = {event.symbol for _, fields in entries for event in decode_batch(fields[b"v1"]).events}
    assert "BTCX/USDT:USDT" in quoted
    assert "BTC/USDT:USDT" not in quoted


async def test_a_recorded_session_goes_through_whole(redis_url: str, redis_client: Redis, captures: Path) -> None:
    okx = captures / "okx"
    report = report_of(
        replay(
            *(redis_url, "--venue", "okx", "--speed", "max", "--instruments", str(okx / "cryptofeed__OKX.0")),
            str(okx / "cryptofeed__OKX.ws.1.0"),
        )
    )
    assert report["conserved"]
    assert (report["frames"], report["skipped"]) == (410, {"connect": 1, "client": 3})
    assert report["decoded"] == {"quote": 25, "stats": 25, "trade": 69}
    assert report["unknown"] == {"out_of_scope": 200}
    assert report["published"] == await in_the_streams(redis_client)


def test_recorded_times_never_go_back_and_a_line_without_one_goes_with_the_one_before() -> None:
    clock = Clock(5000)
    assert [clock.at(recorded) for recorded in (None, 5007, None, 5003, 5010)] == [5000, 5007, 5007, 5007, 5010]


@pytest.mark.parametrize(("speed", "expected"), [(1.0, [0, 7, 7, 10]), (2.0, [0, 3.5, 3.5, 5]), (0.0, [0, 0, 0, 0])])
def test_a_moment_is_due_by_the_speed(speed: float, expected: list[float]) -> None:
    pace = Pace(speed, lambda: 100.0)
    assert [pace.wait_s(at * SECOND) for at in (5000, 5007, 5007, 5010)] == expected


def test_a_hole_in_the_recording_takes_no_time() -> None:
    pace = Pace(1.0, lambda: 100.0)
    assert [pace.wait_s(at * SECOND) for at in (5000, 5060, 90_000, 90_001)] == [0, 60, 60, 61]


def test_sections_of_several_venues_share_the_speed() -> None:
    line = "--venue okx --instruments l a b --venue=binance c --speed max"
    assert parse(line.split()) == [Options("okx", ["l"], ["a", "b"], 0.0), Options("binance", [], ["c"], 0.0)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--venue", "nowhere", "f"], "Venue 'nowhere' does not exist"),
        (["--venue", "okx", "--speed", "-1", "f"], "Speed '-1'"),
        (["--venue", "okx", "--speed", "nan", "f"], "Speed 'nan'"),
        (["--venue", "okx", "--speed", "fast", "f"], "Speed 'fast'"),
        (["--venue", "okx"], "FILES"),
        (["--venue", "okx", "a", "--venue", "okx", "b"], "Each venue is named once"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(Usage, match=said):
        parse(arguments)


def test_overrides_that_cannot_be_used_end_it_with_status_2(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERRIDES", "/no/such.toml")
    done = replay(redis_url, "--venue", "okx", "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("OVERRIDES='/no/such.toml': expected a file that can be read (No such file or directory)\n")


def test_a_file_that_is_not_there_ends_it_with_status_2(redis_url: str) -> None:
    done = replay(redis_url, "--venue", "okx", "/no/such/file")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Cannot read /no/such/file: No such file or directory.\n"
