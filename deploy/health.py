"""A container's health check: `python -m deploy.health NAME` asks whether this container's own beat is in Redis.

Every service writes `health:<name>:<host>-…` each second, with a life of ten; a container's host name is its own.
"""

import asyncio
import socket
import sys

from shared import streams
from shared.bus import AWAY, REFUSED, connect
from shared.config import SettingError, load


async def beats(name: str) -> bool:
    client = connect(load().redis)
    try:
        async with asyncio.timeout(4):
            async for _ in client.scan_iter(match=streams.health(name, f"{socket.gethostname()}-*"), count=1000):
                return True
    finally:
        await client.aclose()
    return False


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) == 1 and asyncio.run(beats(arguments[0])):
            return 0
        print(f"no beat of {' '.join(arguments)} from {socket.gethostname()}", file=sys.stderr)
    except (*AWAY, REFUSED, SettingError) as error:
        print(error, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
