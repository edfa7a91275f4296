"""Every command of the collector's command line, with what it cannot use: one sentence and status 2."""

from pathlib import Path

import pytest

from services.collector.__main__ import COMMANDS, main
from services.collector.venues import VENUES

KNOWN = ", ".join(VENUES)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "the following arguments are required: command"),
        ("nonsense", f"command: 'nonsense': expected one of {', '.join(COMMANDS)}"),
        ("run", "the following arguments are required: --venue"),
        ("run --venue", "--venue: expected one argument"),
        ("run --venue OKX", f"--venue: 'OKX': expected one of {KNOWN}"),
        ("run --venue okx extra", "unrecognized arguments: extra"),
        ("samples --venue nope", f"--venue: 'nope': expected one of {KNOWN}"),
        ("record --venue nope --out x", f"--venue: 'nope': expected one of {KNOWN}"),
        ("record --venue okx", "the following arguments are required: --out"),
        ("record --venue okx --out x --seconds -5", "--seconds: '-5': expected a number of 1 to 1e+07"),
        ("record --venue okx --out x --seconds nan", "--seconds: 'nan': expected a number of 1 to 1e+07"),
        ("record --venue okx --out x --max-mb 0", "--max-mb: '0': expected a whole number of 1 to 1e+06"),
        ("record --venue okx --out x --max-mb 1.5", "--max-mb: '1.5': expected a whole number of 1 to 1e+06"),
        ("check --venue nope", f"--venue: 'nope': expected one of {KNOWN}"),
        ("check --seconds abc", "--seconds: 'abc': expected a number of 1 to 3600"),
        ("check --seconds 0", "--seconds: '0': expected a number of 1 to 3600"),
        ("check --assets ,", "--assets: ',': expected coins, separated by commas"),
        ("decode --venue okx --market futures -", "--market: 'futures': expected one of spot, perp"),
        ("replay --venue okx --instruments - x", "--instruments takes files: standard input is for frames."),
        ("replay --venue okx - --venue bybit -", "Standard input can be read only once: name - only once."),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_status_2(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert said in shown.err


@pytest.mark.parametrize(
    ("text", "what"),
    [("hello\n", "no recording"), ('{"capture":1,"venue":"bybit","schema":"v1"}\n', "a recording of bybit")],
)
def test_a_recording_does_not_go_on_in_another_file(
    text: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "session"
    out.write_text(text)
    assert main(["record", "--venue", "okx", "--out", str(out)]) == 2
    assert capsys.readouterr().err == (
        f"collector: --out: {str(out)!r}: expected a new file or a recording of okx, it is {what}\n"
    )
    assert out.read_text() == text


def test_samples_want_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file"))
    assert main(["samples"]) == 2
    assert capsys.readouterr().err == f"collector: DATA_DIR={str(tmp_path / 'file')!r}: expected a directory\n"
