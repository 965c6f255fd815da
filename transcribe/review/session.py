"""Who may speak to the review's server: one entry by a token, then the page by its own; and how long the study's key is
held.

The entry token is good once, for a minute. The page's token is kept by the browser for our address and port alone. A
cookie would not do: it knows no port, and goes to the server of anybody else on this machine. All secrets have 256 bits
and are compared in constant time.
"""

import secrets
import time
from collections.abc import Callable

from transcribe.schema import Quiet

ENTRY_S = 60.0
IDLE_MINUTES = 30.0
Clock = Callable[[], float]


def _awake_and_asleep() -> float:
    """Seconds that go on while the machine sleeps: a lid closed overnight is idle time too (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Session(Quiet):
    """The secrets of one run of the server and the time since the last work; `clock` gives seconds."""

    def __init__(self, *, idle_minutes: float = IDLE_MINUTES, clock: Clock = _awake_and_asleep) -> None:
        self.idle_minutes = idle_minutes
        self.page_token = secrets.token_urlsafe(32)
        self.sound_ticket = secrets.token_urlsafe(32)
        self._clock = clock
        self._entry = ""
        self._entry_ends = 0.0
        self._worked = clock()

    # --- coming in ---------------------------------------------------------------------------------------------------

    def new_entry(self) -> str:
        """A token that opens the page once within a minute from now; an earlier one is void."""
        self._entry = secrets.token_urlsafe(32)
        self._entry_ends = self._clock() + ENTRY_S
        return self._entry

    @property
    def entry_open(self) -> bool:
        """Whether a token waits to be used."""
        return bool(self._entry) and self._clock() < self._entry_ends

    def enter(self, token: str) -> bool:
        """Use up the entry token; whether it was the right one, and in time."""
        if not self.entry_open or not _same(token, self._entry):
            return False
        self._entry = ""
        return True

    def is_page(self, token: str) -> bool:
        """Whether a request comes from the page of the browser that entered."""
        return _same(token, self.page_token)

    def may_hear(self, ticket: str) -> bool:
        """Whether a request comes from that page's player, which can send what stands in an address alone."""
        return _same(ticket, self.sound_ticket)

    # --- the key's idle time -----------------------------------------------------------------------------------------

    def work(self) -> None:
        """Somebody works: the idle time begins anew."""
        self._worked = self._clock()

    @property
    def idle(self) -> bool:
        """Whether nobody has worked for so long that the key must not be held any more."""
        return self._clock() - self._worked >= 60 * self.idle_minutes


def _same(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode(errors="replace"), secret.encode())
