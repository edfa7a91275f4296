"""Programs for the tests of the life of a process: `python -m tests.shared.programs WHAT`."""

import asyncio
import sys

from shared.config import SettingError
from shared.service import CannotServeError, Service, run


async def main(service: Service) -> None:
    what = sys.argv[1]
    service.state, service.detail = "live", "a test"
    if what == "wait":
        service.health(lambda: {"frames_total": 5, "lag_ms_p50": 1.5})
        await service.stop.wait()
        print("stopping cleanly", flush=True)
    elif what == "beside":
        service.beside("_other").state = "blocked"
        await service.stop.wait()
    elif what == "end":
        return
    elif what == "crash":
        raise ValueError("a fault, at redis://user:hush@host:1/0")
    elif what == "task":
        service.spawn(_fails(), "the one that fails")
        await asyncio.Event().wait()
    elif what == "callback":
        asyncio.get_running_loop().call_soon(_raises)
        await service.stop.wait()
    elif what == "setting":
        raise SettingError("VENUES", "mtgox", "one of the exchanges")
    elif what == "cannot":
        raise CannotServeError("the port is taken")
    elif what == "stuck":
        print("stuck", flush=True)
        await asyncio.Event().wait()


async def _fails() -> None:
    raise RuntimeError("in a task")


def _raises() -> None:
    raise RuntimeError("in a callback")


if __name__ == "__main__":
    sys.exit(run("_test", main))
