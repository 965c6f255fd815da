"""A participant, or a recording, is forgotten: what was kept of her is removed, and her recordings' keys with it.

What others said of her stays in their recordings, withheld: each mention is decided at its place first, and of her
names only sealed spellings are left, so that detection and the gate withhold whoever names her from now on. What is
irreversible is noted in the journal before it begins, and the key table knows what is left to do until it is done;
where it is cut off, the next `forget` goes on with it.
"""

import secrets
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from transcribe import audit, certificates, enrolment, store
from transcribe.config import INTERVIEWER
from transcribe.engines import Engines
from transcribe.errors import StudyError
from transcribe.history import entries
from transcribe.overview import exists
from transcribe.participants import took_part
from transcribe.parting import Plan, Unfinished, Withdrawn
from transcribe.pipeline import Job, refresh_findings
from transcribe.publishing import last_number, note_stopped
from transcribe.ready import Ready, decided, held, settled
from transcribe.review.decisions import decide
from transcribe.review.log import FORGET, Deed, Entry, history
from transcribe.schema import Finding, Kind, Person, Quiet, ReviewState, Verdict, record
from transcribe.speakers import speaking
from transcribe.study import SET_ASIDE, Study
from transcribe.vault import PERSON, RECORDING, Unlocked, Vault, with_retired
from transcribe.withdrawal import Renewed, holding, read, remove, remove_stopped, renew, telling
from transcribe.wordforms import sealed

WITHHELD = "[withheld]"


@record
class Forgotten(Quiet):
    """What was done: what went, the releases that were withdrawn, what stands in their place, and the certificate."""

    plan: Plan
    withdrawn: tuple[Withdrawn, ...]
    renewed: tuple[Renewed, ...]
    certificate: Path


# --- what goes ------------------------------------------------------------------------------------------------------


def plan(unlocked: Unlocked, of: str) -> Plan:
    """What forgetting a person or a recording takes. Raises StudyError for an interviewer, an unknown id, and one that
    a person and a recording bear, unless person: or recording: stands before it.
    """
    vault = unlocked.vault
    if vault.forgetting is not None and _same(vault.forgetting.plan, of):
        return vault.forgetting.plan  # it was cut off
    known = {person.id: person for person in vault.people}
    person_id, recording_id = _meant(vault, of)
    if recording_id:
        recordings: tuple[str, ...] = (recording_id,)
        people: set[str] = set()
    else:
        people = _joined(vault, {person_id, known[person_id].same_as} & known.keys(), lambda p: {p.same_as})
        if any(known[one].role == INTERVIEWER for one in people):
            raise StudyError(
                f"{person_id} is an interviewer, whose recordings are other people's",
                advice="forget those who withdrew",
            )
        _check_nothing_half_added(unlocked)
        recordings = tuple(e.id for e in vault.recordings if _takes_part(unlocked, e.id, people, known))
    others = {e.id: _mentioned(unlocked, e.id) for e in vault.recordings if e.id not in recordings}
    found, own = _found_alone(vault, recordings, others), _in_own_right(unlocked, recordings)
    # who belongs to her tells who she is
    people = _joined(vault, people | found, lambda p: {p.same_as} if {p.id, p.same_as} & own else {p.same_as, p.of})
    counts = {recording_id: sum(i in people for i in ids) for recording_id, ids in others.items()}
    standing, told = unlocked.study.standing_releases(), telling(unlocked, recordings, people)
    affected = (*recordings, *(recording_id for recording_id, count in counts.items() if count))
    return Plan(
        of=of,
        person=person_id,
        people=tuple(p.id for p in vault.people if p.id in people),
        recordings=recordings,
        stay=tuple(p.id for p in vault.people if p.id not in people and p.of in people),
        mentions=tuple((recording_id, count) for recording_id, count in counts.items() if count),
        releases=tuple(sorted({*holding(unlocked.study, affected), *(one for one in told if one in standing)})),
        moved=tuple(one for one in told if one not in standing and one <= last_number(unlocked.study)),
        sources=tuple(e.id for e in vault.recordings if e.id in recordings and any(map(exists, e.sources))),
        unsaid=tuple(recording_id for recording_id in others if person_id and _is_unsaid(unlocked, recording_id)),
    )


