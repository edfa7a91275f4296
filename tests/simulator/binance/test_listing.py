from services.simulator.binance.listing import PERP_MULTIPLIERS, SPOT_MULTIPLIERS
from services.simulator.coins import real_coins


def test_prefixed_names_are_of_real_coins() -> None:
    names = {coin.name for coin in real_coins()}
    for table in (PERP_MULTIPLIERS, SPOT_MULTIPLIERS):
        assert set(table) <= names
        assert all(base.endswith(coin) and base != coin for coin, (base, _) in table.items())
