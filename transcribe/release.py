"""Settled? gate passed? then, and only then, write a numbered release - all of it or nothing."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from transcribe import companions, consent, export, levels, permission, pseudonyms, sound_copies
from transcribe.changes import Change
from transcribe.config import Action, Policy
from transcribe.engines import Engines
from transcribe.errors import ConfigError, ConsentError, EngineError, LeakError, NotSettledError, StudyError
from transcribe.export import Exporter, StudyExporter
from transcribe.gate import Gate
from transcribe.pipeline import refresh_findings
from transcribe.pseudonyms import action
from transcribe.publishing import MANIFEST, note_stopped, publish
from transcribe.ready import Ready, named_people, read_until_clean, rendered, second_reading, settled
from transcribe.schema import AnonymisedTranscript, Person, Purpose, Quiet, ReviewState, record
from transcribe.sound_copies import Wish
from transcribe.vault import Unlocked, with_pseudonyms, with_renderings
from transcribe.wordforms import search_forms

EVERY_FORMAT = "all"


@record
class Released(Quiet):
    """A written release: its folder, the transcripts' files and those `beside` them, what was left out and why, and
    what of that is `barred` by somebody in it.
    """

    number: int
    folder: str
    files: tuple[str, ...]
    beside: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    barred: tuple[str, ...] = ()


@record
class _Prepared(Quiet):
    """What a release writes of: whom the team calls what for good, people as this level calls them, recordings, and the
    gate for them.
    """

    team: tuple[Person, ...]
    people: tuple[Person, ...]
    ready: tuple[Ready, ...]
    transcripts: tuple[AnonymisedTranscript, ...]
    gate: Gate
    policy: Policy
    left_out: tuple[tuple[str, str], ...]
    barred: tuple[str, ...]


def write(
    unlocked: Unlocked,
    wanted: tuple[str, ...],
    formats: tuple[str, ...],
    engines: Engines,
    *,
    unreviewed: bool,
    level: str = "team",
    sound: Wish | None = None,
) -> Released:
    """Release recordings (all that can be when none is named) in these formats, as one numbered folder.

    `level` is how much is withheld: team, archive or public; `sound` asks for copies of the recordings with the same
    covered. Raises ConsentError, NotSettledError, LeakError, EngineError for an unknown format, ConfigError for an
    unknown level; then nothing was written.
    """
    exporters = _exporters(formats)
    with unlocked.study.lock("work"):
        unlocked.study.sweep()
        note_stopped(unlocked)
        made = _prepared(unlocked, wanted, engines, unreviewed, level, permission.of_level(level))
        if sound is not None:
            made = replace(made, transcripts=tuple(sound_copies.named(unlocked, t, sound) for t in made.transcripts))
        _remember(unlocked, made)
        files = _export(made.transcripts, exporters, made.gate, as_can_be=EVERY_FORMAT in formats)
        logged = tuple(companions.logged(made.ready, made.transcripts))
        beside = companions.files(unlocked, logged, level, made.gate)

        def add_sound(folder: Path) -> None:
            if sound is not None:
                recordings = tuple(zip(made.ready, logged, strict=True))
                sound_copies.write_all(unlocked, recordings, made.people, made.policy, engines, sound, folder)

        number, folder = publish(unlocked, logged, level, files | beside, add_sound)
    others = {path.name for path in folder.iterdir()} - files.keys() - {MANIFEST}
    return Released(
        number=number,
        folder=str(folder),
        files=tuple(files),
        beside=tuple(sorted(others)),
        left_out=made.left_out,
        barred=made.barred,
    )


def differences(
    unlocked: Unlocked, wanted: tuple[str, ...], engines: Engines, *, unreviewed: bool, level: str = "team"
) -> tuple[Change, ...]:
    """What a release now would change of the last one at this level; writes none. Raises as `write` does."""
    with unlocked.study.lock("work"):
        made = _prepared(unlocked, wanted, engines, unreviewed, level, permission.of_level(level))
        return companions.differences(unlocked, made.transcripts, level)


def settled_text(
    unlocked: Unlocked, recording_id: str, engines: Engines, *, level: str = "team"
) -> AnonymisedTranscript:
    """One settled transcript to quote from: as a release would write it, and only where one would; what it calls people
    stays for releases.

    Raises ConsentError unless everybody in it agreed to quotation, NotSettledError, LeakError, ConfigError.
    """
    permission.refuse(unlocked, recording_id, Purpose.QUOTE, stage="quote")
    with unlocked.study.lock("work"):
        made = _prepared(unlocked, (recording_id,), engines, False, level, purposes=(Purpose.QUOTE,))
        _remember(unlocked, made)
    return made.transcripts[0]


def _prepared(
    unlocked: Unlocked,
    wanted: tuple[str, ...],
    engines: Engines,
    unreviewed: bool,
    level: str,
    purposes: tuple[Purpose, ...],
) -> _Prepared:
    """Everything that is to go out at a level for these purposes, passed by the gate's first check."""
    unlocked.study.read_config_again()  # a page may have been open since before it was edited
    policy = levels.at_level(unlocked.study.config.policy, level)
    barred = _barred(unlocked, wanted, purposes)
    refresh_findings(unlocked, engines)
    chosen, left_out = _choose(unlocked, wanted, unreviewed, barred)
    team = named_people(unlocked)
    ready = tuple(_read_again(unlocked, one, team, engines) for one in chosen)
    people = named_people(unlocked, policy)
    if own := [person.id for person in pseudonyms.revealing(people)]:
        raise LeakError(
            f"what {', '.join(own)} is called has turned out to be a name of her own",
            stage="release",
            advice="see `transcribe people STUDY redraw`",
        )
    gate = Gate(people, policy)
    transcripts = tuple(rendered(unlocked, one, people, gate, policy) for one in ready)
    for transcript in transcripts:
        gate.refuse(gate.check_lines(transcript))
    return _Prepared(
        team=levels.lasting(team, unlocked.study.config.policy),
        people=people,
        ready=ready,
        transcripts=transcripts,
        gate=gate,
        policy=policy,
        left_out=left_out,
        barred=tuple(barred),
    )