def _meant(vault: Vault, of: str) -> tuple[str, str]:
    """The id of the person, or else of the recording, that is named. Raises StudyError."""
    person_id, recording_id = of.removeprefix(PERSON), of.removeprefix(RECORDING)
    is_person = person_id in {person.id for person in vault.people}
    is_recording = recording_id in {entry.id for entry in vault.recordings}
    if is_person and is_recording:
        raise StudyError("both a person and a recording have this id", advice="write person:ID or recording:ID")
    if is_recording:
        return "", recording_id
    return vault.person(person_id).id, ""


def _check_nothing_half_added(unlocked: Unlocked) -> None:
    """Raises StudyError where a killed `add` left sound and its key, of which nobody knows whose they are."""
    known = {entry.id for entry in unlocked.vault.recordings}
    left = [one for one in unlocked.study.unfinished() if one not in known]
    if left:
        advice = "set it aside with `transcribe doctor STUDY --repair` first, then it goes, too"
        raise StudyError("it was being added and never was, and may be hers", recording_id=left[0], advice=advice)


def _takes_part(unlocked: Unlocked, recording_id: str, people: set[str], known: dict[str, Person]) -> bool:
    """Whether one of these takes part in a recording, as the researcher says or as its transcript has it."""
    who = took_part(unlocked.vault.people, unlocked.vault.entry(recording_id).who)
    if any(i in people and known[i].kind is Kind.PERSON for i in who):
        return True
    ready = settled(unlocked, recording_id, proposed=True)
    return ready is not None and any(s.person_id in people for s in ready.transcript.value.speakers)


def _is_unsaid(unlocked: Unlocked, recording_id: str) -> bool:
    """Whether it is not said who took part in a recording, nor known whose all its voices are."""
    if unlocked.vault.entry(recording_id).who:
        return False
    ready = settled(unlocked, recording_id, proposed=True)
    speakers = ready.transcript.value.speakers if ready else ()
    return ready is None or any(s.person_id is None and s.role != INTERVIEWER for s in speakers)


def _in_own_right(unlocked: Unlocked, recordings: tuple[str, ...]) -> set[str]:
    """Who takes part in a recording that stays: what he said, and what he did not agree to, is his."""
    vault = unlocked.vault
    kept = [entry for entry in vault.recordings if entry.id not in recordings]
    return {i for e in kept for i in (*took_part(vault.people, e.who), *speaking(unlocked, e.id))}


def _mentioned(unlocked: Unlocked, recording_id: str) -> tuple[str, ...]:
    """The id of whom each place that is withheld in a recording means, or would be in words that may be restored.

    Raises StudyError where a run was stopped half-way: whom it names is not known then.
    """
    ready = settled(unlocked, recording_id)
    if ready is None and unlocked.study.artefact_path(recording_id, "transcript").exists():
        raise StudyError("a run was stopped half-way, and whom it names is not known", recording_id=recording_id,
                         advice="run `transcribe run STUDY` first")  # fmt: skip
    return tuple(f.person_id for f in _withheld(ready) if f.person_id) if ready else ()


def _withheld(ready: Ready) -> tuple[Finding, ...]:
    return (*ready.settled.replaced, *ready.settled.covered)


def _joined(vault: Vault, people: set[str], by: Callable[[Person], set[str]]) -> set[str]:
    """These people, and whoever is joined to any of them, at however many removes."""
    while more := {p.id for p in vault.people if p.id not in people and by(p) & people}:
        people = people | more
    return people


def _found_alone(vault: Vault, recordings: tuple[str, ...], others: dict[str, tuple[str, ...]]) -> set[str]:
    """Who was found in what is forgotten and is named nowhere else."""
    elsewhere = {i for ids in others.values() for i in ids}
    elsewhere |= {i for entry in vault.recordings if entry.id not in recordings for i in entry.who}
    own = tuple(f"{recording_id}-" for recording_id in recordings)
    return {p.id for p in vault.people if p.found and p.id.startswith(own) and p.id not in elsewhere}


# --- forgetting -----------------------------------------------------------------------------------------------------


def forget(unlocked: Unlocked, of: str, reviewer: str, engines: Engines) -> Forgotten:
    """Do it; first what is left of one that was cut off, and no more where that was the same.

    Raises StudyError, and WeightsError where what the kept transcripts are read with is not at hand; then nothing is
    forgotten. Stopped later on by anything, it is ended by doing it again.
    """
    unlocked.look()
    left = unlocked.vault.forgetting
    if left is not None:
        ended = _end(unlocked, left, engines)
        if _same(left.plan, of):
            return ended
    return _end(unlocked, _begin(unlocked, of, reviewer, engines), engines)


