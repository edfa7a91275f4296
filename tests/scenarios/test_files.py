"""Scenario files as tests of the whole system: what comes with the product, and what a wrong one is told."""

from pathlib import Path

import pytest

from scenarios.__main__ import cases, read
from services.simulator.options import OptionError

WANTED = {
    *("true-edge", "stale-leg", "wrong-coin", "thin-book", "fee-eaten", "flash-spike", "halted-leg", "funding-flip"),
    *("thousands", "crossed-book", "usdc-off-its-peg", "venue-down"),
}
EXPECT = '\n[[expect]]\ncoin = "SEI"\nbuy = "okx perp"\nsell = "binance perp"\nopens = [1, 2]\n'


def test_every_kind_of_trap_has_its_file_and_every_file_can_be_played() -> None:
    assert {path.stem for path in cases()} >= WANTED
    for path in cases():
        scenario = read(path)
        assert scenario.name
        assert scenario.about.endswith(".")
        assert scenario.event


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seconds = 0", "expected 'seconds' above 0"),
        ("seconds = 5\nvenues = ['mars']", "'mars' is not simulated"),
        ("seconds = 5\nheld_back = ['mood']", "held_back: 'mood': expected some of converged, net"),
        ("seconds = 5\n[settings]\nenter = 3", "enter=3: expected one of these settings"),
        ("seconds = 5\n[settings]\nsamples = 1.5", "samples=1.5: expected a whole number"),
        ("seconds = 5\n[settings]\nenter_bps = 900", "enter_bps"),
        ("seconds = 5\nnonsense = 1", "nonsense"),
        ("seconds = 5" + EXPECT.replace("okx perp", "okx future"), "expected a venue out of .* and spot or perp"),
        ("seconds = 5" + EXPECT.replace("okx perp", "bybit perp"), "bybit"),
        ("seconds = 5" + EXPECT.replace("[1, 2]", "[7, 9]"), "within the 5 seconds"),
        ("seconds = 5" + EXPECT.replace("[1, 2]", "[2, 1]"), "the lower bound first"),
        ("seconds = 5" + EXPECT.replace("opens", "open"), "open"),
        ("seconds = 5" + EXPECT + 'reason = "boredom"', "boredom"),
        ('seconds = 5\n[[event]]\nkind = "freeze"\nvenue = "bybit"', "'bybit' is not among its venues"),
        ("seconds = ", "wrong.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_what_was_expected(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OptionError, match=words) as caught:
        read(path)
    assert "wrong.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
