"""The fold of an archive is the live one, wherever it begins; a taker's account is what the script says."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.scanner.backtest import __main__ as command
from services.scanner.backtest.course import Course
from services.scanner.backtest.figures import figures
from services.scanner.backtest.run import Outcome, run
from services.scanner.backtest.taker import Terms
from services.scanner.checkpoint import dump
from services.scanner.control import ControlBatch
from services.scanner.control import encode as encode_control
from services.scanner.fold import Fold
from shared.archive.reading import Archive
from shared.archive.records import Entry, Gap, Snapshot
from shared.codec import encode_batch
from shared.config import BorrowRate, Runtime, Transfer
from shared.signals import Signal
from shared.streams import instruments, scan, signals
from tests.scanner.script import Script
from tests.scanner.tape import CTL, Tape, feed, hold, row
from tests.scanner.tape import Entry as Written
from tests.shared.archive.made import journal, sealed


def raw(entry: Written) -> Entry:
    ms, key, seq, batch = entry
    if isinstance(batch, ControlBatch):
        return Entry(key, ms, seq, encode_control(batch.producer, batch.seq, batch.events))
    return Entry(key, ms, seq, encode_batch(batch.producer, batch.seq, batch.events))


def sent(records: list[Signal]) -> Iterator[Entry]:
    """The records as the live scanner would have sent them, a little later."""
    for number, record in enumerate(records):
        yield Entry(signals(0), record.at // 1_000_000 + 60, number, msgspec.msgpack.encode(record))


def checkpoint(entries: list[Written], at: int) -> Snapshot:
    """What the owner had worked out before the entry at this place."""
    fold = Fold()
    feed(fold, entries[:at])
    positions: dict[str, str] = {}
    for ms, key, seq, _ in entries[:at]:
        positions[key] = f"{ms}-{seq}"
    return Snapshot(scan(0), entries[at][0], dump(fold, positions))


def whole_ms(entries: list[Written], at: int) -> int:
    """The first place from there on where a new ms begins."""
    while entries[at][0] == entries[at - 1][0]:
        at += 1
    return at


@pytest.fixture(scope="module")
def script() -> tuple[list[Written], list[Signal]]:
    entries = Script(2).write(60).ordered()
    return entries, feed(Fold(), entries)


def archive_of(root: Path, entries: list[Written], records: list[Signal], snapshots: list[Snapshot]) -> Archive:
    every = sorted([*map(raw, entries), *sent(records)], key=lambda entry: entry.order)
    sealed(root, 1, every, snapshots=snapshots)
    return Archive(root)


def outcome_of(archive: Archive, from_ms: int = 0, **overrides: object) -> Outcome:
    course = Course(archive, from_ms, 1 << 60, overrides)
    return run(course, [Terms(0, 60, 0), Terms(1000, 60, 0)], lambda ms: None)


def test_a_cold_start_in_the_archive_gives_every_record_again(
    tmp_path: Path, script: tuple[list[Written], list[Signal]]
) -> None:
    entries, records = script
    outcome = outcome_of(archive_of(tmp_path, entries, records, []))
    assert (outcome.made, outcome.course.sent, outcome.course.same) == (len(records),) * 3
    assert len(records) > 20


def test_so_does_a_checkpoint_for_what_follows(tmp_path: Path, script: tuple[list[Written], list[Signal]]) -> None:
    entries, records = script
    at = whole_ms(entries, random.Random(1).randrange(len(entries) // 3, len(entries) // 2))
    archive = archive_of(tmp_path, entries, records, [checkpoint(entries, at)])
    outcome = outcome_of(archive, entries[at][0] + 200)
    later = [one for one in records if one.at >= (entries[at][0] + 200) * 1_000_000]
    assert (outcome.made, outcome.course.sent, outcome.course.same) == (len(later),) * 3
    assert outcome.course.first_ms >= entries[at][0]


def test_behind_a_gap_it_begins_anew_at_the_next_checkpoint(
    tmp_path: Path, script: tuple[list[Written], list[Signal]]
) -> None:
    entries, records = script
    third = len(entries) // 3
    at = whole_ms(entries, 2 * third)
    gap = Gap(CTL, "0-0", entries[third][0], 9, "trimmed")
    kept = [*entries[:third], *entries[at - 400 :]]
    every = sorted([*map(raw, kept), *sent(records)], key=lambda entry: entry.order)
    journal(tmp_path, 1, every, gaps=[gap], snapshots=[checkpoint(entries, at)])
    outcome = outcome_of(Archive(tmp_path))
    assert outcome.course.breaks == 1
    behind = [one for one in records if one.at > entries[at][0] * 1_000_000]
    before = [one for one in records if one.at < gap.at_ms * 1_000_000]
    assert outcome.course.same >= len(behind) + len(before) - 1
    assert outcome.course.same <= outcome.made


def edge(bps: int, bought: str = "perp", sold: str = "perp") -> Tape:
    """A on alpha at 100; on beta it stands so much above for five seconds, then back."""
    rows = {"alpha": row("A", bought), "beta": row("A", sold)}
    tape = Tape().begin({venue: [one] for venue, one in rows.items()}, Runtime(version=1))
    for venue, one in rows.items():
        tape.quote(venue, one.symbol, "99.99", "100.00")
    hold(tape, ("alpha", "beta"), 2000)
    high = 100 * (1 + bps / 10_000)
    tape.quote("alpha", rows["alpha"].symbol, "99.99", "100.00")
    tape.quote("beta", rows["beta"].symbol, f"{high:.4f}", f"{high + 0.01:.4f}")
    hold(tape, ("alpha", "beta"), 5000)
    for venue, one in rows.items():
        tape.quote(venue, one.symbol, "99.99", "100.00")
    return hold(tape, ("alpha", "beta"), 6000)


def test_a_taker_keeps_what_the_script_says(tmp_path: Path) -> None:
    entries = edge(100).ordered()
    found = figures(outcome_of(archive_of(tmp_path, entries, feed(Fold(), entries), [])))
    assert found.signals == 1
    (signal,) = found.rows
    assert (signal.open_bps, signal.net_bps, signal.reason) == (100.0, 90.0, "converged")
    at_once, late = found.takings
    for one in (at_once, late):  # the edge is there still a second later
        assert one.n == 1
        assert one.in_bps is not None
        assert one.in_bps.p50 == pytest.approx(100 - 5 - 5.05)
        assert one.kept_bps is not None
        # out at 99.99 and 100.00: 1 bp for the two spreads, 5 bps for each side
        assert one.kept_bps.p50 == pytest.approx(100 - 5 - 5.05 - 1 - 4.9995 - 5)
        assert one.out == {"met": 1}
    assert at_once.kept_usd == pytest.approx(100 * 100 * (100 - 21.0495) / 10_000)


def test_other_settings_give_other_signals(tmp_path: Path) -> None:
    entries = edge(100).ordered()
    archive = archive_of(tmp_path, entries, [], [])
    assert len(outcome_of(archive, enter_bps=120.0).signals) == 0
    assert len(outcome_of(archive, samples=1, hold_ms=0).signals) == 1


def test_a_loan_and_moving_coins_are_paid_for(tmp_path: Path) -> None:
    lent = archive_of(tmp_path / "lent", edge(100, "perp", "spot").ordered(), [], [])
    assert not outcome_of(lent).signals
    rates = (BorrowRate(asset="a", apr_percent=3153.6),)  # a basis point in a hundred seconds
    kept = outcome_of(lent, borrow_rates=rates).trades[0]
    assert [one.signal.kind for one in kept] == ["perp-spot"]
    held_s = (kept[0].out_at - kept[0].in_at) / 1e9
    assert kept[0].funding_bps == pytest.approx(-held_s / 100)
    moved = archive_of(tmp_path / "moved", edge(100, "spot", "spot").ordered(), [], [])
    for cost in (0, 30):
        (one,) = outcome_of(moved, transfers=(Transfer(bps=cost),)).trades[0]
        assert one.fate == "kept"
        assert one.kept_bps == pytest.approx(100 - 5 - 5.05 - cost)


def test_the_page_needs_nothing_beside_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_of(tmp_path / "archive", edge(100).ordered(), [], [])
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("UI_LANG", "zh")
    page = tmp_path / "page.html"
    assert command.main(["--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "回测" in capsys.readouterr().out
    assert text.count("<svg") == 4
    assert "吃单者的结果" in text
    for outside in ("http:", "https:", "src=", "<script"):
        assert outside not in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "yesterday"], "'yesterday' is no time"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "is not before"),
        (["--from", "2020-01-01", "--to", "2020-01-02"], "holds 2026-01-01 00:00:00Z to 2026-01-01 00:00:13Z"),
        (["--set", "enter_bps"], "expected NAME=VALUE"),
        (["--set", "enter_bps=-3"], "enter_bps=-3: expected a number, more than 0"),
        (["--set", "nothing=3"], "expected one of these settings"),
        (["--set", "enter_bps=600"], "--set enter_bps=600.0: expected at most max_edge_bps, which is 500"),
        (["--set", 'borrow_rates=[{"apr_percent":3}]'], "expected an asset, a venue, or both in each"),
        (["--from", "9999-12-31T23:00-23:00"], "is no time"),
        (["--fees", "alpha.margin=3"], "expected VENUE=BPS"),
        (["--fees", "alpha"], "--fees 'alpha': expected VENUE=BPS"),
        (["--fees", "alfa=3"], "--fees 'alfa': expected an exchange of the archive: alpha, beta"),
        (["--latency", "0.5"], "'0.5': expected a whole number"),
        (["--out", "/proc/nowhere/page.html"], "its folder cannot be made"),
        (["--out", "/"], "expected a file to write"),
        (["--latency", "1", "2", "3", "4", "5"], "at most 4 values"),
        (["--latency", "soon"], "'soon': expected a number"),
        (["--archive", "/nowhere"], "/nowhere holds no archive"),
        (["--speed", "3"], "unrecognized arguments"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: str,
) -> None:
    listings = [Snapshot(instruments(venue), 1, b"") for venue in ("alpha", "beta")]
    archive_of(tmp_path / "archive", edge(100).ordered(), [], listings)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert command.main(arguments) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert said.err.count("\n") == 1
    assert not said.out
