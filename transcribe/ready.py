"""What stands for a recording at this moment: its transcript, who speaks, what is settled, and how it would read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from transcribe import anonymise, levels, pipeline, pseudonyms, verbatim
from transcribe.config import Policy
from transcribe.detect import defaults
from transcribe.diarise import Regions, Segmented
from transcribe.engines import Engines
from transcribe.errors import StudyError
from transcribe.gate import Gate
from transcribe.history import Current, entries, need_current, standing
from transcribe.invented import Flagged
from transcribe.pipeline import Candidates
from transcribe.reread import Clean, Reread, read_again
from transcribe.review.decisions import Review, Settled, outside, place, settle, touches, unchanged
from transcribe.review.log import History, history
from transcribe.schema import (
    AnonymisedTranscript,
    By,
    Decision,
    Finding,
    Findings,
    Layout,
    Person,
    Quiet,
    Recording,
    ReviewState,
    Speaker,
    Transcript,
    Unclear,
    record,
)
from transcribe.speakers import with_speakers
from transcribe.store import Stored
from transcribe.vault import PERSON, RECORDING, Unlocked

S = TypeVar("S", Finding, Decision, Speaker)
MOST_READINGS = 5


@record
class Ready(Quiet):
    """A recording's transcript, with all corrections, its findings and what is settled of them.

    `looked`: a rule knows its language; `foreign`: ids of utterances in a language that no rule knows; `flagged`:
    stretches that nobody may have said, restored ones too.
    """

    transcript: Stored[Transcript]
    findings: Findings
    settled: Settled
    looked: bool
    history: History
    foreign: tuple[str, ...] = ()
    flagged: tuple[Unclear, ...] = ()


@record
class Held(Quiet):
    """What is stored of a recording that has been through `run`: its transcript as recognised, and what rules said."""

    base: Stored[Transcript]
    candidates: Candidates
    amended: Candidates | None
    findings: Findings
    invented: Flagged | None
    reread: Reread | None


def held(unlocked: Unlocked, recording_id: str) -> Held | None:
    """None when it has not been through `run` yet."""
    base = unlocked.load(recording_id, "transcript", Transcript)
    findings = unlocked.load(recording_id, "findings", Findings)
    candidates = unlocked.load(recording_id, "candidates", Candidates)
    if base is None or findings is None or candidates is None:
        return None
    invented = unlocked.load(recording_id, "invented", Flagged)  # none: transcribed before 0.3, or brought in as text
    reread = unlocked.standing(recording_id, "reread", Reread)
    return Held(
        base=base,
        candidates=candidates.value,
        amended=pipeline.amended_by(unlocked, recording_id, candidates),
        findings=findings.value,
        invented=invented.value if invented else None,
        reread=reread.value if reread else None,
    )


def settled(unlocked: Unlocked, recording_id: str, *, proposed: bool = False) -> Ready | None:
    """What stands for a recording; None when it has not been through `run` yet.

    `proposed`: where nobody has reviewed it, as it would stand if a reviewer changed nothing; and with the speakers as
    they are taken for now. Else they are as they were settled.
    """
    stored = held(unlocked, recording_id)
    if stored is None:
        return None
    past = history(entries(unlocked, recording_id), stored.base.body_sha256)
    return decided(unlocked, stored, past, proposed=proposed)


def decided(
    unlocked: Unlocked, stored: Held, past: History, *, proposed: bool = False, second: bool = False
) -> Ready | None:
    """What stands of what is stored, after all that people did to it; `second`: in the second pass.

    None where a run was stopped half-way: what is stored are positions in another transcript.
    """
    here = standing(stored.base, past)
    seen = pipeline.candidates_now(here, stored.candidates, stored.amended)
    sources = [stored.findings.source, *([stored.invented.source] if stored.invented else [])]
    if seen is None or any(here.since(source) is None for source in sources):
        return None
    flagged = here.moved(stored.invented.stretches, stored.invented.source) if stored.invented else ()
    same = {p.id: p.same_as for p in unlocked.vault.people if p.same_as}
    findings = _with_second_reading(here, stored.reread, _named(_now(stored.findings, here)))
    findings = _united_findings(findings, same)
    review = past.review(second=second)
    review = replace(review, decisions=_united(_there(review.decisions, here.transcript.value), same))
    texts = {utterance.id: utterance.text for utterance in here.transcript.value.utterances}
    findings = replace(findings, found=outside(findings.found, review.decisions, texts))
    found_on = unlocked.vault.entry(stored.base.value.recording_id).added_on
    voiced = with_speakers(unlocked, here.transcript.value)
    state = _as_decided(findings, review, flagged, found_on, balance(unlocked), proposed=proposed)
    speakers = _united(voiced.speakers, same)
    signed = () if second or past.settled is None else past.settled.speakers
    as_signed = _as_signed(speakers, _united(signed, same))
    if not proposed:
        speakers = as_signed
    elif who(speakers) != who(as_signed):  # she is shown who they are taken for now, and has not answered for that
        state = replace(state, review=ReviewState.UNREVIEWED)
    return Ready(
        transcript=replace(here.transcript, value=replace(voiced, speakers=speakers)),
        findings=findings,
        settled=state,
        looked=seen.looked,
        history=past,
        foreign=seen.foreign,
        flagged=flagged,
    )


def _as_decided(
    findings: Findings, review: Review, flagged: tuple[Unclear, ...], found_on: str, point: float, *, proposed: bool
) -> Settled:
    source = review.source
    state = settle(findings, review, source, found_on, point, flagged)
    if not proposed or state.review is ReviewState.REVIEWED:
        return state
    guess = replace(unchanged(findings, source, found_on, flagged), decisions=review.decisions)
    return replace(settle(findings, guess, source, found_on, point, flagged), review=ReviewState.UNREVIEWED)


def _as_signed(speakers: tuple[Speaker, ...], signed: tuple[Speaker, ...]) -> tuple[Speaker, ...]:
    """Who they were settled as, whatever the roster, `who` or a voice says since; what a person corrects holds."""
    then = {speaker.label: speaker for speaker in signed}
    return tuple(s if s.by is By.CORRECTED else then.get(s.label, s) for s in speakers)


def who(speakers: tuple[Speaker, ...]) -> tuple[tuple[str, str, str | None], ...]:
    """Whom labels are taken for, however surely."""
    return tuple((speaker.label, speaker.role, speaker.person_id) for speaker in speakers)


def _now(findings: Findings, here: Current) -> Findings:
    """Findings at their places after all corrections made since."""
    found, kept = here.moved(findings.found, findings.source), here.moved(findings.kept, findings.source)
    return replace(findings, found=found, kept=kept, source=here.history.source)


def _there(decisions: tuple[Decision, ...], transcript: Transcript) -> tuple[Decision, ...]:
    """Without those that stand nowhere, since the correction that made their turn or its words is lost."""
    ends = {utterance.id: len(utterance.text) for utterance in transcript.utterances}
    return tuple(d for d in decisions if 0 <= d.start <= d.end <= ends.get(d.utterance_id, -1))


def _united_findings(findings: Findings, same: Mapping[str, str]) -> Findings:
    return replace(findings, found=_united(findings.found, same), kept=_united(findings.kept, same))


def _united(spans: tuple[S, ...], same: Mapping[str, str]) -> tuple[S, ...]:
    """Mentions of somebody who is found to be somebody else are that one's."""
    return tuple(replace(s, person_id=same.get(s.person_id or "", s.person_id)) for s in spans) if same else spans


