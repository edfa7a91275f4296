"""Numbers without a hole, a bounded window, and nothing forgotten before it is accepted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import streams
from shared.codec import Batch, decode_batch
from shared.events import Trade
from shared.outbox import Outbox, Sent
from shared.resp import Parser
from tests.shared.tools import TRADES, trade


def parsed(commands: list[bytes]) -> list[list[bytes]]:
    found = []
    for reply in Parser().feed(b"".join(commands)):
        assert isinstance(reply, list)
        found.append([part for part in reply if isinstance(part, bytes)])
    return found


def batch_of(line: list[bytes]) -> Batch:
    assert line[0] == b"XADD"
    assert line[-3:-1] == [b"*", b"v1"]
    return decode_batch(line[-1])


def outbox(**options: int) -> Outbox:
    made = Outbox("one", streams.RETENTION_MS, **options)
    made.open = True
    return made


def append(box: Outbox, *numbers: int) -> None:
    stream = box.stream(TRADES)
    for number in numbers:
        box.append(stream, trade(number))


def accept(box: Outbox, entry_id: bytes = b"1000000-0") -> None:
    sent = box.expected.popleft()
    assert isinstance(sent, Sent)
    box.accepted(sent)
    box.heard(entry_id)


def test_trimming_is_left_out_until_redis_has_told_its_clock() -> None:
    box = outbox()
    append(box, 1)
    assert parsed(box.collect())[0][:4] == [b"XADD", TRADES.encode(), b"*", b"v1"]
    accept(box, b"9000000-7")
    append(box, 2)
    assert parsed(box.collect())[0][:5] == [b"XADD", TRADES.encode(), b"MINID", b"~", b"5400000"]


def test_the_clock_never_goes_back() -> None:
    box = outbox()
    box.heard(b"500-0")
    box.heard(b"400-9")
    assert box.redis_ms == 500


def test_at_most_the_window_is_unanswered_and_the_rest_is_not_numbered() -> None:
    box = outbox(max_in_flight=3, batch_events=1)
    append(box, *range(10))
    assert [batch_of(line).seq for line in parsed(box.collect())] == [0, 1, 2]
    assert box.backlog
    assert box.stream(TRADES).next_seq == 3
    accept(box)
    assert [batch_of(line).seq for line in parsed(box.pump())] == [3]


def test_what_comes_while_something_waits_stays_behind_it() -> None:
    box = outbox(max_in_flight=1, batch_events=1)
    append(box, 1)
    box.collect()
    append(box, 2)
    assert box.collect() == []
    accept(box)
    append(box, 3)
    assert box.collect() == []
    order = []
    while lines := parsed(box.pump()):
        order += [event.id for line in lines for event in batch_of(line).events if isinstance(event, Trade)]
        accept(box)
    assert order == ["2", "3"]


def test_after_a_break_all_unanswered_batches_go_again_in_order_under_their_numbers() -> None:
    box = outbox(batch_events=1)
    append(box, 1, 2, 3)
    first = parsed(box.collect())
    accept(box)
    box.expected.append(callback := lambda _: None)
    assert box.broken() == [callback]
    append(box, 4)
    assert box.collect() == []
    again = parsed(box.resend())
    assert [line[-1] for line in again[:2]] == [line[-1] for line in first[1:]]
    assert [batch_of(line).seq for line in again] == [1, 2, 3]
    assert box.resent == 2


def test_only_refused_batches_go_again_where_the_connection_stands() -> None:
    box = outbox(batch_events=1)
    append(box, 1, 2, 3)
    box.collect()
    for refused in (True, False, True):
        sent = box.expected.popleft()
        assert isinstance(sent, Sent)
        if refused:
            box.refuse(sent)
        else:
            box.accepted(sent)
    assert not box.open
    assert [batch_of(line).seq for line in parsed(box.resend())] == [0, 2]
    assert box.in_flight == 2


def test_a_beat_is_for_quiet_keys_only() -> None:
    box = outbox()
    append(box, 1)
    box.collect()
    assert box.beat() == []
    (line,) = parsed(box.beat())
    assert (batch_of(line).seq, batch_of(line).events) == (1, [])


@settings(max_examples=200)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["append", "append", "accept", "refuse", "break", "resend", "beat"]), st.integers(1, 9)
        ),
        max_size=80,
    )
)
def test_whatever_happens_the_accepted_batches_hold_every_event_once_in_order(steps: list[tuple[str, int]]) -> None:
    box = outbox(max_in_flight=4, batch_events=3)
    taken: dict[int, Batch] = {}
    given_events = 0

    def answer(accepted: bool) -> None:
        if not box.expected:
            return
        sent = box.expected.popleft()
        assert isinstance(sent, Sent)
        if accepted:
            box.accepted(sent)
            batch = decode_batch(sent.payload)
            assert batch.seq not in taken
            taken[batch.seq] = batch
            box.pump()
        else:
            box.refuse(sent)

    for what, amount in steps:
        if what == "append":
            append(box, *range(given_events, given_events + amount))
            given_events += amount
            box.collect()
        elif what in ("accept", "refuse"):
            answer(what == "accept")
        elif what == "break":
            box.broken()
        elif what == "resend" and not box.expected:
            box.resend()
        elif what == "beat":
            box.beat()
        assert box.in_flight <= 4
    box.broken()
    box.resend()
    while box.expected:
        answer(True)
    assert sorted(taken) == list(range(len(taken)))
    events = [event.id for seq in sorted(taken) for event in taken[seq].events if isinstance(event, Trade)]
    assert events == [str(number) for number in range(given_events)]
    assert box.idle
