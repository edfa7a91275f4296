"""Following an archive that is being played: the control stream is part of it, so nothing is decided here.

`python -m services.scanner archived` takes a partition up where the player says that its owner stood, and folds what
the owner folded: the same entries under the same ids, the owner's own words among them. Time passes by these alone.
"""

from typing import Final

from services.scanner.checkpoint import Unusable, load
from services.scanner.feed import Feed
from services.scanner.fold import Fold
from services.scanner.resume import Hold, on_the_board
from services.scanner.wire import Wire
from shared import streams
from shared.cursor import START
from shared.service import CannotServeError, Service

LOOK_S: Final = 0.2


async def take_up(service: Service, wire: Wire, partition: int, fence: int) -> Hold | None:
    """The partition as it stood, once the player has put it there; None: stopped meanwhile.

    Raises what `Wire.call` does, `CannotServeError` for a checkpoint of another version.
    """
    control = streams.control(partition)
    while True:
        saved = await wire.one("HGET", streams.scan(partition), "ckpt")
        if isinstance(saved, bytes):
            try:
                fold, positions = load(saved)
            except Unusable as error:
                raise CannotServeError(f"This archive cannot be played by this version: {error}") from error
            break
        if await wire.one("XRANGE", control, "-", "+", "COUNT", 1):
            fold, positions = Fold(), {}
            break
        if not await service.pause(LOOK_S):
            return None
    positions.setdefault(control, START)
    unknown = await on_the_board(service.redis, partition) - fold.assets.keys()
    return Hold(partition, fence, fold, Feed(wire, control, positions, recorded=True, archived=True), unknown)
