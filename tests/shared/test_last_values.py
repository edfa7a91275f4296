"""Last values: once a second, in pieces, and never an older one over a newer."""

from shared.codec import decode_event
from shared.events import State
from shared.last_values import CHUNK_FIELDS, LastValues
from shared.resp import Parser, ReplyError
from tests.shared.tools import LAST_QUOTES, quote


def lines(last: LastValues, everything: bool = True) -> list[list[bytes]]:
    found = []
    for question, _ in last.commands(everything):
        (reply,) = Parser().feed(question)
        assert isinstance(reply, list)
        found.append([part for part in reply if isinstance(part, bytes)])
    return found


def test_only_the_newest_of_a_second_is_written() -> None:
    last = LastValues()
    for number in range(10):
        last.put(LAST_QUOTES, "BTC/USDT", quote(number))
    assert lines(last) == []
    last.schedule(10)
    ((name, key, field, value),) = lines(last)
    assert (name, key, field, decode_event(value)) == (b"HSET", LAST_QUOTES.encode(), b"BTC/USDT", quote(9))
    assert last.idle


def test_many_fields_are_spread_over_the_ticks() -> None:
    last = LastValues()
    for number in range(CHUNK_FIELDS * 4):
        last.put(LAST_QUOTES, f"C{number}/USDT", quote(number))
    last.schedule(2)
    assert [len(lines(last, everything=False)) for _ in range(3)] == [2, 2, 0]


def test_a_state_stands_beside_the_value() -> None:
    last = LastValues()
    last.put(LAST_QUOTES, "BTC/USDT", quote(1))
    last.put(LAST_QUOTES, "BTC/USDT", State("BTC/USDT", "stale", "silent", 1))
    last.schedule(1)
    ((_, _, *rest),) = lines(last)
    assert rest[::2] == [b"BTC/USDT", b"x:BTC/USDT"]


def test_a_refused_write_is_tried_again_unless_something_newer_came() -> None:
    last = LastValues()
    last.put(LAST_QUOTES, "BTC/USDT", quote(1))
    last.put(LAST_QUOTES, "ETH/USDT", quote(1))
    last.schedule(1)
    ((_, answer),) = last.commands(True)
    last.put(LAST_QUOTES, "ETH/USDT", quote(2))
    answer(ReplyError("OOM command not allowed"))
    assert last.changed[LAST_QUOTES] == {"BTC/USDT": quote(1), "ETH/USDT": quote(2)}
    last.schedule(1)
    ((_, answer),) = last.commands(True)
    answer(2)
    assert last.idle


def test_a_deleted_symbol_loses_value_and_state_and_does_not_come_back() -> None:
    last = LastValues()
    last.put(LAST_QUOTES, "BTC/USDT", quote(1))
    last.schedule(1)
    last.commands(True)
    last.delete(LAST_QUOTES, "BTC/USDT")
    last.schedule(1)
    ((name, _, *fields),) = lines(last)
    assert (name, fields) == (b"HDEL", [b"BTC/USDT", b"x:BTC/USDT"])
    last.restore()
    last.schedule(1)
    assert lines(last) == []


def test_all_is_written_again_where_redis_may_have_lost_it() -> None:
    last = LastValues()
    last.put(LAST_QUOTES, "BTC/USDT", quote(1))
    last.put(LAST_QUOTES, "ETH/USDT", quote(1))
    last.schedule(1)
    last.commands(True)
    last.put(LAST_QUOTES, "ETH/USDT", quote(2))
    last.restore()
    assert last.changed[LAST_QUOTES] == {"BTC/USDT": quote(1), "ETH/USDT": quote(2)}
