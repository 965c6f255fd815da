"""How a study's identity is sealed and opened: by passphrase, on paper, by other people's keys - and by plain age."""

import re
import subprocess
from pathlib import Path

import pyrage
import pytest

from tests.builders import says_nothing_of
from transcribe import keys, store
from transcribe.errors import ConfigError, DamagedKeyError, LockedError

IDENTITY = store.new_identity()
PUBLIC = str(IDENTITY.to_public())
HERS = store.new_identity()
SEALED = {
    "identity.age": store.seal_secret(IDENTITY, "correct horse battery"),
    "identity.s1.age": keys.sealed_to(IDENTITY, HERS.to_public()),
}
OPENS_NOT = "the passphrase does not open this study; try again, or use the recovery sheet."


@pytest.mark.parametrize(
    "text", [str(HERS), f" {HERS}\r\n", f"# created: 2026-01-02\n# public key: {HERS.to_public()}\n\n{HERS}\n"]
)
def test_a_key_is_told_from_a_passphrase(text: str) -> None:
    assert keys.key_in(text) == str(HERS)


@pytest.mark.parametrize("text", ["", "# one", "correct horse", f"my {HERS}", f"{HERS}\n{HERS}", f"{HERS}\nmore words"])
def test_a_passphrase_is_no_key(text: str) -> None:
    assert keys.key_in(text) is None


@pytest.mark.parametrize("given", ["correct horse battery", str(IDENTITY), str(HERS), f"# hers\n{HERS}\n"])
def test_passphrase_recovery_key_and_holders_key_open_it(given: str) -> None:
    assert str(keys.opened(given, PUBLIC, SEALED)) == str(IDENTITY)