def _remember(unlocked: Unlocked, made: _Prepared) -> None:
    """Keep what it calls people. Raises StudyError where somebody was named or called otherwise meanwhile: the gate
    would not know her.
    """
    given = levels.renderings(made.policy, made.people)
    unlocked.change(lambda vault: with_renderings(with_pseudonyms(vault, made.team), given))
    if _withheld(named_people(unlocked, made.policy), made.policy) != _withheld(made.people, made.policy):
        raise StudyError(
            "somebody of this study was changed while it was prepared", stage="release", advice="release it again"
        )


def _withheld(people: tuple[Person, ...], policy: Policy) -> set[tuple[str, ...]]:
    """By what names people are searched for, and what is written instead."""
    return {
        (one.id, one.same_as, "" if one.same_as else one.pseudonym, *search_forms(one))
        for one in people
        if action(one, policy) is not Action.KEEP
    }


def _barred(unlocked: Unlocked, wanted: tuple[str, ...], purposes: tuple[Purpose, ...]) -> dict[str, str]:
    """The recordings that somebody in them does not let go out for these purposes, with the reason.

    Raises ConsentError for one that was named, and where there is no other.
    """
    for recording_id in wanted:
        permission.refuse(unlocked, recording_id, *purposes, stage="release")
    every = () if wanted else unlocked.study.recordings()
    found = {recording_id: permission.obstacles(unlocked, recording_id, *purposes) for recording_id in every}
    barred = {recording_id: consent.told(against) for recording_id, against in found.items() if against}
    if every and len(barred) == len(every):
        raise ConsentError(f"nothing can be released ({_reasons(barred)})", advice="see `transcribe status STUDY`")
    return barred


def _reasons(left_out: Mapping[str, str]) -> str:
    return "; ".join(f"{recording_id}: {reason}" for recording_id, reason in left_out.items())


