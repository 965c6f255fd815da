"""What stands for a recording at this moment: its transcript, who speaks, what is settled, and how it would read."""

from dataclasses import replace

from transcribe import anonymise, levels, pipeline, pseudonyms, verbatim
from transcribe.config import Policy
from transcribe.detect import defaults
from transcribe.errors import StudyError
from transcribe.gate import Gate
from transcribe.invented import Flagged
from transcribe.pipeline import Candidates, Engines
from transcribe.reread import Clean, Reread, read_again
from transcribe.review.decisions import Review, Settled, settle, touches, unchanged
from transcribe.schema import (
    AnonymisedTranscript,
    Findings,
    Layout,
    Person,
    Quiet,
    Recording,
    ReviewState,
    Transcript,
    Unclear,
    record,
)
from transcribe.speakers import with_speakers
from transcribe.store import Stored
from transcribe.vault import PERSON, RECORDING, Unlocked

MOST_READINGS = 5


@record
class Ready(Quiet):
    """A recording's transcript with its findings and what is settled of them.

    `looked`: a rule knows its language; `foreign`: ids of utterances in a language that no rule knows; `flagged`:
    stretches that nobody may have said, restored ones too.
    """

    transcript: Stored[Transcript]
    findings: Findings
    settled: Settled
    looked: bool
    foreign: tuple[str, ...] = ()
    flagged: tuple[Unclear, ...] = ()


def settled(unlocked: Unlocked, recording_id: str, *, proposed: bool = False) -> Ready | None:
    """What stands for a recording; None when it has not been through `run` yet.

    `proposed`: where nobody has reviewed it, as it would stand if a reviewer changed nothing.
    """
    transcript = unlocked.load(recording_id, "transcript", Transcript)
    findings = unlocked.load(recording_id, "findings", Findings)
    candidates = unlocked.load(recording_id, "candidates", Candidates)
    if transcript is None or findings is None or candidates is None:
        return None
    source = transcript.body_sha256
    invented = unlocked.load(recording_id, "invented", Flagged)  # none: transcribed before 0.3, or brought in as text
    sources = {findings.value.source, candidates.value.source, invented.value.source if invented else source}
    if sources != {source}:
        return None  # a run was stopped half-way: these are positions in another transcript
    everything = _with_second_reading(unlocked, recording_id, findings.value, source)
    stored = unlocked.load(recording_id, "review", Review)
    review = stored.value if stored else None
    found_on = unlocked.vault.entry(recording_id).added_on
    flagged = invented.value.stretches if invented else ()
    state = settle(everything, review, source, found_on, balance(unlocked), flagged)
    if proposed and state.review is ReviewState.UNREVIEWED:
        kept = review.decisions if review and review.source == source else ()
        guess = replace(unchanged(everything, source, found_on, flagged), decisions=kept)
        state = settle(everything, guess, source, found_on, balance(unlocked), flagged)
        state = replace(state, review=ReviewState.UNREVIEWED)
    return Ready(
        transcript=replace(transcript, value=with_speakers(unlocked, transcript.value)),
        findings=everything,
        settled=state,
        looked=candidates.value.looked,
        foreign=candidates.value.foreign,
        flagged=flagged,
    )


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


def _with_second_reading(unlocked: Unlocked, recording_id: str, findings: Findings, source: str) -> Findings:
    """The findings with those of second readings that stand nowhere else, ids G0001 ..."""
    stored = unlocked.standing(recording_id, "reread", Reread)
    if stored is None or stored.value.source != source:
        return findings
    apart = [f for f in stored.value.found if not any(touches(f, g) for g in findings.found)]
    numbered = tuple(replace(finding, id=f"G{number:04d}") for number, finding in enumerate(apart, 1))
    kept = tuple(k for k in findings.kept if not any(touches(k, f) for f in numbered))
    return replace(findings, found=findings.found + numbered, kept=kept)


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
    return pseudonyms.assign(ordered, policy, unlocked.vault.digest)


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
    return replace(
        plain,
        cases=tuple(replace(case, attributes=known.get(f"{PERSON}{keys[case.key]}", ())) for case in plain.cases),
        variables=known.get(f"{RECORDING}{transcript.recording_id}", ()),
        topics=tuple((t.start_s, t.title) for t in vault.topics if t.recording_id == transcript.recording_id),
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
    written = verbatim.written(plain, options, frozenset(foreign))
    if written is plain:
        return plain
    gate.refuse(gate.check_lines(plain))
    # a name may go on in the next line, or in the speaker's next
    joined = {leak.line + further for leak in gate.check_lines(written) for further in range(3)}
    return verbatim.written(plain, options, frozenset(foreign | joined)) if joined else written


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
    source = ready.transcript.body_sha256
    before = unlocked.standing(transcript.recording_id, "reread", Reread)
    earlier = before.value.found if before and before.value.source == source else ()
    unlocked.save(transcript.recording_id, "reread", Reread(source=source, found=earlier + hits))
    return len(hits)


def read_until_clean(unlocked: Unlocked, recording_id: str, people: tuple[Person, ...], engines: Engines) -> None:
    """Withhold what second readings of the unreviewed text bring, until one brings nothing."""
    for _ in range(MOST_READINGS):
        ready = settled(unlocked, recording_id)
        if ready is None or not second_reading(unlocked, ready, people, engines):
            return
