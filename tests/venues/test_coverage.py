"""`docs/coverage.md`: what stands there is what the command makes, and what it leaves unknown is explained."""

import re
from pathlib import Path

import pytest

from services.collector.venues import VENUES
from tests.venues import coverage, mutations
from tests.venues.coverage import DOCUMENT, cases, decode, main, reasons, standing

ROOT = Path(__file__).resolve().parents[2]
AGAIN = "make it anew: make coverage (CAPTURES=DIR where decoders changed)"
MINI = '{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"2","o":"1","h":"1","l":"1","v":"3","q":"4"}\n'


def test_the_document_is_what_the_command_makes(captures: Path) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == coverage.document(captures), AGAIN


def test_the_parts_that_need_no_recordings_are_what_the_command_makes() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.startswith(coverage.INTRODUCTION), AGAIN
    assert text.endswith(cases() + mutations.table()), AGAIN
    assert text == coverage.document(None), AGAIN


def test_a_document_without_its_recordings_cannot_be_renewed_without_them() -> None:
    with pytest.raises(ValueError, match="--captures DIR"):
        standing("# Coverage\n")


@pytest.mark.parametrize("venue", VENUES)
def test_the_readme_of_a_venue_explains_every_reason_of_what_its_recordings_leave_unknown(
    captures: Path, venue: str
) -> None:
    text = (ROOT / "services" / "collector" / "venues" / venue / "README.md").read_text(encoding="utf-8")
    chapter = re.search(r"\n## What the recordings leave unknown\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    assert chapter, f"{venue} has no chapter of that"
    explained = {name for row in re.findall(r"^\| (.*?) \|", chapter[1], re.MULTILINE) for name in row.split("`")[1::2]}
    found = reasons(captures)[venue]
    assert explained == found, f"not explained: {found - explained}; explained and not there: {explained - found}"


def test_every_recording_has_a_row(captures: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for venue in VENUES:
        for path in (captures / venue).iterdir():
            assert f"\n| `{path.name}` |" in text, AGAIN


def test_frames_that_do_not_tell_their_market_are_of_the_one_that_leaves_less_unknown(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    path.write_text(MINI)
    assert decode("binance", "x", [path]).market == "spot"
    path.write_text(MINI.replace("BTCUSDT", "ADAUSDT"))  # a perpetual alone
    row = decode("binance", "x", [path])
    assert (row.market, row.messages, row.unknown) == ("perp", {"stats": 1}, {})
    path.write_text('{"e":"trade","E":1,"s":"BTCUSDT"}\n')
    assert decode("binance", "x", [path]).market is None


def test_the_parts_of_a_session_are_decoded_together_as_well(tmp_path: Path) -> None:
    for name in ("a.ws.1.0", "a.ws.2.0", "b.ws.1.0", "b.http.0.0", "c"):
        (tmp_path / name).write_text(f"1785926301.0: {MINI}")
    assert [row.name for row in coverage.rows("binance", tmp_path)] == [
        *("`a.ws.1.0`", "`a.ws.2.0`", "`b.http.0.0`", "`b.ws.1.0`", "`c`"),
        "`b.http.0.0` + `b.ws.1.0`",
    ]


def test_the_command_writes_a_file_or_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "binance").mkdir()
    (tmp_path / "binance" / "mini").write_text(MINI)
    assert main(["--captures", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "| Binance | 1 | 1 | 1 | 0 | 0 |\n" in printed
    assert "| `mini` | 1 | `--market spot` | stats 1 |  |  |\n" in printed
    assert main(["--captures", str(tmp_path), "--write", str(tmp_path / "out.md")]) == 0
    assert (tmp_path / "out.md").read_text(encoding="utf-8") == printed


def test_a_folder_without_recordings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--captures", str(tmp_path)])
    assert "has no folder of any exchange" in capsys.readouterr().err