def _begin(unlocked: Unlocked, of: str, reviewer: str, engines: Engines) -> Unfinished:
    """Up to where there is no way back. What is left to do is known from then on."""
    study = unlocked.study
    with study.lock("work"):
        study.sweep()
        finish(unlocked)
        note_stopped(unlocked)
        remove_stopped(unlocked)
        unlocked.change(lambda vault: vault)  # what another process has just added may be hers
        planned, known = plan(unlocked, of), unlocked.vault
        if any(study.artefact_path(one, "candidates").exists() for one in study.recordings()):
            _ = engines.rules  # they are needed when there is no way back
        gone = frozenset(planned.people)
        begun = (e for e in study.journal() if e.get("event") in ("forgetting", "forgotten"))
        left = Unfinished(
            plan=planned,
            withdrawn=tuple(read(study, number) for number in planned.releases),
            reviewer=reviewer,
            number=1 + max((int(str(event["number"])) for event in begun), default=0),
            certificate=certificates.next_number(study),
            before=last_number(study),
        )
        kept = [e.id for e in unlocked.vault.recordings if e.id not in planned.recordings]
        for recording_id in kept:
            _settle_mentions(unlocked, recording_id, gone, reviewer)
        _strike_names(unlocked, kept, gone, engines)

        def forgotten(vault: Vault) -> Vault:
            if (vault.people, vault.recordings) != (known.people, known.recordings):
                raise StudyError("people or recordings of the study were changed meanwhile", advice="do it again")
            releases = (*planned.releases, *planned.moved)
            study.log("forgetting", number=left.number, of=of, person=planned.person,
                      recordings=" ".join(planned.recordings), releases=" ".join(map(str, releases)))  # fmt: skip
            return replace(without(vault, gone, planned.recordings), forgetting=left)

        unlocked.change(forgotten)
    return left


def _end(unlocked: Unlocked, left: Unfinished, engines: Engines) -> Forgotten:
    """What follows, each once, wherever it was cut off before."""
    study = unlocked.study
    with study.lock("work"):
        study.sweep()
        finish(unlocked)
        note_stopped(unlocked)
        refresh_findings(unlocked, engines)
    renewed = renew(unlocked, left.withdrawn, engines, left.before)
    path = certificates.forgotten(study, left.plan, renewed, left.reviewer, left.certificate)
    audited = [line for line in store.read_lines(study.audit_path) if line.get("event") == "forgotten"]
    if left.number not in {line.get("number") for line in audited}:
        audit.append(study.audit_path, "forgotten", number=left.number, of=left.plan.of, by=left.reviewer,
                     recordings=list(left.plan.recordings))  # fmt: skip
    unlocked.change(lambda vault: replace(vault, forgetting=None))
    return Forgotten(plan=left.plan, withdrawn=left.withdrawn, renewed=renewed, certificate=path)


def _same(planned: Plan, of: str) -> bool:
    """Whether this names what a withdrawal was of."""
    return of in (planned.of, f"{PERSON}{planned.person}" if planned.person else f"{RECORDING}{planned.recordings[0]}")


def _settle_mentions(unlocked: Unlocked, recording_id: str, gone: frozenset[str], reviewer: str) -> None:
    """Decide that each mention is withheld at its place and means nobody in particular, however it was heard; who had
    settled the recording answers for it still.
    """
    ready = settled(unlocked, recording_id)
    if ready is None:
        return
    answers, at = _answering(unlocked, recording_id, ready), audit.now()
    named = [f for f in _withheld(ready) if f.person_id in gone]
    if named:
        decisions = tuple(replace(decide(f, Verdict.ACCEPT, reviewer, at), person_id=None) for f in named)
        act = Entry(at=at, reviewer=reviewer, deed=Deed.ACT, base=ready.history.base, group=secrets.token_hex(8),
                    name=FORGET, decisions=decisions)  # fmt: skip
        unlocked.append(recording_id, act)
    if answers is not None and (named or answers != ready.history.settled):
        unlocked.append(recording_id, answers)


def _answering(unlocked: Unlocked, recording_id: str, ready: Ready) -> Entry | None:
    """The settling that stands, or stood before our decisions, after which we were cut off; None without any."""
    log, stood, stored = entries(unlocked, recording_id), ready, held(unlocked, recording_id)
    if stored is not None and log and log[-1].name == FORGET:
        stood = decided(unlocked, stored, history(log[:-1], ready.history.base)) or ready
    return stood.history.settled if stood.settled.review is ReviewState.REVIEWED else None


