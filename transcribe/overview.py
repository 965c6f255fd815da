"""What a study looks like: the state of each recording, and what is left to do. Most of it needs no key."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from transcribe import consent, levels, permission, retention, store
from transcribe.consent import Obstacle
from transcribe.errors import NewerError, StoreError, StudyError
from transcribe.export.layout import stamp
from transcribe.pipeline import unprimed
from transcribe.publishing import MANIFEST, read_manifest
from transcribe.ready import settled
from transcribe.retention import Reminder
from transcribe.schema import Purpose, Quiet, Recording, ReviewState, record
from transcribe.study import Study
from transcribe.vault import Unlocked
from transcribe.wordforms import FormIndex, parted

SHOWN = ("failed", "no speech", "set aside")
"""Ends of a run that are a recording's state, whatever else there is of it."""
GROUPS = ("running", "failed", "set aside", "refused", "waiting", "done")
"""What a row counts as, for who waits for a run."""
STAGE_FILES = (("recognised", "words"), ("diarised", "turns"), ("transcribed", "transcript"), ("to review", "findings"))


@record
class Row(Quiet):
    """A recording: its state, seconds of sound and open findings (None without the key), latest release (0 = none).

    `stages` are those under way, `ended` how the last run left it, empty while it has not come to its end.
    `keep_until` is None where no date is set. Without the key there are none of these: `obstacles`, what those in it
    have not agreed to; `parts`, the seconds at which each of several files begins; `by_channel`, how speakers are told
    apart.
    """

    id: str
    state: str
    duration_s: float | None
    findings: int | None
    release: int
    keep_until: date | None = None
    obstacles: tuple[Obstacle, ...] = ()
    parts: tuple[float, ...] = ()
    by_channel: bool = False
    stages: tuple[str, ...] = ()
    ended: str = ""

    @property
    def group(self) -> str:
        """One of `GROUPS`. What is transcribed waits too, for the findings of the whole study."""
        if self.stages:
            return "running"
        if self.state in ("to review", "settled", "released", "no speech"):
            return "done"
        return self.ended if self.ended in ("failed", "set aside", "refused") else "waiting"

    @property
    def can_be_run(self) -> bool:
        """Quotation and archiving come later: what stands against them alone stops no run."""
        return all(one.purpose in consent.BY_NAME for one in self.obstacles)


