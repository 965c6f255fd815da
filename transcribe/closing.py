"""A study is closed: its key is destroyed, and with it all that private/ holds. What was released stays."""

import shutil
from pathlib import Path

from transcribe import audit, certificates, giving_back, store
from transcribe.errors import StudyError
from transcribe.schema import Quiet, record
from transcribe.study import Study
from transcribe.vault import Unlocked


@record
class Closing(Quiet):
    """What closing would end: the recordings with sound, those that no release holds, how many releases stay, and the
    word to confirm with.
    """

    recordings: tuple[str, ...]
    unreleased: tuple[str, ...]
    releases: int
    word: str


def plan(unlocked: Unlocked) -> Closing:
    """Raises StudyError when nothing was released: then nothing would be left of the study; and where a `forget` was
    cut off: what it withdraws would stay.
    """
    study = unlocked.study
    standing = study.standing_releases()
    if not standing:
        raise StudyError("nothing of this study is released", advice="release first; a closed study has no way back")
    released = {one for number, ids in study.released().items() if number in standing for one in ids}
    if unlocked.vault.forgetting is not None:
        of = unlocked.vault.forgetting.plan.of
        raise StudyError(f"forgetting {of} was cut off", advice=f"end it first: `transcribe forget STUDY {of}`")
    recordings = unlocked.recordings()
    return Closing(
        recordings=tuple(one for one in recordings if study.sound_path(one).exists()),
        unreleased=tuple(one for one in recordings if one not in released),
        releases=len(standing),
        word=unlocked.vault.digest("closing", *recordings)[:8],  # another one when there are others to lose
    )


def close(unlocked: Unlocked, word: str, give_back_to: Path | None) -> Path:
    """Give the recordings back where a folder is named, then destroy the key; the path of the statement.

    Raises StudyError for another `word` than the plan's, or where giving back fails; then nothing is destroyed.
    """
    study = unlocked.study
    unlocked.change(lambda vault: vault)  # what another process has just added goes, too
    with study.lock("work"), study.lock("vault", wait_s=30.0):
        unlocked.look()
        planned = plan(unlocked)
        if word != planned.word:
            advice = "give the same command without --confirm, and read again what would go"
            raise StudyError("this is not the word to confirm with", advice=advice)
        study.check_nobody_adds()
        if give_back_to is not None and give_back_to.resolve().is_relative_to(study.private.resolve()):
            raise StudyError("private/ goes with the key", advice="export the recordings to another folder")
        if give_back_to is not None and planned.recordings:
            giving_back.give_back(unlocked, give_back_to)
        audit.append(study.audit_path, "closing", recordings=list(planned.recordings))
        given_back = int(give_back_to is not None and bool(planned.recordings))
        study.log("closing", recordings=" ".join(planned.recordings), given_back=given_back)
        return end(study)


def cut_off(study: Study) -> bool:
    """Whether closing was cut off after the key had gone."""
    ending = study.ending()
    gone = not study.vault_path.exists() and not study.vault_copy_path.exists()
    return gone and ending is not None and ending["event"] == "closing"


def end(study: Study) -> Path:
    """Destroy what is left, the keys first: cut off after that, nobody can read the rest, and `close` ends it."""
    decided = [event for event in study.journal() if event.get("event") == "closing"][-1]
    if study.private.exists():
        with store.disk_trouble("the key cannot be destroyed"):
            for path in [study.vault_copy_path, study.vault_path, *sorted(study.private.glob("identity*.age"))]:
                path.unlink(missing_ok=True)
            store.sync_folder(study.private)
            shutil.rmtree(study.private)
            store.sync_folder(study.root)
    recordings = tuple(str(decided["recordings"]).split())
    statement = certificates.closed(study, recordings, given_back=bool(decided["given_back"]))
    study.log("closed")
    audit.append(study.audit_path, "closed")
    return statement
