"""Markets that do not trade and that nobody collects."""

from services.scanner.fold import Fold
from services.scanner.idle import Idle, Key
from services.scanner.why import why
from tests.scanner.tape import row

PERP: Key = ("perp", "WIFUSDTP")


def states(idle: Idle, coin: str = "WIF") -> list[tuple[str, str, str | None]]:
    return [(one.venue, one.state, one.reason) for one in idle.of(coin)]


def test_a_market_that_does_not_trade_is_told_with_its_state_and_its_reason() -> None:
    idle = Idle()
    idle.note("beta", PERP, row("WIF", status="halted"))
    idle.note("alpha", PERP, row("WIF", status="quarantined", reason="collision"))
    idle.note("gamma", PERP, row("WIF", status="pre"))
    idle.note("delta", PERP, row("WIF", status="delisting"))
    idle.note("omega", PERP, row("WIF", status="halted", quote="BTC"))
    assert states(idle) == [
        ("alpha", "quarantined", "collision"),
        ("beta", "halted", None),
        ("delta", "delisted", None),
        ("gamma", "halted", "pre"),
    ]
    assert [leg.state for leg in why(Fold(), "WIF", idle=idle.of("WIF")).legs] == [one[1] for one in states(idle)]


def test_one_that_trades_again_that_is_gone_or_that_is_another_coin_is_not() -> None:
    idle = Idle()
    for venue in ("alpha", "beta", "gamma"):
        idle.note(venue, PERP, row("WIF", status="halted"))
    idle.note("alpha", PERP, row("WIF"))
    idle.note("beta", PERP, None)
    idle.note("gamma", PERP, row("CAT", status="halted"))
    assert (states(idle), states(idle, "CAT")) == ([], [("gamma", "halted", None)])
