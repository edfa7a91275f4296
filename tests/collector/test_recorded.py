"""What is known live and must be found out of a recording: instruments, markets, the channel of quotes."""

import json
from pathlib import Path

import msgspec
import pytest

from services.collector.capture import Captured, parse
from services.collector.messages import Unknown
from services.collector.overrides import Override
from services.collector.recorded import Listing, Recorded
from services.collector.venue import Request
from services.collector.venues import VENUES
from shared.events import Quote, Stats

CASES = Path(__file__).parents[1] / "venues"


def bodies(venue: str, case: str) -> dict[str, bytes]:
    found = msgspec.json.decode((CASES / venue / case / "instruments.json").read_bytes(), type=dict[str, msgspec.Raw])
    return {call: bytes(body) for call, body in found.items()}


def recorded(venue: str = "okx", case: str = "books") -> Recorded:
    listing = Listing(VENUES[venue])
    for call, body in bodies(venue, case).items():
        listing.put(call, body)
    listing.refresh()
    return Recorded(VENUES[venue], listing, None)


def frames(case: str) -> list[Captured]:
    lines = (CASES / "okx" / case / "frames.jsonl").read_bytes().splitlines()
    return [parse(line, number) for number, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    ("case", "chosen"),
    [
        ("bbo-tbt", {"spot": "bbo-tbt", "perp": "bbo-tbt"}),
        ("tickers", {"spot": "tickers", "perp": "tickers"}),
        ("tickers-beside-bbo-tbt", {"spot": "bbo-tbt", "perp": "tickers"}),
        ("rest-tickers", {}),
        ("trades", {}),
    ],
)
def test_the_best_channel_that_is_there_makes_the_quotes_of_its_market(case: str, chosen: dict[str, str]) -> None:
    one = recorded()
    one.choose_quotes(frames(case))
    assert one.quotes == chosen


def test_a_worse_channel_makes_no_quotes_beside_a_better_one() -> None:
    one = recorded()
    lines = frames("tickers-beside-bbo-tbt")
    one.choose_quotes(lines)
    assert [type(message) for message in one.decode(lines[0])] == [Stats]
    assert [type(message) for message in one.decode(lines[2])] == [Quote, Stats]


def test_bodies_of_one_call_add_up_and_the_later_one_wins_a_row() -> None:
    listing, row = Listing(VENUES["okx"]), json.loads(bodies("okx", "books")["swap"])["data"][0]
    for changes in ({}, {"instId": "B", "ctValCcy": "B", "uly": "B-USDT"}, {"tickSz": "0.5"}):
        assert listing.add(json.dumps({"code": "0", "data": [{**row, **changes}]}).encode())
    listing.refresh()
    assert {(one.native, one.tick_size) for one in listing.table} == {(row["instId"], "0.5"), ("B", "0.1")}


def test_a_body_of_another_form_is_no_listing() -> None:
    listing = Listing(VENUES["okx"])
    assert not listing.add(b'{"code":"0","data":[{"instId":"A","markPx":"1"}]}')
    assert len(listing) == 0


def test_only_an_answer_to_a_listing_call_is_taken_as_one() -> None:
    listing = Listing(VENUES["okx"])
    one, body = Recorded(VENUES["okx"], listing, None), bodies("okx", "books")["swap"]
    assert not one.relist(Captured(1, body))
    assert not one.relist(Captured(1, body, request=Request("/api/v5/market/tickers")))
    assert not one.relist(Captured(1, b"<html>", request=Request("/api/v5/public/instruments")))
    assert one.relist(Captured(1, body, request=Request("/api/v5/public/instruments")))
    assert "BTC-USDT-SWAP" in listing.table.perp


def test_a_listing_among_the_frames_takes_the_place_of_the_one_before() -> None:
    listing, row = Listing(VENUES["okx"]), json.loads(bodies("okx", "books")["swap"])["data"][0]

    def body(**changes: str) -> bytes:
        return json.dumps({"code": "0", "data": [{**row, **changes}]}).encode()

    terms = b'{"code":"0","data":[{"instId":"B","fundingRate":"0","fundingTime":"14400000","nextFundingTime":"%d"}]}'
    assert listing.renew(body())
    assert listing.renew(body(instId="B", ctValCcy="B", uly="B-USDT"))
    assert [one.native for one in listing.table] == ["B"]
    assert listing.renew(terms % 28_800_000)
    assert listing.table.perp["B"].instrument.funding_interval_h == "4"
    assert not listing.renew(terms % 43_200_000)  # waits for the next listing
    assert not listing.renew(b'{"code":"0","data":[]}')


BYBIT = json.loads((CASES / "bybit" / "listing" / "linear.json").read_bytes())


