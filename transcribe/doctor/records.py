"""What belongs to the study as a whole: its secret, vault, settings, journal and audit."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from pyrage.x25519 import Identity

from transcribe import audit, config, keys, publishing, replacement, retention, store
from transcribe.audit import Seal
from transcribe.doctor.chart import Chart, readable
from transcribe.doctor.trouble import Trouble, What
from transcribe.errors import ConfigError, DamagedKeyError, LockedError, StudyError
from transcribe.inventory import journal_stands
from transcribe.study import Study
from transcribe.vault import Vault

BACKUP = "a backup has it"
BY_SHEET = f"only the recovery sheet opens the study; {BACKUP}"


def identity(study: Study, given: str) -> tuple[Identity | None, list[Trouble]]:
    """The study's key, by passphrase or recovery key, and what is wrong with its file."""
    where, path = "private/identity.age", study.identity_path
    troubles = []
    if not path.is_file():
        said = f"without it only the recovery sheet opens the study; {BACKUP}"
        troubles.append(Trouble(what=What.MISSING, where=where, said=said))
    elif not study.sealed_keys()[keys.IDENTITY].startswith(store.BY_PASSPHRASE):
        troubles.append(Trouble(what=What.DAMAGED, where=where, said=BY_SHEET))
    if keys.key_in(given) is not None:
        return _by_key(study, given), troubles
    if troubles:
        return None, troubles
    try:
        return store.open_secret(path.read_bytes(), given), []
    except DamagedKeyError:
        return None, [Trouble(what=What.DAMAGED, where=where, said=BY_SHEET)]
    except LockedError:
        said = f"this passphrase does not open it: it is another one, or the file is damaged, and then {BACKUP}; the "
        said += "recovery sheet opens the study all the same"
        return None, [Trouble(what=What.DAMAGED, where=where, said=said)]


def _by_key(study: Study, given: str) -> Identity:
    """By the recovery sheet or the key of somebody who holds the study's; by the former alone where the journal, which
    has the public key, is spoilt.
    """
    try:
        public = study.public_key
    except (StudyError, KeyError):
        return store.identity(keys.key_in(given) or given)
    return keys.opened(given, public, study.sealed_keys())


def opened(study: Study, by: Identity) -> tuple[Vault | None, list[Trouble]]:
    """The vault's content, and what is wrong with its two files."""
    path, copy = study.vault_path, study.vault_copy_path
    first, second = _vault(path, by), _vault(copy, by)
    where = "private/vault.age"
    what = What.DAMAGED if path.exists() else What.MISSING
    if first is None and second is None:
        _check_own(study, by)
        said = f"the keys of all recordings are in it, and its copy cannot be read either; only {BACKUP}"
        return None, [Trouble(what=what, where=where, said=said)]
    if first is None:
        data = copy.read_bytes()
        # not set aside: what of a spoilt vault can still be read may be a key that is forgotten later
        return second, [
            Trouble(
                what=what,
                where=where,
                said="its copy is whole",
                remedy="put the copy in its place",
                repair=lambda: store.write_bytes(path, data),
            )
        ]
    if second is None or copy.read_bytes() != path.read_bytes():
        return first, [
            Trouble(
                what=What.DAMAGED if copy.exists() else What.MISSING,
                where="private/vault.copy.age",
                said="the vault itself is whole",
                remedy="copy it again, as the next unlock does",
                repair=lambda: store.write_bytes(copy, path.read_bytes()),
                wrong=False,
            )
        ]
    return first, []


def _check_own(study: Study, by: Identity) -> None:
    """Raises LockedError where the journal has another public key: then nothing need be damaged."""
    if _noted_key(study) not in ("", str(by.to_public())):
        raise LockedError("this is the key of another study", advice="take the recovery sheet of this one")


def _noted_key(study: Study) -> str:
    """The public key that the journal names last; empty where none can be read."""
    named = (event for event in study.journal() if event.get("event") in ("created", replacement.EVENT))
    return ([""] + [str(event.get("recipient", "")) for event in named])[-1]


def _vault(path: Path, by: Identity) -> Vault | None:
    """None for one that is missing or damaged. Raises NewerError."""
    stored = readable(partial(store.load, path, Vault, by)) if path.is_file() else None
    return stored.value if stored else None


def settings(study: Study) -> list[Trouble]:
    """What is wrong with study.toml."""
    where, path = "study.toml", study.config_path
    if not path.is_file():
        return [
            Trouble(
                what=What.MISSING,
                where=where,
                said=f"the study's settings are lost unless {BACKUP}",
                remedy="write one with the settings that every study begins with",
                repair=lambda: store.write_bytes(path, config.TEMPLATE.encode()),
            )
        ]
    try:
        config.load(path)
    except ConfigError as error:
        said = f"{error.what}; correct it by hand"
        return [Trouble(what=What.DAMAGED, where=where, said=said)]
    return []


# --- journal ----------------------------------------------------------------------------------------------------------


