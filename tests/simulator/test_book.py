from random import Random

from services.simulator.book import changes, picture
from services.simulator.market import Market
from services.simulator.venues import build


def test_a_picture_is_sorted_and_starts_with_the_quote() -> None:
    world = Market(build("binance", 60, 1), 1)
    world.start(1.795e9)
    for row in world.listed:
        book = picture(row, 50)
        bids, asks = list(book.bids), list(book.asks)
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] == row.bid
        assert asks[0] == row.ask
        assert book.bids[row.bid] == row.bid_size
        assert len(asks) == 50
        assert all(lots > 0 for side in (book.bids, book.asks) for lots in side.values())
        assert book.u == row.u


def test_changes_applied_to_the_old_picture_make_the_new_one() -> None:
    world = Market(build("okx", 20, 1), 1)
    world.start(1.795e9)
    row = world.listed[0]
    old = picture(row, 100)
    few = 0
    for n in range(50):
        world.requote(row, 1.795e9 + n * 0.1, Random(n))
        new = picture(row, 100)
        for before, after in ((old.bids, new.bids), (old.asks, new.asks)):
            delta = changes(before, after)
            merged = {price: lots for price, lots in {**before, **delta}.items() if lots}
            assert merged == after
            few += len(delta) < 50
        old = new
    assert few > 50