def need(unlocked: Unlocked, recording_id: str, *, proposed: bool = False) -> Ready:
    """The same. Raises StudyError when it has not been through `run` yet."""
    ready = settled(unlocked, recording_id, proposed=proposed)
    if ready is None:
        raise StudyError("not transcribed yet", recording_id=recording_id, advice="run `transcribe run STUDY`")
    return ready


def balance(unlocked: Unlocked) -> float:
    """The score under which a finding is a question, at the study's operating point."""
    point = unlocked.study.config.detection.operating_point
    return defaults.load().scores["balance"] if point == "reviewed" else 0.0


def _with_second_reading(here: Current, reread: Reread | None, findings: Findings) -> Findings:
    """The findings with those of second readings that stand nowhere else, ids G..."""
    if reread is None:
        return findings
    found = here.moved(reread.found, reread.source)
    apart = [f for f in found if not any(touches(f, g) for g in findings.found)]
    new = tuple(replace(finding, id=_id("G", finding)) for finding in apart)
    kept = tuple(k for k in findings.kept if not any(touches(k, f) for f in new))
    return replace(findings, found=findings.found + new, kept=kept)


def _named(findings: Findings) -> Findings:
    """The findings with ids, F... and K..., that say their places.

    What a reviewer names may be what she read yesterday: numbers would be others' by now, and a name would be kept
    instead of a word; a place that is none any more is refused.
    """
    found = tuple(replace(finding, id=_id("F", finding)) for finding in findings.found)
    return replace(
        findings, found=found, kept=tuple(replace(finding, id=_id("K", finding)) for finding in findings.kept)
    )


