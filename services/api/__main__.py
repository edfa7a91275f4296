"""`python -m services.api`: serves the console, the API and the sockets."""

import asyncio
import sys

from services.api.app import create
from services.api.context import Context
from services.api.server import listen, server_for
from shared.binding import check_binding
from shared.config import SettingError, load
from shared.service import Service, run

NAME = "_api"


async def serve(service: Service) -> None:
    """Serve until the service is told to stop."""
    app = create(service.settings, service.redis)
    context: Context = app.state.context
    service.health(lambda: figures(service, context))
    server, sockets = server_for(app), listen(service.settings)
    serving = asyncio.create_task(server.serve(sockets), name="server")
    stopping = asyncio.create_task(service.stop.wait(), name="stop")
    failing = asyncio.create_task(context.failed.wait(), name="failure")
    await asyncio.wait((serving, stopping, failing), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    failing.cancel()
    await serving
    context.raise_fault()


def figures(service: Service, context: Context) -> dict[str, str | int | float]:
    """What the health record says of this process."""
    service.state = "live" if context.state.redis_up else "degraded"
    service.detail = context.state.feed_reason()
    return {
        "api_sockets": context.sockets,
        "api_feeds": len(context.hub),
        "api_refused_total": context.refused.total(),
        "rejected_total": context.followers.rejected.count,
    }


def main() -> int:
    try:
        settings = load()
        check_binding(settings)
    except SettingError as error:
        print(f"api: {error}", file=sys.stderr)
        return 2
    return run(NAME, serve, settings)


if __name__ == "__main__":
    sys.exit(main())