def _strike_names(unlocked: Unlocked, kept: list[str], gone: frozenset[str], engines: Engines) -> None:
    """Where they stand beside the vault: in what recognition was primed with, among known voices, in the logs."""
    names = frozenset(name for p in unlocked.vault.people if p.id in gone for name in (*p.forms, *p.heard))
    for recording_id in kept:
        Job(unlocked, recording_id, engines, lambda event: None).strike(names)
    for person_id in gone:
        enrolment.forget(unlocked, person_id)
    for recording_id in (*kept, ""):
        unlocked.rewrite(recording_id, Entry, lambda entry: _without_swaps(entry, gone))


def _without_swaps(entry: Entry, gone: frozenset[str]) -> Entry:
    swaps = tuple(
        s for s in entry.swaps if not any(isinstance(p, Person) and p.id in gone for p in (s.before, s.after))
    )
    nobody = (replace(s, person_id=None) if s.person_id in gone else s for s in entry.speakers)
    return replace(entry, swaps=swaps, speakers=tuple(nobody))


def without(vault: Vault, gone: Collection[str], recordings: Collection[str]) -> Vault:
    """The vault without these recordings and their keys; of these people sealed spellings are left."""
    about = {*(f"{PERSON}{one}" for one in gone), *(f"{RECORDING}{one}" for one in recordings)}
    people = (_sealed(p) if p.id in gone else _without_ties(p, gone) for p in vault.people)
    names = [p.pseudonym for p in vault.people if p.id in gone] + [
        r.text for r in vault.renderings if r.person_id in gone
    ]
    return replace(
        with_retired(vault, names),
        people=tuple(person for person in people if not person.sealed or person.sealed.digests),
        recordings=tuple(
            replace(entry, who=tuple(i for i in entry.who if i not in gone))
            for entry in vault.recordings
            if entry.id not in recordings
        ),
        voiceprints=tuple(v for v in vault.voiceprints if v.whom not in gone and v.recording_id not in recordings),
        renderings=tuple(r for r in vault.renderings if r.person_id not in gone),
        attributes=tuple(a for a in vault.attributes if a.of not in about),
        topics=tuple(topic for topic in vault.topics if topic.recording_id not in recordings),
        consents=tuple(one for one in vault.consents if one.person_id not in gone),
    )


def _without_ties(person: Person, gone: Collection[str]) -> Person:
    """Whoever stays, belonging to nobody who goes."""
    return replace(person, of="", relation="") if person.of in gone else person


def _sealed(person: Person) -> Person:
    """Nobody in particular: a mention that is found later leads to no id that stands in the researcher's own papers."""
    return Person(
        id=f"forgotten-{secrets.token_hex(4)}",
        kind=person.kind,
        role=person.kind.value,
        forms=(WITHHELD,),
        relation=person.relation,
        position_only=True,
        found=person.found,
        sealed=sealed(person),
    )


def finish(unlocked: Unlocked) -> None:
    """Remove the files of what the vault has forgotten: of a `forget` that was cut off, too."""
    study = unlocked.study
    events = list(study.journal())
    done = {event["number"] for event in events if event.get("event") == "forgotten"}
    known = {entry.id for entry in unlocked.vault.recordings}
    people = {person.id for person in unlocked.vault.people}
    for event in events:
        if event.get("event") != "forgetting" or event["number"] in done:
            continue
        recordings = str(event["recordings"]).split()
        # earlier versions did not say whose: an id that is no recording's here was a person's
        person_id = event.get("person", "" if event["of"] in recordings else event["of"])
        if not known.intersection(recordings) and person_id not in people:  # else it was cut off before
            with store.disk_trouble("what is forgotten cannot be removed"):
                for number in map(int, str(event["releases"]).split()):
                    remove(unlocked, number)
                for recording_id in recordings:
                    _remove(study, recording_id)
                if (study.private / SET_ASIDE).exists():  # damaged files of hers may lie there
                    shutil.rmtree(study.private / SET_ASIDE)
            study.log("forgotten", number=int(str(event["number"])))


def _remove(study: Study, recording_id: str) -> None:
    study.sound_path(recording_id).unlink(missing_ok=True)
    folder = study.artefact_path(recording_id, "recording").parent
    if folder.exists():
        shutil.rmtree(folder)
    store.sync_folder(study.private)