@pytest.mark.parametrize(
    "given", ["wrong horse battery", "", " ", "\n", "correct horse battery ", "x" * 100_000, "é\0"]
)
def test_whatever_is_wrong_costs_the_same_and_is_told_in_the_same_words(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    real = store.pyrage.passphrase.decrypt

    def counted(data: bytes, passphrase: str) -> bytes:
        tried.append(passphrase)
        return bytes(real(data, passphrase))

    monkeypatch.setattr(store.pyrage.passphrase, "decrypt", counted)
    with pytest.raises(LockedError) as refused:
        keys.opened(given, PUBLIC, SEALED)
    assert str(refused.value) == OPENS_NOT
    assert tried == [given]


LOCKED = SEALED["identity.age"]
MAC = LOCKED.index(b"\n--- ") + 20
NO_FILE = (
    "identity.age is no file that a passphrase opens; use the recovery sheet, or restore identity.age from a backup."
)
CUT = "identity.age is damaged or cut short, no passphrase opens it; use the recovery sheet, or restore"
NO_KEY = "identity.age holds no study's key; use the recovery sheet, or restore identity.age from a backup."


DAMAGED = {
    "empty": (b"", NO_FILE),
    "zeros": (b"\0" * len(LOCKED), NO_FILE),
    "a text": (b"correct horse battery", NO_FILE),
    "a later age": (LOCKED.replace(b"/v1", b"/v9", 1), NO_FILE),
    "to a key": (SEALED["identity.s1.age"], NO_FILE),
    "cut in the header": (LOCKED[:60], CUT),
    "cut after the header": (LOCKED[: LOCKED.index(b"\n--- ") + 48], CUT),
    "cut in the key": (LOCKED[:-5], CUT),
    "header changed": (LOCKED[:MAC] + b"+/+/" + LOCKED[MAC + 4 :], CUT),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_told_from_a_wrong_passphrase(damage: str) -> None:
    damaged, said = DAMAGED[damage]
    with pytest.raises(DamagedKeyError) as refused:
        keys.opened("correct horse battery", PUBLIC, {**SEALED, "identity.age": damaged})
    assert str(refused.value).startswith(said)
    assert str(keys.opened(str(IDENTITY), PUBLIC, {**SEALED, "identity.age": damaged})) == str(IDENTITY)


@pytest.mark.parametrize("held", [b"", b"\xff", b"correct horse", str(PUBLIC).encode()])
def test_a_file_that_holds_no_key_is_told_from_a_wrong_passphrase(held: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.pyrage.passphrase, "decrypt", lambda data, passphrase: held)
    with pytest.raises(DamagedKeyError) as refused:
        keys.opened("correct horse battery", PUBLIC, SEALED)
    assert str(refused.value) == NO_KEY


def test_a_machine_that_is_too_slow_for_the_file_says_so() -> None:
    costly = re.sub(rb"(-> scrypt \S+) \d+\n", rb"\1 40\n", LOCKED)
    with pytest.raises(LockedError, match="would take this machine too long") as refused:
        keys.opened("correct horse battery", PUBLIC, {"identity.age": costly})
    assert not isinstance(refused.value, DamagedKeyError)


def test_a_key_that_holds_nothing_here_is_refused() -> None:
    stranger = store.new_identity()
    with pytest.raises(LockedError, match="key of another study, or was replaced") as refused:
        keys.opened(str(stranger), PUBLIC, SEALED)
    assert str(stranger) not in str(refused.value)
    with pytest.raises(LockedError, match="no age secret key"):
        keys.opened("AGE-SECRET-KEY-1NONSENSE", PUBLIC, SEALED)
    with pytest.raises(LockedError, match="recovery sheet"):
        keys.opened("correct horse battery", PUBLIC, {})


@pytest.mark.parametrize("planted", [str(store.new_identity()).encode(), b"\xff", b"", b"correct horse"])
def test_a_file_that_somebody_planted_opens_nothing_and_stops_nobody(planted: bytes) -> None:
    """Whoever knows her public key can seal something else to it."""
    forged = {"identity.a.age": bytes(pyrage.encrypt(planted, [HERS.to_public()])), "identity.b.age": b"no age file"}
    with pytest.raises(LockedError, match="another study"):
        keys.opened(str(HERS), PUBLIC, forged)
    assert str(keys.opened(str(HERS), PUBLIC, {**forged, **SEALED})) == str(IDENTITY)


def test_a_sealed_key_that_the_journal_does_not_name_is_refused() -> None:
    """Notes would be sealed to a key that nobody has, or somebody else."""
    with pytest.raises(LockedError, match="another key than the study's journal names"):
        keys.opened("correct horse battery", str(HERS.to_public()), SEALED)


@pytest.mark.parametrize("text", ["", "age1", "age1karen", str(HERS), PUBLIC[:-1], "ssh-ed25519 AAAA karen@home"])
def test_what_is_no_public_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError, match="no age public key") as refused:
        keys.public_key(text)
    says_nothing_of(refused.value, "karen", str(HERS), PUBLIC[:-1])


def test_the_sheet_says_what_it_is_of_which_study_and_how_it_is_used() -> None:
    lines = keys.sheet("0c5f-id", IDENTITY, "2026-11-28").splitlines()
    assert lines[0].startswith("RECOVERY SHEET")
    for needed in ("0c5f-id", "2026-11-28", str(IDENTITY), "age --decrypt", "transcribe passphrase STUDY"):
        assert sum(needed in line for line in lines) == 1, needed
    assert max(map(len, lines)) <= 85  # it fits on paper


@pytest.mark.system("age")
@pytest.mark.system("age-keygen")
def test_plain_age_opens_what_was_sealed_to_a_key_that_age_keygen_made(tmp_path: Path) -> None:
    """Her key file as it is, and what comes out is a key file in its turn."""
    hers, study = tmp_path / "hers.txt", tmp_path / "study.txt"
    made = subprocess.run(["age-keygen", "-o", str(hers)], capture_output=True, text=True, check=True)
    public = made.stderr.split()[-1]
    (tmp_path / "identity.s1.age").write_bytes(keys.sealed_to(IDENTITY, keys.public_key(f"{public}\n")))
    assert str(keys.opened(hers.read_text(), PUBLIC, {"identity.s1.age": (tmp_path / "identity.s1.age").read_bytes()}))
    (tmp_path / "vault.age").write_bytes(pyrage.encrypt(b"the table", [IDENTITY.to_public()]))

    def age(key: Path, name: str) -> bytes:
        command = ["age", "--decrypt", "--identity", str(key), str(tmp_path / name)]
        return subprocess.run(command, capture_output=True, check=True).stdout

    study.write_bytes(age(hers, "identity.s1.age"))
    assert age(study, "vault.age") == b"the table"
