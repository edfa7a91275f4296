"""One terminal's socket: its subscriptions, and the frames that they make."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol

from starlette.websockets import WebSocket

from services.api.cryexc import cvd, protocol, trade
from services.api.cryexc.protocol import CvdConfig, Identity, Order, Refusal, TradeConfig
from services.api.errors import ApiError, invalid
from services.api.outbox import Outbox
from services.api.sockets import receive
from services.api.symbols import Directory, Target
from shared.events import Trade

Key = tuple[str, str]
Listener = Callable[[Key, Trade, Decimal], None]

MAX_FRAMES: Final = 8_192
MAX_BYTES: Final = 8 << 20
#: Live cvd bars go out at most so often.
CVD_GAP_S: Final = 0.5


class Trades(Protocol):
    """Where prints come from."""

    async def watch(self, key: Key, listener: Listener) -> None:
        """Call the listener with each print of (venue, symbol) from now on. Watching twice is watching once."""

    def unwatch(self, key: Key, listener: Listener) -> None:
        """Stop. What nobody watches is let go."""

    def now_s(self) -> int:
        """The moment that a past is counted back from, in epoch seconds."""

    async def tally(self, key: Key) -> cvd.Tally:
        """What is known of the last hour of a watched instrument. Raises `ApiError`."""


@dataclass(eq=False)
class TradeSub:
    """A `trade` subscription: which instruments, under which names, what passes."""

    identity: Identity
    config: TradeConfig
    filter: trade.TradeFilter
    targets: dict[Key, Target] = field(default_factory=dict)


@dataclass(eq=False)
class CvdSub:
    """A `cvd` subscription and its bars."""

    identity: Identity
    config: CvdConfig
    view: cvd.CvdView

    @property
    def targets(self) -> dict[Key, Target]:
        return {key: series.target for key, series in self.view.series.items()}


class Session:
    """Reads orders in sequence, writes to its outbox. Every answer is in the order of the questions."""

    def __init__(self, trades: Trades, directory: Callable[[], Directory]) -> None:
        self.outbox = Outbox(MAX_FRAMES, MAX_BYTES)
        self.spared = 0
        self._trades, self._directory = trades, directory
        self._subs: dict[Identity, TradeSub | CvdSub] = {}
        self._watched: set[Key] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._lock = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._subs)

    async def read(self, socket: WebSocket) -> None:
        while (frame := await receive(socket)) is not None:
            # Answers are never dropped: a client that does not take them is not heard either.
            await self.outbox.room()
            await self.answer(frame)

    async def answer(self, frame: str | bytes) -> None:
        said = protocol.read(frame)
        if said.pong:
            self.outbox.answer(protocol.PONG)
        for item in said.items:
            if isinstance(item, Refusal):
                self.outbox.answer(protocol.refused(item))
            else:
                async with self._lock:
                    await self._do(item)

    async def refresh(self) -> None:
        """The listings changed: subscriptions that named no exchange, or came too early, find theirs."""
        async with self._lock:
            for sub in tuple(self._subs.values()):
                try:
                    found = protocol.targets(sub.config, self._directory())
                    fresh = [target for target in found if target.key not in sub.targets]
                    if fresh:
                        await self._follow(sub, fresh)
                except ApiError as error:
                    # It keeps what it has; a symbol that is listed nowhere is told, a store that is away is not news.
                    if not sub.targets and error.status == 404:
                        self.outbox.answer(protocol.refused(Refusal(error, sub.identity.stream, sub.identity.instance)))
                        del self._subs[sub.identity]

    def close(self) -> None:
        self._subs.clear()
        self._let_go()
        if self._timer is not None:
            self._timer.cancel()

    def sent(self) -> None:
        """Called after each frame that went out: say what a slow client was spared."""
        if self.spared and not self.outbox.full():
            count, self.spared = self.spared, 0
            message = f"{count} trades were not sent: this client reads too slowly."
            error = ApiError(503, "slow_client", message, field="trades", value=count, expected="a faster reader")
            self.outbox.answer(protocol.refused(Refusal(error, "trade")))

    async def _do(self, order: Order) -> None:
        identity = order.identity
        if order.action == "unsubscribe":
            self._subs.pop(identity, None)
            self._let_go()
            self.outbox.answer(protocol.unsubscribed(identity))
            return
        assert order.config is not None
        try:
            if identity not in self._subs and len(self._subs) >= protocol.MAX_SUBSCRIPTIONS:
                expected = f"at most {protocol.MAX_SUBSCRIPTIONS} subscriptions a connection"
                raise invalid("stream", identity.stream, expected, code="too_many_subscriptions")
            found = protocol.targets(order.config, self._directory())
        except ApiError as error:
            self.outbox.answer(protocol.refused(Refusal(error, identity.stream, identity.instance)))
            return
        sub = self._make(order)
        if order.action == "subscribe":
            self.outbox.answer(protocol.subscribed(order))
        self._subs[identity] = sub
        try:
            await self._follow(sub, found)
        except ApiError as error:
            del self._subs[identity]
            self._let_go()
            self.outbox.answer(protocol.refused(Refusal(error, identity.stream, identity.instance)))

    def _make(self, order: Order) -> TradeSub | CvdSub:
        if isinstance(order.config, TradeConfig):
            return TradeSub(order.identity, order.config, trade.TradeFilter.of(order.config))
        assert isinstance(order.config, CvdConfig)
        shape = protocol.shape_of(order.config)
        return CvdSub(order.identity, order.config, cvd.CvdView(shape, self._trades.now_s() - shape.range_s))

    async def _follow(self, sub: TradeSub | CvdSub, found: list[Target]) -> None:
        for target in found:
            self._watched.add(target.key)
            await self._trades.watch(target.key, self._on_trade)
            if isinstance(sub, CvdSub):
                tally = await self._trades.tally(target.key)
                sub.view.follow(target, tally)
            else:
                sub.targets[target.key] = target
        if isinstance(sub, CvdSub):
            # No pause between the last `follow` and this: what comes after is live.
            for frame in cvd.history_frames(sub.view, sub.config.symbol.upper(), sub.identity.instance):
                self.outbox.answer(frame)
        self._let_go()

    def _let_go(self) -> None:
        """Stop watching what no subscription needs."""
        needed = {key for sub in self._subs.values() for key in sub.targets}
        for key in self._watched - needed:
            self._trades.unwatch(key, self._on_trade)
        self._watched &= needed

    def _on_trade(self, key: Key, print_: Trade, notional: Decimal) -> None:
        for sub in self._subs.values():
            target = sub.targets.get(key)
            if target is None:
                continue
            if isinstance(sub, CvdSub):
                sub.view.add(key, trade.trade_ms(print_), print_.side, notional)
                self._soon()
            elif sub.filter.passes(print_, notional):
                frame = trade.frame(trade.data_of(print_, target, notional), sub.identity.instance)
                self.spared += not self.outbox.offer(frame)

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CVD_GAP_S, self._flush_cvd)

    def _flush_cvd(self) -> None:
        self._timer = None
        if self.outbox.full():
            self._soon()
            return
        for sub in self._subs.values():
            if isinstance(sub, CvdSub):
                for frame in cvd.live_frames(sub.view.live(), sub.identity.instance):
                    self.outbox.answer(frame)
