from services.simulator.coins import coins


def test_every_coin_has_a_name_of_its_own_and_a_price() -> None:
    known = coins(3000, seed=1)
    assert len(known) == 3000
    assert len({coin.name for coin in known}) == 3000
    assert all(coin.price > 0 for coin in known)
    assert [coin.rank for coin in known] == list(range(3000))


def test_a_few_coins_are_the_first_of_many() -> None:
    assert coins(50, seed=1) == coins(800, seed=1)[:50]
