"""`python -m bench NAME [options]`: the benchmarks. Each prints one JSON object as its last line."""

import sys

from bench import collector, faults, recorder, scanner, steps

BENCHES = {
    "collector": collector.main,
    "faults": faults.main,
    "recorder": recorder.main,
    "scanner": scanner.main,
    "steps": steps.main,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHES:
        sys.exit(f"bench: expected one of: {', '.join(BENCHES)}")
    sys.exit(BENCHES[sys.argv[1]](sys.argv[2:]))
