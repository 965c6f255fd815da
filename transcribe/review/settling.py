"""A reviewer settles a transcript: what she decided is kept with what she had before her."""

import os
import pwd
import re
import secrets
from collections.abc import Collection
from dataclasses import replace

from transcribe import audit, pipeline, pseudonyms
from transcribe.detect.identity import SEARCHED, lower_words, new_person
from transcribe.engines import Engines
from transcribe.errors import NotSettledError, StudyError, typed
from transcribe.explain import as_decided
from transcribe.history import adding, need_current, stood
from transcribe.participants import took_part
from transcribe.ready import Ready, balance, named_people, need, second_reading
from transcribe.review.decisions import WITHHELD, Review, decide, place, places
from transcribe.review.decisions import restore as restored
from transcribe.review.learning import learnt
from transcribe.review.log import Deed, Entry
from transcribe.schema import Decision, Finding, Kind, Person, Reason, Speaker, Transcript, Unclear, Utterance, Verdict
from transcribe.speakers import SpeakerFixes
from transcribe.vault import Unlocked, with_people
from transcribe.wordforms import FormIndex, parted

_ALIAS = re.compile(r"[A-Za-z0-9_-]{1,16}")
_ROLES = pseudonyms.RELATIONS | frozenset(
    "participant infant interviewer moderator relative grandparent clinician professional speaker".split()
)
_SPAN = re.compile(r"(U\d{4,}):(\d+)-(\d+)=([A-Za-z0-9_.-]+)")


def settle(
    unlocked: Unlocked,
    recording_id: str,
    reviewer: str,
    reject: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
    accept: tuple[str, ...] = (),
    restore: tuple[str, ...] = (),
) -> Review:
    """Settle a recording's findings: the likely ones accepted, the questions left as they are, but for what is named.

    `reject` and `accept` are ids; `add` items are UTTERANCE:START-END=WHO, code-point offsets, WHO a person's id or a
    kind such as place; `restore` ids of flagged stretches that were said. Raises StudyError for an unknown finding,
    stretch, span or person.
    """
    check_alias(reviewer, unlocked.vault.people)
    since, ready = stood(unlocked, recording_id), need(unlocked, recording_id)
    at = audit.now()
    by_id = {finding.id: finding for finding in as_decided(ready.findings.found, ready.settled)}
    unknown = [finding_id for finding_id in (*reject, *accept) if finding_id not in by_id]
    if unknown:
        raise StudyError(
            f"there is no finding with the id {typed(unknown[0])}",
            recording_id=recording_id,
            advice="see `transcribe show --identified`",
        )
    kept = [decide(by_id[finding_id], Verdict.KEEP, reviewer, at) for finding_id in reject]
    taken = [decide(_named(unlocked, ready, by_id[finding_id]), Verdict.ACCEPT, reviewer, at) for finding_id in accept]
    added = [_added(unlocked, ready, text, reviewer, at) for text in add]
    said = [restored(_stretch(ready, stretch_id), reviewer, at) for stretch_id in restore]
    base, decisions = ready.history.base, (*kept, *taken, *added, *said)
    if decisions:
        act = Entry(at=at, reviewer=reviewer, deed=Deed.ACT, base=base, name="settle", decisions=decisions)
        with adding(unlocked, recording_id, since) as put:
            put(replace(act, group=secrets.token_hex(8)))
            since = stood(unlocked, recording_id)
    counts = {"rejected": len(kept), "accepted": len(taken), "added": len(added), "restored": len(said)}
    return sign(unlocked, recording_id, reviewer, since, **counts)


def check_alias(reviewer: str, people: tuple[Person, ...] = ()) -> None:
    """Raises StudyError for what is no alias: it stands in the audit, which holds no name and no login name."""
    if not _ALIAS.fullmatch(reviewer):
        raise StudyError("a reviewer's alias has 1 to 16 letters, digits, - or _", advice="choose one such as AB")
    if reviewer.casefold() == pwd.getpwuid(os.getuid()).pw_name.casefold():
        raise StudyError("a reviewer's alias is not her login name", advice="choose one such as AB")
    if FormIndex(people).find(parted(reviewer)):
        raise StudyError("the reviewer's alias is a name of this study", advice="choose one such as AB")


