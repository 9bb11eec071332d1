"""A program that a supervisor keeps alive in tests: it says who it is, and does what its words tell it.

`say TEXT` prints a line; `leave` starts a process in a session of its own that would outlive it; `deaf` hears no SIGTERM;
`end CODE` ends; else it waits to be ended.
"""

import os
import signal
import subprocess
import sys
import time


def main(words: list[str]) -> None:
    """Do what the words say, one after the other."""
    print(f"here {os.getpid()}", flush=True)
    while words:
        word = words.pop(0)
        if word == "say":
            print(words.pop(0), flush=True)
        elif word == "leave":
            left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
            print(f"left {left.pid}", flush=True)
        elif word == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("deaf", flush=True)
        elif word == "end":
            sys.exit(int(words.pop(0)))
    time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1:])