def _id(letter: str, finding: Finding) -> str:
    """F0003:10-15 is what stands at characters 10 to 15 of U0003."""
    return f"{letter}{place(finding)[1:]}"


def named_people(unlocked: Unlocked, policy: Policy | None = None) -> tuple[Person, ...]:
    """Everybody with what is written instead of her at this level (the team's), in roster order, then by first mention
    in order of recording.
    """
    team = unlocked.study.config.policy
    policy = policy or team
    own = levels.standing(unlocked.vault.people, unlocked.vault.renderings, policy, team)
    people = {person.id: person for person in own}
    order = [person.id for person in own if not person.found]
    for recording_id in unlocked.study.recordings():
        findings = unlocked.standing(recording_id, "findings", Findings)
        order += [f.person_id for f in findings.value.found if f.person_id in people] if findings else []
    mentioned = dict.fromkeys([*order, *people])
    ordered = tuple(people[person_id] for person_id in mentioned if person_id)
    return pseudonyms.assign(ordered, policy, unlocked.vault.digest, levels.taken(unlocked.vault))


def finished(
    unlocked: Unlocked, ready: Ready, people: tuple[Person, ...], policy: Policy | None = None
) -> AnonymisedTranscript:
    """How it would read word by word, before the gate."""
    by_id = {person.id: person for person in people}
    config, vault = unlocked.study.config, unlocked.vault
    transcript = ready.transcript.value
    keys = {vault.digest("case", person.id): person.id for person in people}
    policy = policy or config.policy
    known = {one.of: _released(one.values, policy) for one in vault.attributes}
    plain = anonymise.anonymise(
        transcript,
        ready.settled,
        by_id,
        policy,
        unlocked.digest_of(ready.transcript),
        lambda person_id: vault.digest("case", person_id),
        Layout(**config.export.model_dump()),
    )
    recording = unlocked.load(transcript.recording_id, "recording", Recording)
    topics = vault.topics if policy.topics else ()
    return replace(
        plain,
        cases=tuple(replace(case, attributes=known.get(f"{PERSON}{keys[case.key]}", ())) for case in plain.cases),
        variables=known.get(f"{RECORDING}{transcript.recording_id}", ()),
        topics=tuple((t.start_s, t.title) for t in topics if t.recording_id == transcript.recording_id),
        made_by=(*plain.made_by, *ready.findings.made_by),
        duration_s=recording.value.duration_s if recording and transcript.timed else 0.0,
    )


