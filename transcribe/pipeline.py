"""The one place where stages are chained:

    sound -> segments -> words + turns -> transcript -> candidates -> findings

Each stage is a job with a key: the keyed digest of its inputs, the options it reads, the checksums of its weights and
its own version. An artefact that stands under its key is never made again; so a killed run goes on where it stopped.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import TypeVar

from transcribe import assemble, channels, enrolment, intake, invented, listening, permission, pulse, store, weights
from transcribe.config import AUTO
from transcribe.detect import defaults, resolve, tagger_of
from transcribe.detect import look as looking
from transcribe.detect.namesakes import Scope
from transcribe.diarise import Segmented
from transcribe.engines import Engines
from transcribe.errors import AudioError, EngineError, StoreError, StudyError
from transcribe.hearing import (
    DIARISE,
    LISTEN,
    RECOGNISE,
    SEGMENT,
    Diarise,
    Here,
    Listen,
    Listened,
    Order,
    Recognise,
    Segment,
    Task,
    Workshop,
)
from transcribe.history import Current, current
from transcribe.participants import took_part
from transcribe.review.renewal import carry_over
from transcribe.schema import Finding, Findings, Person, Quiet, Recording, Transcript, Turns, Words, record
from transcribe.speakers import follow, with_speakers
from transcribe.store import Stored
from transcribe.vault import Unlocked, with_people
from transcribe.wordforms import search_forms

T = TypeVar("T")
ASSEMBLE, DETECT = "assemble", "detect"
AGAIN = (RECOGNISE, DIARISE)
"""The stages that may be asked for again: the others follow by themselves."""
VERSION = {SEGMENT: "2", RECOGNISE: "4", DIARISE: "1", ASSEMBLE: "2", LISTEN: "1", DETECT: "5", "resolve": "7"}
EVERY_CHANNEL = "every channel"
"""Stands in the keys of what is heard in more than two channels, of which one was left out before."""
# Shares of a recording's time that its stages take, for the time left (measured: see README, "What was measured").
SHARE = {SEGMENT: 0.16, RECOGNISE: 0.40, DIARISE: 0.30, ASSEMBLE: 0.02, LISTEN: 0.04, DETECT: 0.08}
LANGUAGE = "en"
"""The one that the rules know."""


@record
class Candidates(Quiet):
    """What the model-backed rules say of a transcript, before the roster and the study's other recordings speak.

    `source` is the checksum of that transcript: a run killed between two stages leaves the candidates of another one.
    """

    source: str
    found: tuple[Finding, ...]
    language: str
    looked: bool  # whether any rule knows the language
    foreign: tuple[str, ...] = ()  # ids of utterances in a language that no rule knows


@record
class Priming(Quiet):
    """The names that recognition was primed with: the people linked to the recording, as they stood then."""

    names: tuple[str, ...]


@record
class Event(Quiet):
    """Something happened to a job: state is started, finished, skipped, or kept where another engine made what stands;
    seconds it took.
    """

    recording_id: str
    stage: str
    state: str
    seconds: float = 0.0


Report = Callable[[Event], None]


class Job:
    """The stages of one recording."""

    def __init__(
        self, unlocked: Unlocked, recording_id: str, engines: Engines, report: Report, workshop: Workshop | None = None
    ) -> None:
        """`workshop`: who hears the sound, this process if nobody is named; the other stages are done here."""
        self._open = unlocked
        self._id = recording_id
        self._engines = engines
        self._report = report
        self._workshop = workshop or Here(engines)
        self._entry = unlocked.vault.entry(recording_id)
        self._segmenting = Lock()

    def run(self, again: str = "") -> Transcript:
        """All stages in order, each skipped where its artefact stands; `again` forces one of them.

        Raises ConsentError, before anything is done, where somebody has not agreed to it.
        """
        permission.refuse(self._open, self._id)
        if not self._open.study.sound_path(self._id).exists():
            transcript = self._imported()
        else:
            words, turns = self._heard(again)
            transcript = self._transcript(words, turns)
            self._flag(transcript, turns)
            if self._engines.config.verbatim.non_speech:
                self._segmented()  # of a recording that was run before, when nobody listened for it
            self._listened(transcript)
            self._workshop.let_go()  # it is large
            enrolment.recognise(self._open, self._id, turns, lambda: intake.sound(self._open, self._id))
            self._to_hear()
        self._amended(self._candidates(transcript))
        return transcript.value

    def _heard(self, again: str) -> tuple[Stored[Words], Stored[Turns]]:
        """Words and turns, made side by side. Ctrl-C does not wait until the turns are made, which may take long."""
        with ThreadPoolExecutor(1) as pool:
            turns = pool.submit(self._turns, again == DIARISE)
            with pulse.stopping(turns):
                words = self._words(again == RECOGNISE)
                return words, turns.result()

    def _to_hear(self) -> None:
        """The copy that a reviewer listens to. Without one there is still a transcript: the page makes it then."""
        try:
            listening.make(self._open, self._id)
        except (AudioError, EngineError):
            self._open.study.log("no listening copy", recording=self._id)

    def _imported(self) -> Stored[Transcript]:
        """The transcript that came without sound. Raises StudyError when there is neither."""
        stored = self._open.load(self._id, "transcript", Transcript)
        if stored is None or stored.key != "imported":
            raise StudyError("the sound is missing", recording_id=self._id, advice="restore it from a backup")
        return stored

    def _do(self, stage: str, name: str, key: str, make: Callable[[], bytes | T]) -> Stored[T]:
        """The artefact `name` as it stands under `key`, or made now."""
        stored: Stored[T] | None = self._standing(stage, name, key)
        return stored or self._made(stage, name, key, make)

    def _standing(self, stage: str, name: str, *keys: str) -> Stored[T] | None:
        """The artefact `name` where it stands under one of these keys."""
        cls: type[T] = ARTEFACTS[name]
        stored = self._open.standing(self._id, name, cls)
        if stored is None or stored.key not in keys:
            return None
        self._report(Event(recording_id=self._id, stage=stage, state="skipped"))
        return stored

    def _made(self, stage: str, name: str, key: str, make: Callable[[], bytes | T]) -> Stored[T]:
        """The artefact `name`, made now: from a value, or the sealed file that a workshop made."""
        cls: type[T] = ARTEFACTS[name]
        self._open.study.log("started", recording=self._id, stage=stage)
        self._report(Event(recording_id=self._id, stage=stage, state="started"))
        began = time.monotonic()
        made = make()
        if isinstance(made, bytes):
            self._open.study.put(self._id, name, made)
        else:
            self._open.save(self._id, name, made, key)
        back = self._open.load(self._id, name, cls)
        if back is None or back.key != key:
            raise StudyError("an artefact vanished", recording_id=self._id, stage=stage, advice="run again")
        seconds = time.monotonic() - began
        self._open.study.log("finished", recording=self._id, stage=stage, key=key, seconds=round(seconds, 3))
        self._report(Event(recording_id=self._id, stage=stage, state="finished", seconds=seconds))
        return back

    def _asked(self, key: str, task: Task) -> bytes:
        """What the workshop makes of this recording."""
        order = Order(
            recording_id=self._id,
            sound=str(self._open.study.sound_path(self._id).absolute()),
            secret=self._entry.secret,
            key=key,
            task=task,
        )
        return self._workshop.do(order)

    def _key(self, stage: str, *inputs: str) -> str:
        return self._open.vault.digest(stage, VERSION[stage], self._entry.sha256, *inputs)

    def _heard_key(self, stage: str, *inputs: str) -> str:
        return self._key(stage, *inputs, *([EVERY_CHANNEL] if self._channels > 2 else []))

    @cached_property
    def _channels(self) -> int:
        facts = self._open.standing(self._id, "recording", Recording)
        return facts.value.channels if facts else 0

    def _segmented(self) -> Segmented:
        """Asked for by recognition and diarisation, at the same time, where their artefacts do not stand."""
        with self._segmenting:
            key = self._heard_key(SEGMENT, *self._segmented_by)
            stored: Stored[Segmented] = self._do(SEGMENT, "segmented", key, lambda: self._asked(key, Segment()))
            return stored.value

    def _words(self, again: bool) -> Stored[Words]:
        names = self._names(again)
        key = self._words_key(names)
        stored: Stored[Words] | None = None if again else self._standing(RECOGNISE, "words", key) or self._read()
        if stored is not None:
            return stored
        task = Recognise(
            language=None if self._spoken == AUTO else self._spoken,
            names=names,
            beam_size=self._engines.config.recognition.beam_size,
            speech=self._segmented().speech,  # before the clock of recognition starts
        )
        if self._channels > 2:  # a copy of before holds not every channel
            self._open.study.artefact_path(self._id, listening.ARTEFACT).unlink(missing_ok=True)
        return self._made(RECOGNISE, "words", key, lambda: self._asked(key, task))

    def _words_key(self, names: tuple[str, ...]) -> str:
        return self._heard_key(RECOGNISE, *self._recognised_as(names))

    def _recognised_as(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return (*self._recognised_by, self._spoken, str(self._engines.config.recognition.beam_size), *names)

    @property
    def _spoken(self) -> str:
        return self._entry.language or self._engines.config.language

    @property
    def _recognised_by(self) -> tuple[str, ...]:
        chosen = self._engines.config.recognition
        return (chosen.engine, chosen.model, weights.sha256(chosen.model), *self._segmented_by)

    def strike(self, forgotten: frozenset[str]) -> None:
        """Take names out of those that recognition was primed with. Its words stay as they are, under a new key."""
        stored = self._open.standing(self._id, "priming", Priming)
        if stored is None or not forgotten.intersection(stored.value.names):
            return
        left = tuple(name for name in stored.value.names if name not in forgotten)
        words = self._open.standing(self._id, "words", Words)
        if words is not None and words.key == self._words_key(stored.value.names):
            self._open.save(self._id, "words", words.value, self._words_key(left))
        self._open.save(self._id, "priming", Priming(names=left))

    def _read(self) -> Stored[Words] | None:
        """The words that a person read: no other model or version makes them again, nothing but another language."""
        stored = self._open.standing(self._id, "words", Words)
        if stored is None or not self._open.study.is_reviewed(self._id):
            return None
        made_by, chosen = stored.value.made_by, self._engines.config.recognition
        asked = "detect" if self._spoken == AUTO else self._spoken
        if dict(made_by.options).get("language", asked) != asked:
            return None
        same = (made_by.engine, made_by.model) == (chosen.engine, chosen.model)
        self._report(Event(recording_id=self._id, stage=RECOGNISE, state="skipped" if same else "kept"))
        return stored

    @property
    def _segmented_by(self) -> tuple[str, ...]:
        """What says where speech is, for recognition and for the turns."""
        chosen = self._engines.config.diarisation
        return chosen.engine, *(weights.sha256(name) for name in chosen.models)

    def _names(self, again: bool) -> tuple[str, ...]:
        """Recorded at the first recognition, so that a later change of the roster repeats nothing once it is done."""
        stored = self._open.standing(self._id, "priming", Priming)
        if stored is not None and not again and self._open.study.artefact_path(self._id, "words").exists():
            return stored.value.names
        names = tuple(person.forms[0] for person in linked(self._open.vault.people, self._entry.who))
        self._open.save(self._id, "priming", Priming(names=names))
        return names

    def _turns(self, again: bool) -> Stored[Turns]:
        """By voice; by channel they are made here, which takes a decoding and little else."""
        bounds, by_channel = self._entry.bounds, self._entry.by_channel
        if by_channel:
            told_by = (channels.ENGINE, channels.VERSION, *self._segmented_by)
        else:
            told_by = (*self._segmented_by, str(bounds.at_least), str(bounds.at_most))
        key = self._heard_key(DIARISE, *told_by)
        former = [self._key(DIARISE, *told_by)] if self._open.study.is_reviewed(self._id) else []
        stored: Stored[Turns] | None = None if again else self._standing(DIARISE, "turns", key, *former)
        if stored is not None:
            return stored
        segmented = self._segmented()

        def told_apart() -> bytes | Turns:
            if by_channel:
                return intake.turns_by_channel(self._open, self._id, segmented.speech)
            return self._asked(key, Diarise(bounds=bounds, segmented=segmented))

        return self._made(DIARISE, "turns", key, told_apart)

    def _transcript(self, words: Stored[Words], turns: Stored[Turns]) -> Stored[Transcript]:
        key = self._key(ASSEMBLE, words.body_sha256, turns.body_sha256)

        def assembled() -> Transcript:
            transcript = build_transcript(self._id, words.value, turns.value)
            fixes, unplaced = follow(self._open, self._id, transcript, turns.value)
            carry_over(self._open, self._id, transcript, add, unplaced)
            if fixes is not None:
                self._open.save(self._id, "speakers", fixes, store.body_sha256(transcript))
            enrolment.follow(self._open, self._id)
            return transcript

        stored: Stored[Transcript] | None = self._standing(ASSEMBLE, "transcript", key)
        if stored is None and self._open.study.is_reviewed(self._id):  # what an earlier version made of them
            sums = (self._entry.sha256, words.body_sha256, turns.body_sha256)
            stored = self._standing(ASSEMBLE, "transcript", self._open.vault.digest(ASSEMBLE, "1", *sums))
        if stored is not None:
            return stored
        with self._open.adding(self._id) as add:  # and nobody decides about the former one meanwhile
            return self._made(ASSEMBLE, "transcript", key, assembled)

    def _flag(self, transcript: Stored[Transcript], turns: Stored[Turns]) -> None:
        """What nobody may have said is flagged beside the transcript, whose words and decisions stay as they are."""
        key = self._key(ASSEMBLE, transcript.body_sha256, turns.body_sha256, invented.table_sha256())
        stored = self._open.standing(self._id, "invented", invented.Flagged)
        if stored is None or stored.key != key:
            stretches = invented.flag(transcript.value, turns.value)
            flagged = invented.Flagged(source=transcript.body_sha256, stretches=stretches)
            self._open.save(self._id, "invented", flagged, key)

    def _listened(self, transcript: Stored[Transcript]) -> Stored[Listened]:
        """The sound is heard again where a name of the people linked to the recording may have been said."""
        people = linked(self._open.vault.people, self._entry.who)
        chosen = self._engines.config.recognition
        engine = (chosen.engine, chosen.model, weights.sha256(chosen.model))
        key = self._key(LISTEN, transcript.body_sha256, defaults.tables_sha256(), *engine, *people_key(people))

        def listened() -> bytes | Listened:
            """Nothing where nobody is known."""
            source, said = transcript.body_sha256, transcript.value
            if not people or not said.utterances:
                return Listened(source=source, found=())
            with self._engines.reading:
                known = resolve.by_roster(said, people, tagger_of(self._engines.rules))
            return self._asked(key, Listen(transcript=said, source=source, people=people, known=known))

        return self._do(LISTEN, "listened", key, listened)

    def _candidates(self, transcript: Stored[Transcript]) -> Stored[Candidates]:
        """What an "I'm ..." or "my husband" means hangs on who says it."""
        rules = self._engines.config.detection.rules
        parts = [part for rule, model in rules.items() for part in (rule, model, weights.sha256(model))]
        voiced = replace(transcript, value=with_speakers(self._open, transcript.value))
        roles = [f"{speaker.label}={speaker.role}" for speaker in voiced.value.speakers]
        key = self._key(DETECT, transcript.body_sha256, defaults.tables_sha256(), *parts, *roles)

        def looked() -> Candidates:
            with self._engines.reading:
                return look(voiced, self._engines)

        return self._do(DETECT, "candidates", key, looked)

    def _amended(self, candidates: Stored[Candidates]) -> None:
        """What other rules found in corrected words is found anew."""
        stored = self._open.standing(self._id, "amended", Candidates)
        if stored is not None and stored.key != candidates.key:
            with self._engines.reading:
                look_again(self._open, self._id, self._engines)


ARTEFACTS: dict[str, type] = {
    "segmented": Segmented,
    "words": Words,
    "turns": Turns,
    "transcript": Transcript,
    "listened": Listened,
    "candidates": Candidates,
}


def linked(people: tuple[Person, ...], who: tuple[str, ...]) -> tuple[Person, ...]:
    """Those of the roster who took part, and everybody and every place that belongs to one of them."""
    here = took_part(people, who)
    return tuple(p for p in people if not p.found and not p.sealed and (p.id in here or (p.of and p.of in here)))


def unprimed(unlocked: Unlocked, recording_id: str) -> bool:
    """Whether names linked to a recording were not known when its words were recognised, and nobody has read these."""
    stored = unlocked.standing(recording_id, "priming", Priming)
    if stored is None or unlocked.study.is_reviewed(recording_id):
        return False
    names = {person.forms[0] for person in linked(unlocked.vault.people, unlocked.vault.entry(recording_id).who)}
    return unlocked.study.artefact_path(recording_id, "words").exists() and not names <= {*stored.value.names}


def build_transcript(recording_id: str, words: Words, turns: Turns) -> Transcript:
    """Words and turns assembled, words where nobody speaks too: they are flagged, not left out."""
    return assemble.assemble(recording_id, words, turns)


def look(stored: Stored[Transcript], engines: Engines) -> Candidates:
    """What the rules find that know nobody. They know English; of another language they say nothing, as is told."""
    transcript = stored.value
    knows = transcript.language == LANGUAGE
    seen = looking.look(transcript, engines.rules) if knows else looking.Seen(found=(), foreign=())
    return Candidates(
        source=stored.body_sha256,
        found=seen.found,
        language=transcript.language,
        looked=knows,
        foreign=seen.foreign,
    )


# --- findings: what the whole study knows, over each transcript ------------------------------------------------------


def people_key(people: tuple[Person, ...]) -> tuple[str, ...]:
    """What of the people decides over findings: ids, kinds, forms and who is who - not pseudonyms."""
    return tuple(
        part
        for person in people
        for part in (person.id, person.kind, *search_forms(person), "\0", *([person.same_as] if person.same_as else []))
    )


def refresh_findings(unlocked: Unlocked, engines: Engines, spoilt: dict[str, Exception] | None = None) -> None:
    """Bring the findings of all detected recordings up to date with everybody the vault knows.

    Recording by recording in order of id, again while new people turn up: a name found in one interview is withheld
    in all. The order, not the order of discovery, decides what people are called inside the vault.

    `spoilt`: of whom a file is damaged or cannot be read, it is passed over and noted here; else what that raises is
    raised.
    """
    for _ in range(10):
        before = people_key(unlocked.vault.people)
        for recording_id in unlocked.study.recordings():
            try:
                refresh(unlocked, recording_id, engines)
            except (OSError, StoreError) as error:
                if spoilt is None or store.befalls_all(error):
                    raise
                spoilt[recording_id] = error
        if people_key(unlocked.vault.people) == before:
            return


def refresh(unlocked: Unlocked, recording_id: str, engines: Engines) -> None:
    """The findings of one recording, made again where the people or the transcript changed."""
    here = current(unlocked, recording_id)
    stored = unlocked.standing(recording_id, "candidates", Candidates)
    seen = candidates_now(here, _value(stored), amended_by(unlocked, recording_id, stored)) if here else None
    if here is None or seen is None:
        return  # not run yet, stopped half-way, or damaged: the next run makes it
    before = unlocked.standing(recording_id, "findings", Findings)
    listened = unlocked.standing(recording_id, "listened", Listened)
    heard = here.moved(listened.value.found, listened.value.source) if listened else ()
    key = _findings_key(unlocked, here, seen, listened)
    if before is not None and before.key == key:
        return
    rules = engines.rules
    resolution = resolve.resolve(
        here.transcript.value,
        seen.found + heard,
        unlocked.vault.people,
        tagger=tagger_of(rules),
        made_by=tuple(rule.made_by for rule in rules),
        scope=scope_of(unlocked, recording_id),
    )
    if resolution.new_people:
        unlocked.change(lambda vault: with_people(vault, resolution.new_people))
        key = _findings_key(unlocked, here, seen, listened)
    findings = replace(resolution.findings, source=here.history.source)
    unlocked.save(recording_id, "findings", findings, key)


def _value(stored: Stored[T] | None) -> T | None:
    return stored.value if stored else None


def candidates_now(here: Current, stored: Candidates | None, amended: Candidates | None) -> Candidates | None:
    """What the rules found in a transcript, at its places after all corrections; None where a run must find it anew.

    What they found after words were corrected (`look_again`) counts while exactly these words stand.
    """
    if amended is not None and amended.source == here.history.source:
        return amended
    corrections = here.since(stored.source) if stored else None
    if stored is None or corrections is None:
        return None
    foreign = list(stored.foreign)
    for correction in corrections:
        if any(u.id in foreign for u in correction.before):
            foreign += [u.id for u in correction.after if u.id not in foreign]
    ids = {u.id for u in here.transcript.value.utterances}
    return replace(
        stored,
        found=here.moved(stored.found, stored.source),
        foreign=tuple(i for i in foreign if i in ids),
        source=here.history.source,
    )


def amended_by(unlocked: Unlocked, recording_id: str, candidates: Stored[Candidates] | None) -> Candidates | None:
    """What the rules that made the candidates found after words were corrected; "" is the key of earlier versions."""
    amended = unlocked.standing(recording_id, "amended", Candidates)
    return amended.value if amended and candidates and amended.key in ("", candidates.key) else None


def look_again(unlocked: Unlocked, recording_id: str, engines: Engines) -> None:
    """The rules read a transcript whose words were corrected; the sound is not heard again: a person heard it."""
    here = current(unlocked, recording_id)
    if here is None or not any(correction.of_words for correction in here.history.corrections):
        return
    amended, candidates = (unlocked.standing(recording_id, name, Candidates) for name in ("amended", "candidates"))
    key = candidates.key if candidates else ""
    if amended is None or amended.value.source != here.history.source or amended.key != key:
        voiced = replace(here.transcript, value=with_speakers(unlocked, here.transcript.value))
        unlocked.save(recording_id, "amended", look(voiced, engines), key)


def _findings_key(unlocked: Unlocked, here: Current, seen: Candidates, listened: Stored[Listened] | None) -> str:
    people = people_key(unlocked.vault.people) + _ties(unlocked.vault.people)
    scope = scope_of(unlocked, here.base.value.recording_id)
    sums = (here.history.source, store.body_sha256(seen), listened.body_sha256 if listened else "")
    return unlocked.vault.digest("resolve", VERSION["resolve"], defaults.tables_sha256(), *sums, *scope.who, *people)


def _ties(people: tuple[Person, ...]) -> tuple[str, ...]:
    """What decides whom of several a name means."""
    return tuple(part for person in people for part in (person.role, person.relation, person.of))


def scope_of(unlocked: Unlocked, recording_id: str) -> Scope:
    """Who took part in a recording, and to whom people found in it belong: its participant, where there is one."""
    who = took_part(unlocked.vault.people, unlocked.vault.entry(recording_id).who)
    participants = [p.id for p in unlocked.vault.people if p.id in who and p.role == "participant"]
    return Scope(recording_id=recording_id, who=who, of=participants[0] if len(participants) == 1 else "")


# --- detection of a text that is no recording's own: a finished one, read again --------------------------------------


def detect_again(transcript: Transcript, unlocked: Unlocked, engines: Engines) -> tuple[Finding, ...]:
    """What all rules but those that need the sound find in a text; nobody new is made known by it."""
    seen = looking.look(transcript, engines.rules)
    people, tagger = unlocked.vault.people, tagger_of(engines.rules)
    scope = scope_of(unlocked, transcript.recording_id)
    return resolve.resolve(transcript, seen.found, people, tagger=tagger, scope=scope).findings.found


def detection_key(engines: Engines, people: tuple[Person, ...]) -> tuple[str, ...]:
    """All but the text that decides what `detect_again` finds."""
    rules = engines.config.detection.rules
    sums = (part for rule, model in rules.items() for part in (rule, model, weights.sha256(model)))
    return (VERSION[DETECT], VERSION["resolve"], defaults.tables_sha256(), *sums, *people_key(people))