def journal(chart: Chart) -> list[Trouble]:
    """What is wrong with the journal; a line that a crash tore is not."""
    path = chart.study.journal_path
    data = path.read_bytes() if path.exists() else b""
    recipient = str(chart.identity.to_public())
    made = next((event for event in chart.study.journal() if event.get("event") == "created"), {})
    spoilt = [number for number, line in enumerate(data.split(b"\n"), 1) if not _reads(line)]
    what, said = What.DAMAGED, ""
    if not path.exists():
        what, said = What.MISSING, "what was done when is lost"
    elif not made.get("study") or _noted_key(chart.study) != recipient:
        said = "the line that says how the study was made cannot be read or is another study's"
    elif spoilt:
        said = f"line {spoilt[0]} cannot be read"
    elif not journal_stands(chart.vault.inventory, data):
        what, said = What.CHANGED, "it does not begin as it did when the study was last opened"
    if not said:
        return []
    return [
        Trouble(
            what=what,
            where="journal.jsonl",
            said=f"{said}; times and states of runs are in it, and no decision",
            remedy="keep it under another name, and begin one with what can be read and what the vault knows",
            repair=lambda: _journal_anew(chart, made),
        )
    ]


def _reads(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return store.is_torn(line)


def _journal_anew(chart: Chart, made: dict[str, object]) -> None:
    study, recipient = chart.study, str(chart.identity.to_public())
    events = [event for event in study.journal() if event.get("event") not in ("created", replacement.EVENT)]
    known = {(event.get("event"), event.get("recording") or event.get("release")) for event in events}
    known_id = str(made.get("study") or _noted_id(study) or uuid.uuid4())
    begun = {"at": made.get("at", audit.now()), "event": "created", "study": known_id, "recipient": recipient}
    added = [
        {"at": f"{one.added_on}T00:00:00Z", "event": "added", "recording": one.id,
         "recipient": str(chart.key(one.id).to_public())}
        for one in chart.vault.recordings
        if ("added", one.id) not in known
    ]  # fmt: skip
    for said in _retained(chart, events):
        before = [n for n, event in enumerate(events, 1) if str(event.get("at")) <= str(said["at"])]
        events.insert(max(before, default=0), said)
    released = [event for event in _releases(study) if ("released", event["release"]) not in known]
    if study.journal_path.exists():  # copied: a disk that is full by now leaves the former one where it is
        store.write_bytes(_other_name(study.journal_path), study.journal_path.read_bytes())
    lines = "".join(json.dumps(event) + "\n" for event in [begun, *added, *events, *released])
    store.write_bytes(study.journal_path, lines.encode())
    study.__dict__.pop("created", None)
    chart.change(lambda v: replace(v, inventory=replace(v.inventory, journal_bytes=0, journal_sha256="")))


def _retained(chart: Chart, events: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Until when recordings may be kept, as the audit has it, where these events end with another day or with none."""
    told = {event.get("recording"): event.get("until") for event in events if event.get("event") == retention.EVENT}
    noted: dict[str, dict[str, object]] = {}
    for line in (line for path in chart.study.audit_paths() for line in store.read_lines(path)):
        ids = line.get("recordings")
        if line.get("event") == "retention set" and isinstance(ids, list):
            noted |= dict.fromkeys(map(str, ids), line)
    return [
        {"at": str(noted[one.id].get("at")), "event": retention.EVENT, "recording": one.id,
         "until": str(noted[one.id].get("until"))}
        for one in chart.vault.recordings
        if one.id in noted and noted[one.id].get("until") != told.get(one.id)
        and str(noted[one.id].get("at")) >= one.added_on  # else it was said of one that had the id before
    ]  # fmt: skip


def _noted_id(study: Study) -> str:
    """The study's id as the audit's line on a backup has it."""
    return next((str(event["study"]) for event in store.read_lines(study.audit_path) if event.get("study")), "")


def _releases(study: Study) -> Iterator[dict[str, object]]:
    for number, folder in study.standing_releases().items():
        manifest = publishing.read_manifest(folder) if (folder / publishing.MANIFEST).is_file() else None
        if manifest is not None:
            ids = " ".join(manifest.ids)
            yield {"at": audit.now(), "event": "released", "release": number, "recordings": ids}


def _other_name(path: Path) -> Path:
    return path.with_name(f"{path.stem}-before-{audit.now().replace(':', '')}{path.suffix}")


# --- audit ------------------------------------------------------------------------------------------------------------


def chain(chart: Chart) -> list[Trouble]:
    """Whether the audit holds together and stands as it was sealed."""
    path = chart.study.audit_path
    found = audit.check(path, chart.vault.audit)
    if found.whole:
        return []
    return [
        Trouble(
            what=What.CHANGED if path.exists() else What.MISSING,
            where="audit.jsonl",
            said=" ".join(audit.told(found)[:3]).rstrip("."),
            remedy="keep it under another name as evidence, and begin a chain that says so",
            repair=lambda: _audit_anew(chart),
        )
    ]


def _audit_anew(chart: Chart) -> None:
    path = chart.study.audit_path
    facts: dict[str, str | int] = {"sealed_lines": chart.vault.audit.lines, "sealed_head": chart.vault.audit.head}
    if path.exists():
        kept = _other_name(path)
        path.rename(kept)
        facts |= {"kept": kept.name, "sha256": hashlib.sha256(kept.read_bytes()).hexdigest()}
    audit.append(path, "chain begun anew", **facts)
    chart.change(lambda v: replace(v, audit=Seal()))
