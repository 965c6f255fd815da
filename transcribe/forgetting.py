"""A participant, or a recording, is forgotten: what was kept of her is removed, and her recordings' keys with it.

What others said of her stays in their recordings, withheld: each mention is decided at its place first, and of her
names only sealed spellings are left, so that detection and the gate withhold whoever names her from now on. What is
irreversible is noted in the journal before it begins; where it is cut off, the next `forget` goes on with it.
"""

import secrets
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace

from transcribe import audit, enrolment, store
from transcribe.config import INTERVIEWER
from transcribe.engines import Engines
from transcribe.errors import StudyError
from transcribe.overview import exists
from transcribe.participants import PARTICIPANT, took_part
from transcribe.pipeline import Job, refresh_findings
from transcribe.publishing import note_stopped
from transcribe.ready import settled
from transcribe.review.decisions import decide
from transcribe.review.log import Deed, Entry
from transcribe.schema import Person, Quiet, ReviewState, Verdict, record
from transcribe.study import SET_ASIDE, Study
from transcribe.vault import PERSON, RECORDING, Unlocked, Vault, with_retired
from transcribe.withdrawal import Withdrawn, holding, read, remove
from transcribe.wordforms import sealed

WITHHELD = "[withheld]"


@record
class Plan(Quiet):
    """What goes: `of` is the id that was named; ids of people and of recordings; how often others name these people, by
    recording; the releases that hold any of it; recordings whose source files still lie outside the study.
    """

    of: str
    people: tuple[str, ...]
    recordings: tuple[str, ...]
    mentions: tuple[tuple[str, int], ...]
    releases: tuple[int, ...]
    sources: tuple[str, ...]


# --- what goes ------------------------------------------------------------------------------------------------------


def plan(unlocked: Unlocked, of: str) -> Plan:
    """What forgetting a person or a recording takes. Raises StudyError for an interviewer or an unknown id."""
    vault = unlocked.vault
    known = {person.id: person for person in vault.people}
    if of in {entry.id for entry in vault.recordings}:
        recordings: tuple[str, ...] = (of,)
        people: set[str] = set()
    else:
        person = vault.person(of)
        if person.role == INTERVIEWER:
            raise StudyError(
                f"{of} is an interviewer, whose recordings are other people's", advice="forget those who withdrew"
            )
        people = _joined(vault, {of, person.same_as} & known.keys(), lambda p: {p.same_as})
        recordings = tuple(e.id for e in vault.recordings if _takes_part(unlocked, e.id, people, known))
    others = {e.id: _mentioned(unlocked, e.id) for e in vault.recordings if e.id not in recordings}
    found = _found_alone(vault, recordings, others)
    people = _joined(vault, people | found, lambda p: {p.same_as, p.of})  # who belongs to her tells who she is
    counts = {recording_id: sum(i in people for i in ids) for recording_id, ids in others.items()}
    affected = (*recordings, *(recording_id for recording_id, count in counts.items() if count))
    return Plan(
        of=of,
        people=tuple(p.id for p in vault.people if p.id in people),
        recordings=recordings,
        mentions=tuple((recording_id, count) for recording_id, count in counts.items() if count),
        releases=holding(unlocked.study, affected),
        sources=tuple(e.id for e in vault.recordings if e.id in recordings and any(map(exists, e.sources))),
    )


def _takes_part(unlocked: Unlocked, recording_id: str, people: set[str], known: dict[str, Person]) -> bool:
    """Whether one of these speaks in a recording, as the researcher says or as its transcript has it."""
    who = took_part(unlocked.vault.people, unlocked.vault.entry(recording_id).who)
    if any(i in people and known[i].role == PARTICIPANT for i in who):
        return True
    ready = settled(unlocked, recording_id)
    return ready is not None and any(s.person_id in people for s in ready.transcript.value.speakers)


def _mentioned(unlocked: Unlocked, recording_id: str) -> tuple[str, ...]:
    """The id of whom each place that is withheld in a recording means."""
    ready = settled(unlocked, recording_id)
    return tuple(f.person_id for f in ready.settled.replaced if f.person_id) if ready else ()


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


def forget(unlocked: Unlocked, of: str, reviewer: str, engines: Engines) -> tuple[Plan, tuple[Withdrawn, ...]]:
    """Do it; what was planned, and the releases that were withdrawn. Raises StudyError; then nothing is forgotten."""
    study = unlocked.study
    with study.lock("work"):
        study.sweep()
        finish(unlocked)
        note_stopped(unlocked)
        planned = plan(unlocked, of)
        gone = frozenset(planned.people)
        withdrawn = tuple(read(study, number) for number in planned.releases)
        kept = [e.id for e in unlocked.vault.recordings if e.id not in planned.recordings]
        for recording_id in kept:
            _settle_mentions(unlocked, recording_id, gone, reviewer)
        _strike_names(unlocked, kept, gone, engines)
        begun = (e for e in study.journal() if e.get("event") in ("forgetting", "forgotten"))
        number = 1 + max((int(str(event["number"])) for event in begun), default=0)
        study.log("forgetting", number=number, of=of, recordings=" ".join(planned.recordings),
                  releases=" ".join(map(str, planned.releases)))  # fmt: skip
        unlocked.change(lambda vault: without(vault, gone, planned.recordings))
        finish(unlocked)
        refresh_findings(unlocked, engines)
    audit.append(study.audit_path, "forgotten", of=of, by=reviewer, recordings=list(planned.recordings))
    return planned, withdrawn


def _settle_mentions(unlocked: Unlocked, recording_id: str, gone: frozenset[str], reviewer: str) -> None:
    """Decide that each mention is withheld at its place and means nobody in particular, however it was heard; who had
    settled the recording answers for it still.
    """
    ready = settled(unlocked, recording_id)
    named = [f for f in ready.settled.replaced if f.person_id in gone] if ready else []
    if ready is None or not named:
        return
    at, past = audit.now(), ready.history
    decisions = tuple(replace(decide(f, Verdict.ACCEPT, reviewer, at), person_id=None) for f in named)
    group = secrets.token_hex(8)
    act = Entry(at=at, reviewer=reviewer, deed=Deed.ACT, base=past.base, group=group, name="forget",
                decisions=decisions)  # fmt: skip
    unlocked.append(recording_id, act)
    if past.settled is not None and ready.settled.review is ReviewState.REVIEWED:
        unlocked.append(recording_id, past.settled)


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
    return replace(entry, swaps=swaps)


def without(vault: Vault, gone: Collection[str], recordings: Collection[str]) -> Vault:
    """The vault without these recordings and their keys; of these people sealed spellings are left."""
    about = {*(f"{PERSON}{one}" for one in gone), *(f"{RECORDING}{one}" for one in recordings)}
    people = (_sealed(person) if person.id in gone else person for person in vault.people)
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
        if not known.intersection(recordings) and event["of"] not in people:  # else it was cut off before
            with store.disk_trouble("what is forgotten cannot be removed"):
                for number in map(int, str(event["releases"]).split()):
                    remove(unlocked, number)
                for recording_id in recordings:
                    _remove(study, recording_id)
                shutil.rmtree(study.private / SET_ASIDE, ignore_errors=True)  # damaged files of hers may lie there
            study.log("forgotten", number=int(str(event["number"])))


def _remove(study: Study, recording_id: str) -> None:
    study.sound_path(recording_id).unlink(missing_ok=True)
    folder = study.artefact_path(recording_id, "recording").parent
    if folder.exists():
        shutil.rmtree(folder)
    store.sync_folder(study.private)