def sign(
    unlocked: Unlocked, recording_id: str, reviewer: str, since: tuple[int, ...] | None = None, **counts: int
) -> Review:
    """A person answers for the transcript as it stands before her, or as it `stood` when she looked at it.

    Raises Conflict where something came in since.
    """
    since = since or stood(unlocked, recording_id)
    ready = need(unlocked, recording_id, proposed=True)
    seen = (*places(ready.findings, ready.flagged), *(() if balance(unlocked) else (WITHHELD,)))
    signed = Entry(
        at=audit.now(),
        reviewer=reviewer,
        deed=Deed.SETTLE,
        base=ready.history.base,
        seen=seen,
        speakers=ready.transcript.value.speakers,
    )
    with adding(unlocked, recording_id, since) as add:
        add(signed)
    unlocked.study.log("settled", recording=recording_id)
    audit.append(unlocked.study.audit_path, "settled", recording=recording_id, by=reviewer, **counts)
    return need_current(unlocked, recording_id).history.review()


def check(unlocked: Unlocked, recording_id: str, engines: Engines) -> None:
    """What follows from settling: corrected words are read by all rules, forms that were heard are learnt, their
    repeats withheld, the text read once more.

    Raises NotSettledError when that second reading finds something that the reviewer has not seen.
    """
    if any(correction.of_words for correction in need_current(unlocked, recording_id).history.corrections):
        pipeline.look_again(unlocked, recording_id, engines)
        pipeline.refresh(unlocked, recording_id, engines)
    ready = need(unlocked, recording_id)
    taught = learnt(ready.transcript.value, ready.settled.replaced, unlocked.vault.people)
    if taught:
        unlocked.change(lambda vault: with_people(vault, taught))
    pipeline.refresh(unlocked, recording_id, engines)
    _see(unlocked, recording_id)
    new = second_reading(unlocked, need(unlocked, recording_id), named_people(unlocked), engines)
    if new:
        raise NotSettledError(
            f"a second reading of the finished text found {new} more that may identify somebody",
            recording_id=recording_id,
            stage="settle",
            advice="see `transcribe show --identified` (G0003:10-15 ...), and settle it again; --reject what is none",
        )


def _see(unlocked: Unlocked, recording_id: str) -> None:
    """The repeats of what she accepted are withheld as that is, and she need not be asked again."""
    since, ready = stood(unlocked, recording_id), need(unlocked, recording_id)
    signed = ready.history.settled
    if signed is not None:
        withheld = tuple(place(f) for f in ready.settled.replaced)
        seen = tuple(dict.fromkeys((*signed.seen, *withheld)))
        if seen != signed.seen:
            with adding(unlocked, recording_id, since) as add:
                add(replace(signed, seen=seen))


def _stretch(ready: Ready, stretch_id: str) -> Unclear:
    stretch = next((s for s in ready.flagged if s.id == stretch_id), None)
    if stretch is None:
        recording_id = ready.transcript.value.recording_id
        raise StudyError("no stretch is flagged so", recording_id=recording_id, advice="see `transcribe show`")
    return stretch


def _named(unlocked: Unlocked, ready: Ready, finding: Finding) -> Finding:
    """An accepted question names somebody: somebody new where nobody is known."""
    if finding.person_id is not None or finding.kind not in SEARCHED:
        return finding
    return replace(finding, person_id=_made_known(unlocked, ready, finding).id)


def _added(unlocked: Unlocked, ready: Ready, text: str, reviewer: str, at: str) -> Decision:
    """A span that a reviewer marks: of a known person, or of a new one whose form it is from now on."""
    match = _SPAN.fullmatch(text)
    utterances = {u.id: u for u in ready.transcript.value.utterances}
    if match is None or match[1] not in utterances:
        raise StudyError("a span to add is written U0003:10-15=PERSON_OR_KIND", advice="see `transcribe show`")
    utterance, start, end = utterances[match[1]], int(match[2]), int(match[3])
    marked = utterance.text[start:end]
    if not 0 <= start < end <= len(utterance.text) or not marked.strip():
        raise StudyError(f"the span lies outside the words of {utterance.id}", advice="see `transcribe show`")
    start, end = start + len(marked) - len(marked.lstrip()), end - len(marked) + len(marked.rstrip())
    person = _person(unlocked, ready, utterance, (start, end), match[4])
    return Decision(
        utterance_id=utterance.id,
        start=start,
        end=end,
        verdict=Verdict.ADD,
        kind=person.kind,
        person_id=person.id,
        reviewer=reviewer,
        at=at,
    )


