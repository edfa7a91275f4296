"""`python -m deploy.local.child SIGNAL PORT COMMAND…` becomes the command, which gets the signal when its parent dies.

Where PORT is not 0, once that port of this machine answers, or does not within a while: then the command may say so.
"""

import os
import signal
import sys
import time
from typing import Final

from deploy.local.process import die_with_parent, port_answers

PATIENCE_S: Final = 15.0
LOOK_S: Final = 0.05


def await_port(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not port_answers(port) and time.monotonic() < deadline:
        time.sleep(LOOK_S)


if __name__ == "__main__":
    die_with_parent(signal.Signals[f"SIG{sys.argv[1]}"])
    if sys.argv[2] != "0":
        await_port(int(sys.argv[2]))
    os.execvp(sys.argv[3], sys.argv[3:])