@record
class Overview(Quiet):
    """A study: its random id, the rows, ids of recordings whose source file still lies outside the encryption, ids of
    people whose pseudonym has turned out to be somebody's real name, ids of recordings that were added twice, and of
    those that have no row, since what tells of them is lost. Of the `damaged` the row says what is told without the
    key. `unprimed` were recognised without names that are linked to them now. `forgetting`: whom a `forget` that was
    cut off was of.

    `misnamed` are recordings in which somebody took part whose id nobody has, `telling` those whose own id is a name.
    `consent_recorded`: whether the roster says what anybody agreed to, None without the key; `reminders` of recordings
    whose time ends.
    """

    study_id: str
    rows: tuple[Row, ...]
    sources_outside: tuple[str, ...] = ()
    to_redraw: tuple[str, ...] = ()
    doubles: tuple[tuple[str, str], ...] = ()
    misnamed: tuple[str, ...] = ()
    telling: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    forgetting: str = ""
    unprimed: tuple[str, ...] = ()
    consent_recorded: bool | None = None
    reminders: tuple[Reminder, ...] = ()

    def advice(self, root: str) -> tuple[str, ...]:
        """What to do next, and what needs care."""
        lines = self._next(root)
        if self.sources_outside:
            lines.append(
                f"The source files of {', '.join(self.sources_outside)} still lie outside the encryption. "
                f"Where each lies: transcribe who {root}"
            )
        for person_id in self.to_redraw:
            lines.append(
                f"{person_id}'s pseudonym is a real name of this study: transcribe people {root} redraw {person_id}"
            )
        lines += [f"{one} is the same recording as {other}." for one, other in self.doubles]
        lines += [f"{one}: a part of it is lost: transcribe doctor {root}" for one in self.incomplete]
        lines += [f"{one}: a part of it cannot be read: transcribe doctor {root}" for one in self.damaged]
        if of := self.forgetting:
            lines.append(f"Forgetting {of} was cut off: transcribe forget {root} {of} --reviewer ALIAS --confirm {of}")
        lines += [
            f"{one} was recognised without names that are known now: transcribe run {root} {one} --again recognise"
            for one in self.unprimed
        ]
        lines += [
            f"{row.id}: part {number} begins at {stamp(start_s)}"
            for row in self.rows
            for number, start_s in enumerate(row.parts, 1)
            if start_s > 0
        ]
        lines += [
            f"{one}: who took part names an id that nobody has: transcribe who {root} {one} P1,R1"
            for one in self.misnamed
        ]
        lines += [
            f"The id {one} is a name, and stands in the audit: transcribe forget {root} {one}, and add it as another."
            for one in self.telling
        ]
        return (*lines, *self._consent(root), *retention.lines(self.reminders, root))

    def _next(self, root: str) -> list[str]:
        """The command that comes next, if any."""
        states = {row.state for row in self.rows if row.can_be_run}
        if not self.rows:
            return [f"Next: transcribe add {root} FILE..."]
        if states & {"added", "recognised", "diarised", "transcribed", "failed", "set aside"}:
            return [f"Next: transcribe run {root}"]
        if "to review" in states:
            show = f"transcribe show {root} ID --identified"
            return [f"Next: {show}, then transcribe settle {root} ID --reviewer ALIAS"]
        return [f"Next: transcribe release {root}"] if "settled" in states else []

    def _consent(self, root: str) -> list[str]:
        """What stands in the way of each recording, for want of somebody's consent."""
        if self.rows and self.consent_recorded is False:
            return [
                f"Consent is not recorded: the roster's columns for it are those of transcribe people {root} template"
            ]
        lines = []
        for row in self.rows:
            obstacles = [one for one in row.obstacles if not one.unknown]  # `misnamed` are told already
            if obstacles:
                withdrawn = obstacles[0].said == "withdrawn" and obstacles[0].linked
                hint = f", transcribe forget {root} {row.id} destroys it" if withdrawn else ""
                lines.append(f"{row.id}: {consent.told(obstacles)}{hint}")
        return lines


def overview(study: Study, unlocked: Unlocked | None) -> Overview:
    """What can be told; without the key neither durations nor findings."""
    kept, traces = retention.dates(study), _traces(study)
    damaged: list[str] = []

    def row(recording_id: str) -> Row:
        try:
            return _row(study, recording_id, traces[recording_id], unlocked)
        except NewerError:
            raise
        except (StoreError, StudyError):  # of one recording, and no reason to be silent about the others
            if not study.artefact_path(recording_id, "note").exists():  # else it was added since we unlocked
                damaged.append(recording_id)
            return _row(study, recording_id, traces[recording_id], None)

    rows = tuple(replace(row(one), keep_until=kept.get(one)) for one in study.recordings())
    reminders = retention.reminders(kept, datetime.now(UTC).date())
    if unlocked is None:
        return Overview(study_id=study.created["study"], rows=rows, incomplete=study.incomplete(), reminders=reminders)
    vault = unlocked.vault
    names, known = FormIndex(vault.people), {e.id for e in vault.recordings}
    first: dict[str, str] = {}
    doubles = [(e.id, first.setdefault(one, e.id)) for e in vault.recordings for one in e.sums]
    return Overview(
        study_id=study.created["study"],
        rows=rows,
        sources_outside=tuple(e.id for e in vault.recordings if any(map(exists, e.sources))),
        to_redraw=levels.clashing(vault.people, vault.renderings),
        misnamed=tuple(row.id for row in rows if row.id in known and permission.misnamed(vault, row.id)),
        telling=tuple(row.id for row in rows if names.find(parted(row.id))),
        doubles=tuple(dict.fromkeys((one, other) for one, other in doubles if one != other)),
        incomplete=tuple(sorted({*unlocked.recordings()} - {*study.recordings()})),
        damaged=tuple(damaged),
        forgetting=vault.forgetting.plan.of if vault.forgetting else "",
        unprimed=tuple(e.id for e in vault.recordings if unprimed(unlocked, e.id)),
        consent_recorded=bool(vault.consents),
        reminders=reminders,
    )


