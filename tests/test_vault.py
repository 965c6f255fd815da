"""The vault: changed as a whole, opened by passphrase or recovery key, and silent when printed."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import add_recording, new_unlocked, person, says_nothing_of
from transcribe import store, study, vault
from transcribe.errors import LockedError, StoreError, StudyError
from transcribe.schema import Recording, SpeakerBounds
from transcribe.vault import RecordingEntry, Unlocked, Vault

KAREN = person("P1", "Karen Okonkwo")
PASSPHRASE = "correct horse battery"


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return new_unlocked(tmp_path / "study", (KAREN,))


def again(unlocked: Unlocked) -> Unlocked:
    return Unlocked(unlocked.study, unlocked.identity)


def test_passphrase_and_recovery_key_open_it_and_nothing_else_does(tmp_path: Path) -> None:
    identity = store.new_identity()
    made = study.create(tmp_path / "study", identity, PASSPHRASE)
    key = vault.create(made, identity).vault.hmac_key
    assert vault.unlock(made, PASSPHRASE).vault.hmac_key == key
    assert vault.unlock(made, f" {identity}\n").vault.hmac_key == key
    with pytest.raises(LockedError, match="does not open") as refused:
        vault.unlock(made, "wrong horse battery")
    says_nothing_of(refused.value, "wrong horse")
    other = store.new_identity()
    with pytest.raises(LockedError, match="another study") as refused:
        vault.unlock(made, str(other))
    assert str(other) not in str(refused.value)
    with pytest.raises(LockedError, match="no age secret key"):
        vault.unlock(made, "AGE-SECRET-KEY-1NONSENSE")
    made.identity_path.unlink()
    with pytest.raises(LockedError, match=r"recovery sheet"):
        vault.unlock(made, PASSPHRASE)
    assert vault.unlock(made, str(identity)).vault.hmac_key == key


def test_a_damaged_vault_is_told_in_one_sentence(unlocked: Unlocked) -> None:
    data = bytearray(unlocked.study.vault_path.read_bytes())
    data[-5] ^= 1
    unlocked.study.vault_path.write_bytes(data)
    with pytest.raises(StoreError) as refused:
        again(unlocked)
    says_nothing_of(refused.value, "Karen", "Okonkwo")


def test_a_change_is_made_to_what_stands_on_the_disk(unlocked: Unlocked) -> None:
    other = again(unlocked)
    other.change(lambda known: vault.with_people(known, (person("P2", "Moira"),)))
    unlocked.change(lambda known: vault.with_people(known, (person("P3", "Dave"),)))
    assert [p.id for p in again(unlocked).vault.people] == ["P1", "P2", "P3"]


def test_a_change_that_fails_changes_nothing(unlocked: Unlocked) -> None:
    before = unlocked.study.vault_path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        unlocked.change(lambda known: 1 / 0)  # type: ignore[arg-type,return-value]
    assert unlocked.study.vault_path.read_bytes() == before
    unlocked.change(lambda known: known)
    assert unlocked.study.vault_path.read_bytes() == before


def test_people_are_replaced_in_place_and_pseudonyms_never(unlocked: Unlocked) -> None:
    known = Vault(hmac_key="00", people=(KAREN, person("P2", "Moira", pseudonym="Clara")))
    changed = vault.with_people(known, (replace(KAREN, forms=("Karen",)), person("P3", "Dave")))
    assert [(p.id, p.forms[0]) for p in changed.people] == [("P1", "Karen"), ("P2", "Moira"), ("P3", "Dave")]
    named = vault.with_pseudonyms(known, tuple(replace(p, pseudonym=f"New {p.id}") for p in known.people))
    assert [p.pseudonym for p in named.people] == ["New P1", "Clara"]


def test_digests_depend_on_the_key_and_on_where_parts_end() -> None:
    one, other = Vault(hmac_key="00" * 32), Vault(hmac_key="01" * 32)
    assert one.digest("a", "bc") == one.digest("a", b"bc")
    assert (
        len({one.digest("a", "bc"), one.digest("ab", "c"), one.digest("abc"), other.digest("abc"), one.digest()}) == 5
    )


def test_who_is_not_known_is_named_by_id(unlocked: Unlocked) -> None:
    with pytest.raises(StudyError, match="P9"):
        unlocked.vault.person("P9")
    with pytest.raises(StudyError, match="R9"):
        unlocked.recording_key("R9")


def test_a_recording_that_another_process_added_meanwhile_can_be_read(unlocked: Unlocked) -> None:
    add_recording(again(unlocked), "R001")
    other = again(unlocked)
    entry = RecordingEntry(
        id="R002", secret=str(store.new_identity()), sha256="", original_name="", source_path="", who=(),
        bounds=SpeakerBounds(), added_on="2026-01-01",
    )  # fmt: skip
    facts = Recording(id="R002", sha256="", duration_s=1, sample_rate_hz=1, channels=1)
    other.study.save("R002", "note", entry, other.study.recipient)
    other.study.save("R002", "recording", facts, store.identity(entry.secret).to_public())
    assert other.load("R002", "recording", Recording) is not None


def test_each_recording_has_a_key_of_its_own(unlocked: Unlocked) -> None:
    for recording_id in ("R001", "R002"):
        add_recording(unlocked, recording_id)
    path = unlocked.study.artefact_path("R001", "recording")
    with pytest.raises(StoreError):
        store.load(path, Recording, unlocked.recording_key("R002"))
    with pytest.raises(StoreError):
        store.load(path, Recording, unlocked.identity)


def test_nothing_shows_its_content_when_printed(unlocked: Unlocked) -> None:
    add_recording(unlocked, "R001", name="Karen Okonkwo.wav")
    shown = f"{unlocked!r} {unlocked.vault!r} {unlocked.vault.recordings!r} {unlocked.vault.people!r} {unlocked!s}"
    says_nothing_of(shown, "Karen", "Okonkwo", unlocked.vault.hmac_key, "AGE-SECRET-KEY")