def _released(values: tuple[tuple[str, str], ...], policy: Policy) -> tuple[tuple[str, str], ...]:
    """The attributes that this level gives out."""
    return tuple(one for one in values if policy.attributes is None or one[0] in policy.attributes)


def rendered(
    unlocked: Unlocked, ready: Ready, people: tuple[Person, ...], gate: Gate, policy: Policy | None = None
) -> AnonymisedTranscript:
    """How it would read with the study's verbatim options, which hide nothing from the gate.

    What is to be written stands before the gate once more. Raises LeakError where a name would be readable without
    them: a pause inside it would part it. Where leaving a filler out would join one, fillers stay in those lines.
    """
    plain = finished(unlocked, ready, people, policy)
    options = unlocked.study.config.verbatim
    foreign = {n for n, u in enumerate(ready.transcript.value.utterances, 1) if u.id in ready.foreign}
    sounds = _non_speech(unlocked, plain.recording_id) if options.non_speech else None
    written = verbatim.written(plain, options, frozenset(foreign), sounds)
    if written is plain:
        return plain
    gate.refuse(gate.check_lines(plain))
    # a name may go on in the next line, or in the speaker's next
    joined = {leak.line + further for leak in gate.check_lines(written) for further in range(3)}
    return verbatim.written(plain, options, frozenset(foreign | joined), sounds) if joined else written


def _non_speech(unlocked: Unlocked, recording_id: str) -> Regions | None:
    """Loud stretches in which nobody speaks; None where nobody listened for any: in a text, or before a later run."""
    segmented = unlocked.standing(recording_id, "segmented", Segmented)
    return segmented.value.non_speech if segmented else None


def preview(unlocked: Unlocked, ready: Ready) -> AnonymisedTranscript:
    """What a release would write of what stands, checked by the gate; draws no pseudonym for good.

    Raises LeakError when the gate refuses it.
    """
    people = named_people(unlocked)
    gate = Gate(people, unlocked.study.config.policy)
    transcript = rendered(unlocked, ready, people, gate)
    gate.refuse(gate.check_lines(transcript))
    return transcript


def second_reading(unlocked: Unlocked, ready: Ready, people: tuple[Person, ...], engines: Engines) -> int:
    """Read the finished text again; how many new findings that brought. Each text is read once (its keyed digest)."""
    transcript = ready.transcript.value
    if not ready.looked or not transcript.utterances:
        return 0
    text = finished(unlocked, ready, people)
    lines = "\n".join(line.text for line in text.lines)
    digest = unlocked.vault.digest("reread", lines, *pipeline.detection_key(engines, unlocked.vault.people))
    clean = unlocked.standing(transcript.recording_id, "clean", Clean)
    if clean is not None and clean.value.digest == digest:
        return 0
    hits = read_again(
        transcript,
        text,
        (*ready.settled.replaced, *ready.settled.kept, *ready.settled.unclear),
        lambda t: pipeline.detect_again(t, unlocked, engines),
    )
    hits = tuple(h for h in hits if not any(touches(h, f) for f in (*ready.settled.replaced, *ready.settled.kept)))
    if not hits:
        unlocked.save(transcript.recording_id, "clean", Clean(digest=digest))
        return 0
    here = need_current(unlocked, transcript.recording_id)
    before = unlocked.standing(transcript.recording_id, "reread", Reread)
    earlier = here.moved(before.value.found, before.value.source) if before else ()
    unlocked.save(transcript.recording_id, "reread", Reread(source=here.history.source, found=earlier + hits))
    return len(hits)


def read_until_clean(unlocked: Unlocked, recording_id: str, people: tuple[Person, ...], engines: Engines) -> None:
    """Withhold what second readings of the unreviewed text bring, until one brings nothing."""
    for _ in range(MOST_READINGS):
        ready = settled(unlocked, recording_id)
        if ready is None or not second_reading(unlocked, ready, people, engines):
            return