def _choose(
    unlocked: Unlocked, wanted: tuple[str, ...], unreviewed: bool, barred: Mapping[str, str]
) -> tuple[list[Ready], tuple[tuple[str, str], ...]]:
    """What can be released and what cannot, with the reason. Raises NotSettledError for one that was named."""
    chosen, left_out = [], []
    for recording_id in wanted or unlocked.study.recordings():
        unlocked.vault.entry(recording_id)
        if recording_id in barred:
            left_out.append((recording_id, barred[recording_id]))
            continue
        ready = settled(unlocked, recording_id)
        reason = _obstacle(ready, unreviewed)
        if ready is not None and not reason:
            chosen.append(ready)
        elif wanted and reason != "no speech":
            raise NotSettledError(
                reason, recording_id=recording_id, stage="release", advice=ADVICE.get(reason, "settle it first")
            )
        else:
            left_out.append((recording_id, reason))
    if not chosen:
        reasons = _reasons(dict(left_out)) or "no recordings"
        raise NotSettledError(
            f"nothing can be released ({reasons})", advice="run and settle first, or release --unreviewed"
        )
    return chosen, tuple(left_out)


def _read_again(unlocked: Unlocked, ready: Ready, people: tuple[Person, ...], engines: Engines) -> Ready:
    """As it stands after a second reading. Raises NotSettledError where that asks the reviewer something new."""
    recording_id = ready.transcript.value.recording_id
    if ready.settled.review is ReviewState.UNREVIEWED:
        read_until_clean(unlocked, recording_id, people, engines)
    elif second_reading(unlocked, ready, people, engines):
        raise NotSettledError(
            "a second reading of the finished text found more that may identify somebody",
            recording_id=recording_id,
            stage="release",
            advice="see `transcribe show`, and settle it again",
        )
    return settled(unlocked, recording_id) or ready


NOT_RUN, TO_REVIEW = "not transcribed yet", "not reviewed"
NO_DETECTOR = "in a language that no detector knows, so only a person can settle it"
FOREIGN = "in parts in a language that no detector knows, so only a person can settle it"
ADVICE = {
    NOT_RUN: "run `transcribe run STUDY`",
    TO_REVIEW: "settle it with `transcribe settle STUDY ID --reviewer ALIAS`, or release --unreviewed",
    NO_DETECTOR: "settle it with `transcribe settle STUDY ID --reviewer ALIAS`",
    FOREIGN: "read those parts (`transcribe show STUDY ID --identified` marks them), then settle it",
}


def _obstacle(ready: Ready | None, unreviewed: bool) -> str:
    if ready is None:
        return NOT_RUN
    if not ready.transcript.value.utterances:
        return "no speech"
    if ready.settled.review is ReviewState.REVIEWED:
        return ""
    if not unreviewed:
        return TO_REVIEW
    if not ready.looked:
        return NO_DETECTOR
    return FOREIGN if ready.foreign else ""


def _exporters(formats: tuple[str, ...]) -> tuple[Exporter | StudyExporter, ...]:
    """The exporters of these names, each once; of "all", every one at the door. Raises EngineError, ConfigError."""
    if not formats:
        raise ConfigError("no format was named", advice="give --to txt, for instance")
    if EVERY_FORMAT in formats:
        return export.everything()
    return tuple(export.load(name) for name in dict.fromkeys(formats))


def _export(
    transcripts: tuple[AnonymisedTranscript, ...],
    exporters: tuple[Exporter | StudyExporter, ...],
    gate: Gate,
    *,
    as_can_be: bool,
) -> dict[str, bytes]:
    """File name -> bytes, each read back and passed by the gate; `as_can_be`: none that needs times where are none."""
    files: dict[str, bytes] = {}
    taken = {*companions.NAMES, sound_copies.LISTING, sound_copies.NOTE, MANIFEST}
    for exporter in exporters:
        if isinstance(exporter, StudyExporter):
            parts = {export.marked_name("study", exporter.suffix): transcripts}
        else:
            fit = [one for one in transcripts if one.timed or not (exporter.timed and as_can_be)]
            parts = {exporter.file_name(one.recording_id, exporter.suffix): (one,) for one in fit}
        for name, held in parts.items():
            data = export.written(exporter, held)
            gate.check_file(held, exporter, data, name)
            if name.casefold() in taken:  # as one, on a disk that takes no notice of case
                raise EngineError(
                    f"two files would be called {name}", advice="release these recordings or formats apart"
                )
            taken.add(name.casefold())
            files[name] = data
    return files
