"""`python -m deploy.local.child SIGNAL COMMAND…` becomes the command, which gets the signal when its parent dies."""

import os
import signal
import sys

from deploy.local.process import die_with_parent

if __name__ == "__main__":
    die_with_parent(signal.Signals[f"SIG{sys.argv[1]}"])
    os.execvp(sys.argv[2], sys.argv[2:])
