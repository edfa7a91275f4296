"""What could not be decoded is counted, and one frame of each reason is kept."""

from pathlib import Path

from services.collector.samples import REASONS_MAX, Samples, folder, stored


def test_the_first_frame_of_each_reason_is_kept_and_all_are_counted(tmp_path: Path) -> None:
    samples = Samples(folder(tmp_path, "fake"))
    samples.unknown("bad_number", "BTCUSDT", b'{"p": "x"}', "public", 5)
    samples.unknown("bad_number", "ETHUSDT", b'{"p": "y"}', "public", 6)
    samples.unknown("Not JSON/../x", None, b"\xff\xfe", "public", 7)
    assert samples.counts == {"bad_number": 2, "Not JSON/../x": 1}
    assert stored(tmp_path) == [
        {"venue": "fake", "reason": "bad_number", "native": "BTCUSDT", "where": "public", "recv": 5,
         "frame": '{"p": "x"}', "bytes": 10},
        {"venue": "fake", "reason": "Not JSON/../x", "native": None, "where": "public", "recv": 7,
         "b64": "//4=", "bytes": 2},
    ]  # fmt: skip
    assert stored(tmp_path, "other") == []


def test_reasons_without_end_are_counted_as_one(tmp_path: Path) -> None:
    samples = Samples(folder(tmp_path, "fake"))
    for number in range(3 * REASONS_MAX):
        samples.unknown(f"reason {number}", None, b"x", "public", 1)
    assert len(samples.counts) == REASONS_MAX + 1
    assert samples.counts["other"] == 2 * REASONS_MAX
    assert len(stored(tmp_path)) == REASONS_MAX
