"""A study as far as it can be read: its vault need not open, nor its notes be whole."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from pyrage.x25519 import Identity

from transcribe import store
from transcribe.errors import NewerError, StoreError
from transcribe.study import Study
from transcribe.vault import Unlocked, Vault

T = TypeVar("T")


def readable(read: Callable[[], T]) -> T | None:
    """What `read` brings; None where that is damaged. Raises NewerError: what a newer version wrote is not."""
    try:
        return read()
    except NewerError:
        raise
    except StoreError:
        return None


class Chart:
    """The vault's content from whichever of its two files can be read, and the keys in it."""

    def __init__(self, study: Study, identity: Identity, vault: Vault) -> None:
        self.study = study
        self.identity = identity
        self.vault = vault

    def __repr__(self) -> str:
        return "<Chart>"

    @property
    def ids(self) -> tuple[str, ...]:
        """The recordings that the vault knows."""
        return tuple(entry.id for entry in self.vault.recordings)

    def key(self, recording_id: str) -> Identity:
        """What a recording is encrypted to; without an id the study's own."""
        return store.identity(self.vault.entry(recording_id).secret) if recording_id else self.identity

    @cached_property
    def unlocked(self) -> Unlocked:
        """For repairs, once vault and notes are whole."""
        return Unlocked(self.study, self.identity)

    def change(self, how: Callable[[Vault], Vault]) -> None:
        """Change the vault by a repair."""
        self.unlocked.change(how)

    def forget(self, name: str) -> None:
        """Miss an artefact no longer."""
        self.change(lambda v: replace(v, inventory=v.inventory.without((name,))))
