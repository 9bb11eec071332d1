"""Imported once by the server that forks the processes of reading.py: everything they need is there then."""

import signal

from tests.faults.reading import warm_up

signal.signal(signal.SIGINT, signal.SIG_IGN)
warm_up()