def page(*natives: str, cursor: str = "") -> bytes:
    rows = [{**BYBIT["result"]["list"][0], "symbol": f"{name}USDT", "baseCoin": name} for name in natives]
    result = {**BYBIT["result"], "list": rows, "nextPageCursor": cursor}
    return json.dumps({**BYBIT, "result": result}).encode()


def asked(body: bytes, **params: str) -> Captured:
    request = Request("/v5/market/instruments-info", {"category": "linear", "limit": "1000", **params})
    return Captured(1, body, request=request)


def listed(one: Listing) -> list[str]:
    return [instrument.base for instrument in one.table]


def test_all_pages_of_a_listing_among_the_frames_count_in_their_order() -> None:
    listing = Listing(VENUES["bybit"])
    one = Recorded(VENUES["bybit"], listing, None)
    first = [asked(page("A", "B", cursor="2")), asked(page("C", cursor="3"), cursor="2"), asked(page("D"), cursor="3")]
    assert [one.relist(line) for line in first] == [True, True, True]
    assert listed(listing) == ["A", "B", "C", "D"]
    assert [one.relist(line) for line in first] == [False, False, False]  # the same once more
    again = [asked(page("A", cursor="2")), asked(page("E", cursor="3"), cursor="2"), asked(page(), cursor="3")]
    assert [one.relist(line) for line in again] == [False, False, True]  # half a list delists nobody
    assert listed(listing) == ["A", "E"]


def test_a_round_of_pages_that_broke_off_is_begun_anew() -> None:
    listing = Listing(VENUES["bybit"])
    one = Recorded(VENUES["bybit"], listing, None)
    for line in (asked(page("A", cursor="2")), asked(page("B"), cursor="2"), asked(page("C", cursor="2"))):
        one.relist(line)
    assert listed(listing) == ["A", "B"]
    assert not one.relist(asked(page("D", cursor="2")))
    assert one.relist(asked(page("E"), cursor="2"))
    assert listed(listing) == ["D", "E"]


def test_pages_without_their_parameters_follow_one_another() -> None:
    listing = Listing(VENUES["bybit"])
    assert [listing.renew(page("A", cursor="2")), listing.renew(page("B")), listing.renew(page("C"))] == [True] * 3
    assert listed(listing) == ["C"]


def test_what_users_say_of_instruments_counts_in_every_listing() -> None:
    given = (
        Override(venue="bybit", native="AUSDT", asset="Z", multiplier="10"),
        Override(venue="bybit", native="1000XUSDT", trust=True),
        Override(venue="bybit", native="NOPE", quarantine="never"),
    )
    listing = Listing(VENUES["bybit"], given)
    for body in (page("A", "1000X"), page("1000X", "A", "B")):
        assert listing.renew(body)
        rows = {one.native: one for one in listing.table}
        assert (rows["AUSDT"].symbol, rows["AUSDT"].multiplier) == ("Z/USDT:USDT", "10")
        assert (rows["1000XUSDT"].status, rows["1000XUSDT"].trusted) == ("trading", True)
    assert [one.native for one in listing.unused()] == ["NOPE"]


STATS = b'{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"}'


@pytest.mark.parametrize(
    ("market", "conn", "undecided"),
    [
        (None, None, True),
        ("spot", None, False),
        (None, "wss://fstream.binance.com/stream?streams=x", False),
        (None, "perp_market/3", False),
        (None, "somewhere else", True),
    ],
)
def test_the_market_is_what_was_asked_for_or_the_connections(market: str, conn: str, undecided: bool) -> None:
    one = Recorded(VENUES["binance"], Listing(VENUES["binance"]), market)  # type: ignore[arg-type]
    reasons = [message.reason for message in one.decode(Captured(1, STATS, conn=conn)) if isinstance(message, Unknown)]
    assert (reasons == ["no_market"]) == undecided


def test_a_request_tells_its_market() -> None:
    one = Recorded(VENUES["binance"], Listing(VENUES["binance"]), "perp")
    (made,) = one.decode(Captured(1, b'{"lastUpdateId":1,"bids":[],"asks":[]}', request=Request("/api/v3/depth")))
    assert isinstance(made, Unknown)
    assert made.reason != "no_market"


def test_an_array_is_one_body_or_frames() -> None:
    one = recorded()
    texts = [line.frame.decode() for line in frames("mark-price")]
    lines = list(one.whole(Captured(1, f"[{','.join(texts)}]".encode(), alone=True)))
    assert [line.line for line in lines] == [1, 2, 3]
    venue = Recorded(VENUES["binance"], Listing(VENUES["binance"]), "perp")
    body = Captured(1, b'[{"symbol":"X","bidPrice":"1","bidQty":"1","askPrice":"2","askQty":"1","time":1}]', alone=True)
    assert list(venue.whole(body)) == [body]