def _person(unlocked: Unlocked, ready: Ready, utterance: Utterance, span: tuple[int, int], who: str) -> Person:
    if who not in {kind.value for kind in Kind}:
        return unlocked.vault.person(who)
    marked = Finding(
        id="",
        utterance_id=utterance.id,
        start=span[0],
        end=span[1],
        kind=Kind(who),
        person_id=None,
        score=1.0,
        reason=Reason(rule="review"),
        role=who.replace("_", " "),
    )
    return _made_known(unlocked, ready, marked)


def _made_known(unlocked: Unlocked, ready: Ready, finding: Finding) -> Person:
    """Whom a settling names for the first time. Where it was stopped, and is repeated, she is known already."""
    transcript = ready.transcript.value
    new, prefix = newcomer(unlocked, transcript, finding, ready.history.named), f"{transcript.recording_id}-A"
    for one in unlocked.vault.people:
        same = (one.kind, one.role, one.relation, one.forms) == (new.kind, new.role, new.relation, new.forms)
        if same and one.id.startswith(prefix):
            return one
    unlocked.change(lambda vault: with_people(vault, (new,)))
    return new


def newcomer(unlocked: Unlocked, transcript: Transcript, finding: Finding, besides: Collection[str]) -> Person:
    """Somebody whom a reviewer makes known, RECORDING-A01 ...; `besides` are ids that are taken, too, be it by somebody
    who was taken out again.
    """
    taken = {*besides, *(person.id for person in unlocked.vault.people)}
    new_id = next(i for n in range(1, 10_000) if (i := f"{transcript.recording_id}-A{n:02d}") not in taken)
    text = next(u.text for u in transcript.utterances if u.id == finding.utterance_id)
    return new_person(new_id, finding, text, lower_words(transcript.utterances))


def speakers(unlocked: Unlocked, recording_id: str) -> tuple[Speaker, ...]:
    """Who the labels of a recording are taken for now. Raises StudyError before its first run."""
    return need(unlocked, recording_id, proposed=True).transcript.value.speakers


def fix_speakers(unlocked: Unlocked, recording_id: str, fixes: tuple[str, ...]) -> tuple[Speaker, ...]:
    """Say who labels are: LABEL=ROLE or LABEL=PERSON_ID. Returns all corrections so far.

    A role is a usual one or one of the roster: any other word would go into every release, and may be a name or an id
    that was mistyped. Raises StudyError for what is neither, and for a role that several of hers have.
    """
    transcript = need_current(unlocked, recording_id).transcript
    stored = unlocked.load(recording_id, "speakers", SpeakerFixes)
    fixed = {speaker.label: speaker for speaker in (stored.value.speakers if stored else ())}
    people = unlocked.vault.people
    took = took_part(people, unlocked.vault.entry(recording_id).who)
    who = [person for person in people if person.id in took]
    labels = {speaker.label for speaker in transcript.value.speakers}
    by_id = {person.id.lower(): person for person in people}
    known = _ROLES | {person.role.lower() for person in people if not person.found}
    for text in fixes:
        label, _, value = text.partition("=")
        if label not in labels or not re.fullmatch(r"[A-Za-z0-9][\w .-]{0,31}", value):
            raise StudyError(f"a correction is LABEL=ROLE or LABEL=PERSON_ID, labels: {', '.join(sorted(labels))}")
        role = value.lower()
        of_role = [person for person in who if person.role == role]
        person = by_id.get(role) or (of_role[0] if len(of_role) == 1 else None)
        if person is None and (of_role or role not in known):
            ids = ", ".join(sorted(person.id for person in of_role))
            raise StudyError(
                f"several people of this recording have that role: {ids}"
                if ids
                else "nobody has that id, and no such role is known",
                recording_id=recording_id,
                advice="give the id" if ids else "put her on the roster, or choose a role such as grandmother",
            )
        fixed[label] = Speaker(
            label=label,
            role=person.role if person else role,
            person_id=person.id if person else None,
            confidence=1.0,
        )
    speakers = tuple(fixed[label] for label in sorted(fixed))
    if fixes:
        unlocked.save(recording_id, "speakers", SpeakerFixes(speakers=speakers))
        audit.append(unlocked.study.audit_path, "speakers corrected", recording=recording_id, count=len(fixes))
    return speakers
