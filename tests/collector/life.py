"""A session's life, driven by hand: what it does, and the frames it sends."""

from collections.abc import Iterable

from services.collector.actions import Action, Send
from services.collector.messages import Ack
from services.collector.pacing import SECOND, Window
from services.collector.plan import Topic
from services.collector.session import Session
from services.collector.venue import Endpoint, Limits
from services.collector.venue import Ping as PingRule
from tests.collector.fakes import asked, subscribe, unsubscribe

START = 1_700_000_000 * SECOND


def topic(name: str, silent_s: float | None = None, *, urgent: bool = False) -> Topic:
    return Topic("open", name, "perp", ("quote",), (name.upper(),), 1, silent_s, urgent=urgent)


class Life:
    """A session with a clock: `run` lets time pass in steps of 50 ms."""

    def __init__(
        self,
        names: Iterable[str] = ("a", "b", "c"),
        limits: Limits | None = None,
        rule: PingRule | None = None,
        suspects: Iterable[str] = (),
        silent_s: float | None = None,
        patient: bool = False,
        shared: Window | None = None,
        acks: bool = True,
        silent: bool = False,
    ) -> None:
        self.now = START
        self.frame_at = START
        self.heard: set[str] = set()
        self.done: list[Action] = []
        endpoint = Endpoint(
            "open",
            "wss://open.test",
            None,
            rule or PingRule(b"ping", 20.0, 30.0),
            limits or Limits(100, 3, 5.0),
            acks,
        )
        self.session = Session(
            endpoint,
            (lambda names, number: b"") if silent else subscribe,
            unsubscribe,
            lambda one, since: one.name in self.heard,
            suspects=suspects,
            patient=patient,
            shared=shared,
        )
        self.session.want([topic(name, silent_s) for name in names])
        self.take(self.session.opened(self.now))

    def take(self, actions: list[Action]) -> None:
        self.done += actions

    def run(self, seconds: float, *, quiet: bool = False) -> None:
        for _ in range(round(seconds * 20)):
            self.now += SECOND // 20
            if not quiet:
                self.frame()
            self.take(self.session.tick(self.now, self.frame_at))

    def frame(self) -> None:
        self.frame_at = self.now
        if self.session.stale:
            self.take(self.session.frame(self.now))

    def ack_all(self) -> None:
        for _, number, _ in self.frames("subscribe"):
            self.take(self.session.control(Ack(None, number), self.now))

    def frames(self, operation: str) -> list[tuple[str, int, list[str]]]:
        sent = [asked(action.frame) for action in self.done if isinstance(action, Send)]
        return [one for one in sent if one[0] == operation]

    def asked_for(self) -> list[str]:
        return [name for _, _, names in self.frames("subscribe") for name in names]

    def of(self, kind: type) -> list[Action]:
        return [action for action in self.done if isinstance(action, kind)]
