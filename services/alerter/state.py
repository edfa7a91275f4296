"""What the alerter keeps: its state from one process to the next. Pure."""

import msgspec

from services.alerter.lifecycle import Watch
from services.alerter.picture import OpenSignal
from services.alerter.routing import Delivery, Lane
from services.alerter.rules.change import Terms


class State(msgspec.Struct, kw_only=True):
    """What a successor goes on from. `positions`: how far the signal streams were read; `signals` are open by then."""

    at: int = 0
    watches: list[Watch] = []
    lanes: dict[str, Lane] = {}
    positions: dict[str, str] = {}
    signals: dict[str, OpenSignal] = {}


class Kept(msgspec.Struct, kw_only=True):
    """Everything as it was written last. `latencies`: each exchange's delays of the last hour, in ms; `terms`: of each
    exchange's markets."""

    number: int
    state: State
    latencies: dict[str, list[float]] = {}
    terms: dict[str, dict[str, Terms]] = {}
    due: list[Delivery] = []
    active: dict[str, bytes] = {}
