"""Commands that ask whether everything is as it was: the audit, and the doctor."""

from typing import Annotated

import typer

from transcribe import audit, console, doctor, passphrase, store, study
from transcribe.cli.common import AsJson, PassphraseFile, StudyPath, unlock
from transcribe.doctor import Examined, Trouble
from transcribe.errors import StoreError, StudyError

app = typer.Typer()
audits = typer.Typer(no_args_is_help=True, help="Who did what and when.")


@audits.command("verify")
def verify_command(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Whether the audit is as it was written: its lines against each other and against the seal in the vault."""
    unlocked = unlock(root, passphrase_file)
    chain = audit.check(unlocked.study.audit_path, unlocked.found_seal)
    data = {
        "lines": chain.lines,
        "whole": chain.whole,
        "broken": list(chain.broken),
        "torn": list(chain.torn),
        "cut": chain.cut,
        "rewritten": chain.rewritten,
        "sealed": {"lines": chain.sealed.lines, "at": chain.sealed.at or None},
        "unsealed": {"lines": chain.unsealed, "since": chain.since or None},
    }
    if chain.whole:
        conclusion = f"The audit holds: {chain.lines} lines, none changed. What came after the seal is sealed now."
    else:
        conclusion = f"The audit was changed. The old seal is kept. Next: transcribe doctor {root}"
    console.say(as_json, data, *audit.told(chain), conclusion)
    if not chain.whole:
        raise typer.Exit(StoreError.exit_code)


@app.command("doctor")
def doctor_command(
    root: StudyPath,
    repair: Annotated[bool, typer.Option("--repair", help="Do what can be done; nothing is lost by it.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Examine every file of a study: what is damaged, missing, changed or open to others, and what can be done."""
    patient = study.Study(root)
    if not any(p.is_file() for p in (patient.config_path, patient.vault_path, patient.identity_path)):
        raise StudyError("this folder is not a study", advice="make one with `transcribe new STUDY`")
    study.check_closed(patient)
    given = passphrase.need(_study_id(patient), passphrase_file)
    repaired: tuple[Trouble, ...] = ()
    with patient.lock("work"), store.disk_trouble("the study cannot be examined"):
        if patient.journal_path.exists():  # else nothing says what of it is valid
            patient.end_replacement()  # what stands in between two keys is no damage
        found = doctor.examine(patient, given)
        if repair:
            repaired = doctor.repair(found)
            found = doctor.examine(patient, given) if repaired else found
    _say_examined(str(root), repaired, found, as_json)
    if not found.healthy:
        raise typer.Exit(StoreError.exit_code)


def _study_id(patient: study.Study) -> str:
    """What the keyring knows the study by; nothing where that cannot be read."""
    try:
        return patient.created["study"]
    except (StudyError, KeyError):
        return ""


def _say_examined(root: str, repaired: tuple[Trouble, ...], found: Examined, as_json: bool) -> None:
    lines = [f"{one.where}: {one.what}. {_sentence(one.said)} Done: {one.remedy}." for one in repaired]
    for one in found.troubles:
        remedy = f" With --repair: {one.remedy}." if one.remedy else ""
        lines.append(f"{one.where}: {one.what}. {_sentence(one.said)}{remedy}")
    if found.healthy:
        lines.append("Nothing is wrong with this study.")
    elif any(one.remedy for one in found.troubles):
        lines.append(f"Next: transcribe doctor {root} --repair")
    else:
        lines.append(f"Next: transcribe run {root}, for what a run makes again, or transcribe restore from a backup")
    data = {
        "healthy": found.healthy,
        "repaired": [_facts(one) for one in repaired],
        "troubles": [_facts(one) for one in found.troubles],
    }
    console.say(as_json, data, *lines)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _facts(trouble: Trouble) -> dict[str, str | bool | None]:
    return {
        "what": trouble.what,
        "where": trouble.where,
        "recording": trouble.recording_id or None,
        "said": trouble.said,
        "remedy": trouble.remedy or None,
        "wrong": trouble.wrong,
    }