def totals(rows: Iterable[Row]) -> dict[str, int]:
    """How many of them count as what."""
    counted = Counter(row.group for row in rows)
    return {group: counted[group] for group in GROUPS}


def exists(path: str) -> bool:

    try:
        return Path(path).exists()
    except OSError:
        return False


@dataclass
class _Trace:
    """What the journal tells of a recording."""

    ended: str = ""
    releases: list[int] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)


def _traces(study: Study) -> defaultdict[str, _Trace]:
    """Recording id -> its trace, in one pass over the journal."""
    traces: defaultdict[str, _Trace] = defaultdict(_Trace)
    going: dict[object, set[int]] = {}
    for event in study.journal():
        what, of = event.get("event"), traces[str(event.get("recording"))]
        if what == "added":  # what the journal tells of the id before is of a recording that was forgotten
            traces[str(event.get("recording"))] = _Trace()
        elif what in ("started", "finished"):
            of.ended = ""
            of.stages = [one for one in of.stages if one != event["stage"]]
            of.stages += [str(event["stage"])] if what == "started" else []
        elif what in ("done", "refused", *SHOWN):
            of.ended, of.stages = str(what), []
        elif what in ("run begun", "run ended"):
            for trace in traces.values():
                trace.stages = []
        elif what == "released":
            for recording_id in str(event.get("recordings", "")).split():
                traces[recording_id].releases.append(int(str(event["release"])))
        elif what == "forgetting":
            going[event.get("number")] = {int(number) for number in str(event.get("releases", "")).split()}
        elif what == "forgotten":
            for trace in traces.values():
                trace.releases = [n for n in trace.releases if n not in going.get(event.get("number"), ())]
    return traces


def standing(state: str, release: int, *, reviewed: bool) -> str:
    """How far a recording is of which there are findings, any other state stays: what a person settled has come out
    with its latest release, and whatever opened it again since is to be settled before the next.
    """
    if state not in ("to review", "settled", "released"):
        return state
    if not reviewed:
        return "to review"
    return "released" if release else "settled"


def _as_it_went_out(study: Study, recording_id: str, release: int) -> bool:
    """Whether a release that lies here holds a recording as nobody had reviewed it, and nothing was found or decided
    since.
    """
    path = study.release_path(release) / MANIFEST
    manifest = read_manifest(path.parent) if path.is_file() else None
    if manifest is None or (recording_id, ReviewState.UNREVIEWED.value) not in manifest.recordings:
        return False
    paths = [study.artefact_path(recording_id, "findings"), *store.numbered(study.log_path(recording_id))[-1:]]
    return all(store.stamp(one)[0] <= store.stamp(path)[0] for one in paths)


def _row(study: Study, recording_id: str, trace: _Trace, unlocked: Unlocked | None) -> Row:
    state = "added"
    for name, artefact in STAGE_FILES:
        if study.artefact_path(recording_id, artefact).exists():
            state = name
    if trace.ended in SHOWN:
        state = trace.ended
    release = max(trace.releases, default=0)
    duration_s, findings, reviewed = None, None, False
    obstacles: tuple[Obstacle, ...] = ()
    parts: tuple[float, ...] = ()
    by_channel = False
    if unlocked is not None:
        entry = unlocked.vault.entry(recording_id)
        parts, by_channel = tuple(part.start_s for part in entry.parts), entry.by_channel
        recording = unlocked.load(recording_id, "recording", Recording)
        duration_s = recording.value.duration_s if recording else None
        ready = settled(unlocked, recording_id)
        if ready is not None:
            findings = len(ready.settled.replaced)
            reviewed = ready.settled.review is ReviewState.REVIEWED
        obstacles = permission.obstacles(unlocked, recording_id, Purpose.QUOTE, Purpose.ARCHIVE)
    if release and not reviewed:  # without the key nothing tells what was reviewed
        reviewed = unlocked is None or _as_it_went_out(study, recording_id, release)
    return Row(
        id=recording_id,
        state=standing(state, release, reviewed=reviewed),
        duration_s=duration_s,
        findings=findings,
        release=release,
        obstacles=obstacles,
        parts=parts,
        by_channel=by_channel,
        stages=tuple(trace.stages),
        ended=trace.ended,
    )
