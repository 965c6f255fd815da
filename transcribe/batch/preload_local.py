"""The first thing that happens in a worker on this machine. Ctrl-C reaches it too, and its beginner says what ends."""

import signal

from transcribe import core_dumps

signal.signal(signal.SIGINT, signal.SIG_IGN)
core_dumps.forbid()
