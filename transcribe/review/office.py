"""The review of a study: what the page may ask, and what it may do. Knows nothing of the web; answers are JSON."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Timer
from typing import Any

from transcribe import enrolment, export, listening, overview, pipeline, release
from transcribe.engines import Engines
from transcribe.errors import LeakError, StudyError, TranscribeError
from transcribe.explain import evidence
from transcribe.levels import LEVELS
from transcribe.pseudonyms import WITH_PSEUDONYM, table
from transcribe.ready import preview, settled, who
from transcribe.review import acts, agreement, alike, documents, searching, settling, suggesting
from transcribe.review.bodies import written
from transcribe.review.decisions import places
from transcribe.review.desk import Change, Desk, Reviewer, new_group
from transcribe.review.documents import Json, View
from transcribe.review.log import History, Swap
from transcribe.review.refusals import Conflict, Malformed, Refused, StillOpen, Unknown
from transcribe.review.roll import Roll
from transcribe.review.rows import Rows
from transcribe.schema import Kind, Line, ReviewState, Speaker
from transcribe.vault import Unlocked

MOST_HITS = 200
SUGGESTED = 12
TRIES = 5
WARM_AFTER_S = 3.0


class Office:
    """One reviewer's work on a study. Calls come one at a time; what takes long goes on beside them (`busy`)."""

    def __init__(self, unlocked: Unlocked, engines: Engines, reviewer: Reviewer, opened: str = "") -> None:
        self._open = unlocked
        self._engines = engines
        self._reviewer = reviewer
        self._opened = opened
        self._desks: dict[str, Desk] = {}
        self._sounds: dict[str, bytes] = {}
        self._beside = ThreadPoolExecutor(1)
        self._running: Future[None] | None = None
        self._warming: Timer | None = None
        self._first = ("", b"")
        self._roll = Roll(unlocked, reviewer.alias)
        self._rows = Rows(unlocked, self._desk)

    def __repr__(self) -> str:
        return "<Office>"

    def close(self) -> None:
        """Nothing more is begun; what runs beside comes to its end."""
        if self._warming is not None:
            self._warming.cancel()
        self._beside.shutdown(wait=False, cancel_futures=True)

    def prepare(self) -> None:
        """Read what the page begins with, so that it need not wait for it."""
        self.session()
        if self._opened:
            with suppress(TranscribeError):  # not run yet, or damaged: the page says so
                seen = self._desk(self._opened).view(self._facts)
                self._first = seen.version, written(documents.document(seen))

    # --- reading -----------------------------------------------------------------------------------------------------

    def session(self) -> Json:
        """Who reviews, and what may be chosen from."""
        study = self._open.study
        return {
            "reviewer": self._reviewer.alias,
            "second": self._reviewer.second,
            "study": study.created["study"][:8],
            "open": self._opened or None,
            "roles": sorted({*table()["roles"], *WITH_PSEUDONYM["pseudonyms"], "interviewer"}),
            "kinds": [kind.value for kind in Kind],
            "levels": list(LEVELS),
            "formats": [[one.name, one.summary] for one in export.everything()],
        }

    def study(self) -> Json:
        """A row for each recording; those that were not counted yet are counted beside (`busy`)."""
        rows, more = self._rows.now()
        if more:
            self._soon(self._rows.count)
        advice = overview.overview(self._open.study, None).advice("STUDY") if not rows else ()
        return {"recordings": rows, "advice": list(advice), "busy": more or self._busy}

    def document(self, recording_id: str) -> Json | bytes:
        """All of a recording; the first one is written already."""
        self._warm()
        seen, (version, first), self._first = self._desk(recording_id).view(self._facts), self._first, ("", b"")
        return first if version == seen.version else documents.document(seen)

    def changes(self, recording_id: str, since: str) -> Json:
        """What changed since a version."""
        return self._patch(self._desk(recording_id), since)

    def preview(self, recording_id: str) -> Json:
        """How it would be released as it stands, or why the gate refuses it."""
        desk = self._first_pass(recording_id)
        try:
            seen = preview(self._open, desk.ready)
        except LeakError as error:
            return {"refused": str(error)}
        turns = [u.id for u in desk.ready.transcript.value.utterances]
        header = [seen.statement, f"{seen.policy}; dates {seen.dates}"]
        return {"header": header, "lines": [_line(line, turn) for line, turn in zip(seen.lines, turns, strict=True)]}

    def explain(self, recording_id: str, mark: str) -> Json:
        """Why a mark is one."""
        desk = self._desk(recording_id)
        found = {m.id: m for group in desk.view(self._facts).marks.values() for m in group}
        if mark not in found:
            raise Unknown("there is no such mark", advice="look at it again")
        finding = found[mark].finding
        score = round(finding.score, 3)
        return {"evidence": evidence(finding), "score": score, "rule": finding.reason.rule}

    def alike(self, recording_id: str) -> Json:
        """Words without a mark that sound like somebody known."""
        desk = self._desk(recording_id)
        taken = [m.finding for group in desk.view(self._facts).marks.values() for m in group]
        people = desk.known.people
        found = alike.alike(desk.ready.transcript.value, taken, tuple(people.values()))
        return {
            "alike": [
                {
                    "turn": one.utterance_id,
                    "start": one.start,
                    "end": one.end,
                    "person": one.person_id,
                    "name": people[one.person_id].forms[0],
                    "score": round(one.score, 2),
                }
                for one in found
            ]
        }

    def suggest(self, recording_id: str, body: Json) -> Json:
        """Whom selected words may mean, the likeliest first."""
        desk = self._desk(recording_id)
        turn, start, end = body.get("turn"), body.get("start"), body.get("end")
        if not isinstance(turn, str) or not isinstance(start, int) or not isinstance(end, int):
            raise Malformed("no words are named")
        transcript, people = desk.ready.transcript.value, tuple(desk.known.people.values())
        utterance = next((u for u in transcript.utterances if u.id == turn), None)
        if utterance is None or not 0 <= start < end <= len(utterance.text):
            raise Unknown("there are no such words", advice="select them again")
        who = [p.id for p in pipeline.linked(people, self._open.vault.entry(recording_id).who)]
        listed = suggesting.suggestions(transcript, turn, start, end, people, who)[:SUGGESTED]
        return {"who": [documents.suggestion(one, desk.known) for one in listed]}

    def agreement(self, recording_id: str) -> Json:
        """How far two passes agree, and where they do not."""
        desk = self._first_pass(recording_id)
        other = Desk(self._open, recording_id, replace(self._reviewer, second=True))
        past = desk.past
        if not past.second_reviewers:
            raise StudyError("there is no second pass yet", recording_id=recording_id, advice="begin one with --second")
        first, second = desk.ready.settled, other.ready.settled
        order = [u.id for u in desk.ready.transcript.value.utterances]
        compared = agreement.agreement(desk.ready.findings.found, first, second, order)
        return documents.agreement(compared, desk.ready, desk.known, past)

    def search(self, wanted: str) -> Json:
        """Where words stand in the whole study, and which recordings could not be searched."""
        hits: list[Json] = []
        unread: list[str] = []
        for recording_id in self._open.study.recordings():
            transcript = self._transcript(recording_id)
            if transcript is None:
                unread.append(recording_id)
            elif len(hits) <= MOST_HITS:
                found = searching.search(transcript, wanted, MOST_HITS + 1 - len(hits))
                hits += [documents.hit(recording_id, transcript, one) for one in found]
        return {"hits": hits[:MOST_HITS], "more": len(hits) > MOST_HITS, "unread": unread}

    def sound(self, recording_id: str) -> bytes:
        """The listening copy (Ogg Opus), made now where there is none yet. Raises Unknown where there is no sound."""
        self._open.look()  # the key may be another by now
        self._check(recording_id)  # or the recording forgotten
        if recording_id not in self._sounds:
            self._sounds = {recording_id: self._listened(recording_id)}  # one at a time in memory
        return self._sounds[recording_id]

    def _listened(self, recording_id: str) -> bytes:
        if not self._open.study.sound_path(recording_id).exists():
            raise Unknown("this recording has no sound", advice="read it")
        copy = listening.read(self._open, recording_id)
        if copy is None:
            listening.make(self._open, recording_id)
            copy = listening.read(self._open, recording_id)
        return copy or b""

    # --- acting ------------------------------------------------------------------------------------------------------

    def act(self, recording_id: str, body: Json) -> Json:
        """Do something to a recording; what changed since the version that the page shows."""
        desk, act = self._desk(recording_id), acts.read(body)
        if desk.seen(act.version) is None:  # a page from before the study was locked: is it what stands?
            desk.view(self._facts)
        made, rest = acts.change(desk, act)
        group = new_group()
        if rest is not None:
            made = replace(made, decisions=(*made.decisions, *self._same(desk, rest, made)))
        desk.do(made, group)
        if rest is not None:
            self._everywhere(desk, rest, made.name, group)
        self._follow(desk, made)
        return self._patch(desk, act.version)

    def undo(self, recording_id: str, version: str) -> Json:
        """Take back what this reviewer did last here, in all recordings that it reached."""
        return self._back(recording_id, version, Desk.undo, Desk.take_back)

    def redo(self, recording_id: str, version: str) -> Json:
        """Do again what she took back last."""
        return self._back(recording_id, version, Desk.redo, Desk.do_again)

    def settle(self, recording_id: str, version: str) -> Json:
        """Settle it as the page shows it. Raises StillOpen, Conflict, NotSettledError."""
        desk = self._desk(recording_id)
        self._wait()
        stood = desk.stood
        now, shown = desk.view(self._facts), desk.seen(version)
        if shown is None or _signed(shown) != _signed(now):
            raise Conflict("the transcript was changed meanwhile", advice="look at what is new")
        if now.facts["open"]:
            count = len(now.facts["open"])
            raise StillOpen(f"{count} places are still open", places=now.facts["open"], advice="decide them first")
        if self._reviewer.second:
            desk.sign(places(desk.ready.findings, desk.ready.flagged), stood)
            return self._patch(desk, version)
        settling.sign(self._open, recording_id, self._reviewer.alias, stood, decided=len(desk.past.first))
        settling.check(self._open, recording_id, self._engines)
        return self._patch(desk, version)

    def release(self, body: Json) -> Json:
        """Write a numbered release. Raises as `release.write` does."""
        wanted, formats = body.get("recordings", []), body.get("formats", [])
        unreviewed, level = body.get("unreviewed", False), body.get("level", "team")
        strings = isinstance(wanted, list) and isinstance(formats, list) and isinstance(level, str)
        if not strings or not isinstance(unreviewed, bool) or not all(isinstance(x, str) for x in (*wanted, *formats)):
            raise Malformed("what was sent is no wish for a release")
        self._wait()
        for recording_id in wanted or self._open.study.recordings():
            self._check_speakers(recording_id)
        written = release.write(
            self._open, tuple(wanted), tuple(formats), self._engines, unreviewed=unreviewed, level=level
        )
        files = [*written.files, *written.beside]
        return {"release": written.number, "files": files, "left_out": [list(one) for one in written.left_out]}

    def _check_speakers(self, recording_id: str) -> None:
        """Raises StudyError where a release would say otherwise who speaks than the page shows."""
        signed, shown = (settled(self._open, recording_id, proposed=proposed) for proposed in (False, True))
        if signed is None or shown is None:
            return
        if who(signed.transcript.value.speakers) != who(shown.transcript.value.speakers):
            raise StudyError(
                "who speaks was changed after it was settled", recording_id=recording_id, advice="settle it again"
            )

    # --- people ------------------------------------------------------------------------------------------------------

    def people(self) -> Json:
        """Everybody, and the policy."""
        return self._roll.told()

    def act_on_people(self, body: Json) -> Json:
        """Change who somebody is, or what is written instead of her."""
        self._roll.act(body)
        self._soon(self._refresh_all)
        return self._roll.told()

    def undo_people(self, shown: str | None = None) -> Json:
        """Take back what this reviewer did last to people, which the page has as `shown`."""
        self._roll.undo(shown)
        self._soon(self._refresh_all)
        return self._roll.told()

    def redo_people(self, shown: str | None = None) -> Json:
        """Do again what she took back last."""
        self._roll.redo(shown)
        self._soon(self._refresh_all)
        return self._roll.told()

    # --- within ------------------------------------------------------------------------------------------------------

    def _check(self, recording_id: str) -> None:
        if recording_id not in self._open.study.recordings():
            raise Unknown("there is no such recording", advice="look at the study again")

    def _desk(self, recording_id: str) -> Desk:
        if recording_id not in self._desks:
            self._check(recording_id)
            self._desks.setdefault(recording_id, Desk(self._open, recording_id, self._reviewer))
        return self._desks[recording_id]

    def _first_pass(self, recording_id: str) -> Desk:
        if self._reviewer.second:
            raise StudyError("a second pass is blind to the first", advice="start the review without --second")
        return self._desk(recording_id)

    def _transcript(self, recording_id: str) -> Any:
        try:
            return self._desk(recording_id).ready.transcript.value
        except TranscribeError:  # not run yet, or damaged: the study view says so
            return None

    def _facts(self, desk: Desk) -> Json:
        ready, past, reviewer = desk.ready, desk.past, self._reviewer
        transcript, study = ready.transcript.value, self._open.study
        done = past.last_done(reviewer.alias, second=reviewer.second)
        undone = past.last_undone(reviewer.alias, second=reviewer.second)
        settled = past.settled_second if reviewer.second else ready.settled.review is ReviewState.REVIEWED
        return {
            "id": desk.recording_id,
            "state": "settled" if settled else "in review" if _begun(past) else "to review",
            "timed": transcript.timed,
            "duration_s": desk.duration_s,
            "language": transcript.language,
            "has_sound": study.sound_path(desk.recording_id).exists(),
            "undo": documents.undoable(done),
            "redo": documents.undoable(undone),
            "last": [act.group if act else None for act in (done, undone)],
            "compared": bool(past.second_reviewers) and not reviewer.second,
            "busy": self._busy,
        }

    def _patch(self, desk: Desk, since: str) -> Json:
        before, now = desk.seen(since), desk.view(self._facts)
        if before is None:
            return {"version": now.version, "document": documents.document(now)}
        return documents.patch(before, now)

    def _back(
        self,
        recording_id: str,
        version: str,
        here: Callable[[Desk], str | None],
        elsewhere: Callable[[Desk, str], None],
    ) -> Json:
        desk = self._desk(recording_id)
        now, shown = desk.view(self._facts), desk.seen(version)
        if shown is None or shown.facts["last"] != now.facts["last"]:
            raise Conflict(
                "something else was done last meanwhile", advice="look, and do it again if you still want it"
            )
        group = here(desk)
        if group is None:
            raise Refused("there is nothing to take back or to do again", advice="do something first")
        for other in self._open.study.recordings():
            if other != recording_id and self._open.study.is_reviewed(other) and self._transcript(other) is not None:
                elsewhere(self._desk(other), group)
        acts = [act for act in (*desk.past.done, *desk.past.undone) if act.group == group]
        self._learn(desk, tuple(swap for act in acts for swap in act.entry.swaps))
        self._soon(self._refresh_all)
        return self._patch(desk, version)

    def _same(self, desk: Desk, rest: acts.Everywhere, made: Change) -> list[Any]:
        marks = [m for group in desk.view(self._facts).marks.values() for m in group]
        return list(acts.elsewhere(desk, rest, marks, made.decisions))

    def _everywhere(self, here: Desk, rest: acts.Everywhere, name: str, group: str) -> None:
        """The same in all other recordings that can be read."""
        for recording_id in self._open.study.recordings():
            if recording_id == here.recording_id or self._transcript(recording_id) is None:
                continue
            for left in reversed(range(TRIES)):
                try:
                    self._there(self._desk(recording_id), rest, name, group)
                    break
                except Conflict:  # somebody works there: it is looked at again, since here it is done
                    if not left:
                        raise

    def _there(self, desk: Desk, rest: acts.Everywhere, name: str, group: str) -> None:
        made = Change(name=name, stood=desk.stood)
        decisions = self._same(desk, rest, made)
        if decisions:
            desk.do(replace(made, decisions=tuple(decisions)), group)

    def _follow(self, desk: Desk, made: Change) -> None:
        """What an act brings about beside: repeats of new names, the rules over other words, a voice learnt."""
        self._learn(desk, made.swaps)
        if made.swaps or made.corrections:
            self._soon(self._refresh_all)

    def _learn(self, desk: Desk, swaps: tuple[Swap, ...]) -> None:
        """The voices of the labels of which something else is said now."""
        voices = frozenset(one.label for s in swaps for one in (s.before, s.after) if isinstance(one, Speaker))
        if voices and self._open.study.config.voices:
            self._soon(lambda: enrolment.learn(self._open, desk.recording_id, voices))

    def _refresh_all(self) -> None:
        pipeline.refresh_findings(self._open, self._engines)

    def _warm(self) -> None:
        """Load the rules before they are needed, but once the page stands: it takes a core for seconds."""
        if self._warming is None:
            self._warming = Timer(WARM_AFTER_S, self._load_rules)
            self._warming.daemon = True
            self._warming.start()

    def _load_rules(self) -> None:
        with suppress(RuntimeError):  # the study was locked meanwhile
            self._beside.submit(lambda: self._engines.rules)

    def _soon(self, work: Callable[[], object]) -> None:
        """Do it beside, after what is being done there."""
        self._running = self._beside.submit(lambda: (work(), None)[1])

    @property
    def _busy(self) -> bool:
        return self._running is not None and not self._running.done()

    def _wait(self) -> None:
        """Until nothing is done beside. Raises what went wrong there."""
        if self._running is not None:
            self._running.result()


def _signed(seen: View) -> tuple[Any, ...]:
    """What somebody answers for who settles it: the words, what becomes of them, and who says them."""
    who = [(s["label"], s["role"], s["person"]) for s in seen.facts["speakers"]]
    return seen.utterances, seen.shown, who


def _begun(past: History) -> bool:
    return bool(past.first or past.second or past.corrections or past.done)


def _line(line: Line, turn: str) -> Json:
    """A rendered line in parts: its text, and what stands where something was settled."""
    spans = [
        *((s, "replaced") for s in line.replaced),
        *((s, "kept") for s in line.kept),
        *((s, "unclear") for s in line.unclear),
    ]
    parts, place, text = [], 0, line.text
    for span, what in sorted(spans, key=lambda one: one[0].start):
        parts += [[text[place : span.start], ""], [text[span.start : span.end], what]]
        place = span.end
    parts.append([text[place:], ""])
    return {"turn": turn, "speaker": line.speaker, "start_s": line.start_s, "parts": [p for p in parts if p[0]]}
