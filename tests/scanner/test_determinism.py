"""The same entries give the same records, byte for byte, however they are cut and however often the fold is killed."""

import random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scanner.checkpoint import Dump, dump, load
from services.scanner.fold import Fold
from shared.signals import Signal
from tests.scanner.script import Script
from tests.scanner.tape import Entry, feed

SEEDS = (2, 3, 11)


def entries_of(seed: int, seconds: float = 120) -> list[Entry]:
    return Script(seed).write(seconds).ordered()


def encoded(records: list[Signal]) -> list[bytes]:
    return [msgspec.msgpack.encode(record) for record in records]


@pytest.fixture(scope="module")
def recorded() -> dict[int, tuple[list[Entry], list[bytes]]]:
    found = {}
    for seed in SEEDS:
        entries = entries_of(seed)
        found[seed] = entries, encoded(feed(Fold(), entries))
    return found


def test_the_recorded_stream_holds_every_kind_of_life(recorded: dict[int, tuple[list[Entry], list[bytes]]]) -> None:
    records = [msgspec.msgpack.decode(data, type=Signal) for _, made in recorded.values() for data in made]
    assert {record.event for record in records} == {"open", "update", "close"}
    reasons = {record.close_reason for record in records}
    assert {"converged", "feed", "excluded", "halted", "crossed"} <= reasons
    assert {record.kind for record in records} == {"perp-perp", "spot-perp", "spot-spot", "perp-spot"}
    by_key = [record.key for record in records if record.event == "open"]
    assert len(by_key) > len(set(by_key)), "no route opened twice"


@pytest.mark.parametrize("seed", SEEDS)
def test_revisions_of_a_signal_follow_each_other_and_end_with_one_close(
    seed: int, recorded: dict[int, tuple[list[Entry], list[bytes]]]
) -> None:
    lives: dict[str, list[Signal]] = {}
    for data in recorded[seed][1]:
        record = msgspec.msgpack.decode(data, type=Signal)
        lives.setdefault(record.id, []).append(record)
    for life in lives.values():
        assert [one.rev for one in life] == list(range(1, len(life) + 1))
        assert life[0].event == "open"
        assert [one.event for one in life].count("close") <= 1
        assert "close" not in [one.event for one in life[:-1]]
        closed = life[-1]
        if closed.event == "close":
            assert closed.ended_at is not None
            assert closed.closed_at is not None
            assert closed.first_at <= closed.ended_at <= closed.closed_at


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kills", (1, 21))
def test_a_fold_taken_up_from_checkpoints_makes_the_same_records(
    seed: int, kills: int, recorded: dict[int, tuple[list[Entry], list[bytes]]]
) -> None:
    entries, expected = recorded[seed]
    dice = random.Random(seed * 100 + kills)
    cuts = sorted(dice.randrange(len(entries)) for _ in range(kills))
    written: list[bytes] = []
    out: set[tuple[str, int]] = set()
    fold, done = Fold(), 0
    for cut in [*cuts, len(entries)]:
        state = dump(fold, {"done": str(done)})
        # the predecessor goes on for a while after its last checkpoint, writes, and is killed
        late = min(len(entries), cut)
        for record in feed(fold, entries[done:late]):
            if (record.id, record.rev) not in out:
                out.add((record.id, record.rev))
                written.append(msgspec.msgpack.encode(record))
        if cut < len(entries):
            fold, positions = load(state)
            again = int(positions["done"])
            back = dice.randrange(again, late + 1)
            for record in feed(fold, entries[again:back]):
                assert (record.id, record.rev) in out
            done = back
    for record in feed(fold, entries[done:]):
        if (record.id, record.rev) not in out:
            out.add((record.id, record.rev))
            written.append(msgspec.msgpack.encode(record))
    assert written == expected


@given(seed=st.integers(0, 10_000), cut=st.floats(0, 1))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_market_folds_alike_across_a_checkpoint(seed: int, cut: float) -> None:
    entries = entries_of(seed, 20)
    at = int(cut * len(entries))
    whole = encoded(feed(Fold(), entries))
    fold = Fold()
    first = feed(fold, entries[:at])
    taken_up, _ = load(dump(fold, {}))
    assert encoded(first) + encoded(feed(taken_up, entries[at:])) == whole


def test_what_is_dumped_and_loaded_dumps_alike() -> None:
    fold = Fold()
    feed(fold, entries_of(7, 30))
    state = dump(fold, {"key": "1-0"})
    assert dump(*load(state)) == state


def test_what_is_dumped_piece_by_piece_is_the_moment_it_was_begun_at() -> None:
    entries, fold, positions = entries_of(7, 40), Fold(), {"key": "1-0"}
    feed(fold, entries[: len(entries) // 2])
    whole, pieces = dump(fold, positions), Dump(fold, positions)
    found, turns = None, 0
    for ms, key, seq, batch in entries[len(entries) // 2 :]:
        fold.take(key, ms, seq, batch)
        positions["key"] = f"{ms}-{seq}"
        if found is None:
            found, turns = pieces.step(5), turns + 1
    assert turns > 3
    assert found == whole
