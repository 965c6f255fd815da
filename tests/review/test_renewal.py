"""A transcript recognised anew: what holds is carried over, what does not is told, and nothing of it is settled."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import NoEngines, add_detected, new_unlocked, person, save_candidates, transcript
from transcribe import history, store
from transcribe.config import StudyConfig
from transcribe.pipeline import refresh_findings
from transcribe.ready import need
from transcribe.review import settling
from transcribe.review.decisions import Review, decide
from transcribe.review.desk import Reviewer
from transcribe.review.log import Deed, Entry
from transcribe.review.office import Office
from transcribe.review.renewal import carry_over
from transcribe.schema import ReviewState, Transcript, Verdict
from transcribe.vault import Unlocked

PEOPLE = (person("P1", "Karen Okonkwo"), person("I1", "Teodor", role="infant", of="P1"))
BEFORE = (("S1", "How is Teodor, Karen?"), ("S2", "He is fine, he sleaps a lot."), ("S1", "Good night Teodor."))
AFTER = (("S1", "So how is Teodor, Karen?"), ("S2", "He is fine, he sleaps a lot."), ("S1", "Good night to you."))
ENGINES = NoEngines(StudyConfig())


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, transcript(*BEFORE), sound=b"x", who=("P1",))
    refresh_findings(opened, ENGINES)
    return opened


def office(unlocked: Unlocked) -> tuple[Office, str]:
    opened = Office(unlocked, ENGINES, Reviewer(alias="AB"))
    version: str = opened.document("R001")["version"]
    return opened, version


def reviewed(unlocked: Unlocked) -> None:
    """Two names kept, a word corrected, a turn given to somebody else."""
    opened, version = office(unlocked)
    marks = [m["id"] for group in opened.document("R001")["marks"].values() for m in group if m["person"] == "I1"]
    for body in (
        {"do": "keep", "marks": marks},
        {"do": "words", "turn": "U0002", "first_word": 4, "last_word": 4, "text": "sleeps"},
        {"do": "speaker", "turn": "U0003", "speaker": "S2"},
    ):
        opened._wait()
        version = opened.changes("R001", version)["version"]
        version = opened.act("R001", {"version": version, **body})["version"]
    opened._wait()


def made_again(unlocked: Unlocked, new: Transcript) -> None:
    """As `run --again recognise` does it: carried over first, stored then."""
    with unlocked.adding("R001") as add:
        carry_over(unlocked, "R001", new, add)
    unlocked.save("R001", "transcript", new, "k2")
    save_candidates(unlocked, new)
    refresh_findings(unlocked, ENGINES)


def test_what_stands_in_the_same_words_is_carried_over_and_the_rest_is_told(unlocked: Unlocked) -> None:
    reviewed(unlocked)
    made_again(unlocked, transcript(*AFTER))
    opened, _ = office(unlocked)
    told = opened.document("R001")
    assert "".join(w[0] for w in told["turns"][1]["words"]) == "He is fine, he sleeps a lot."
    assert [(m["person"], m["state"], m["decided"]) for m in told["marks"]["U0001"]] == [
        ("I1", "kept", True),
        ("P1", "withheld", False),
    ]
    assert told["carried"]["kept"] == 2
    assert [(one["what"], one["turn"]) for one in told["carried"]["lost"]] == [
        ("correction", "U0003"),
        ("keep", "U0003"),
    ]
    assert told["state"] == "in review"


def test_a_name_that_somebody_marked_is_withheld_though_it_is_recognised_as_another_word(unlocked: Unlocked) -> None:
    opened, version = office(unlocked)
    act = {"version": version, "do": "add", "turn": "U0002", "start": 15, "end": 21, "who": {"kind": "person"}}
    opened.act("R001", act)  # sleaps
    opened._wait()
    made_again(unlocked, transcript(BEFORE[0], ("S2", "He is fine, he Slepez a lot."), BEFORE[2]))
    opened, _ = office(unlocked)
    told = opened.document("R001")
    assert [(m["start"], m["end"], m["state"], m["by"]) for m in told["marks"]["U0002"]] == [(15, 21, "withheld", "AB")]
    assert (told["carried"]["kept"], len(told["carried"]["lost"])) == (0, 1)  # she is told all the same


def test_nothing_counts_as_settled_that_nobody_has_read(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB")
    assert need(unlocked, "R001").settled.review is ReviewState.REVIEWED
    made_again(unlocked, transcript(*AFTER))
    assert need(unlocked, "R001").settled.review is ReviewState.UNREVIEWED


def test_killed_before_the_new_transcript_was_stored_the_old_review_stands(unlocked: Unlocked) -> None:
    reviewed(unlocked)
    before = history.need_current(unlocked, "R001").history
    with unlocked.adding("R001") as add:
        carry_over(unlocked, "R001", transcript(*AFTER), add)
    assert history.need_current(unlocked, "R001").history == before
    made_again(unlocked, transcript(*AFTER))
    assert history.need_current(unlocked, "R001").history.carried is not None


def test_what_had_no_place_in_another_transcript_comes_back_with_its_own(unlocked: Unlocked) -> None:
    """Turns by channel and by voice again, say. What was taken back meanwhile stays so, and what was done is kept."""
    reviewed(unlocked)
    before = history.need_current(unlocked, "R001")
    made_again(unlocked, transcript(*AFTER))
    opened, version = office(unlocked)
    told = opened.document("R001")
    (kept,) = (m["id"] for m in told["marks"]["U0001"] if m["person"] == "I1")
    (karen,) = (m["id"] for m in told["marks"]["U0001"] if m["person"] == "P1")
    version = opened.act("R001", {"version": version, "do": "accept", "marks": [kept]})["version"]
    opened._wait()
    version = opened.changes("R001", version)["version"]
    opened.act("R001", {"version": version, "do": "keep", "marks": [karen]})
    opened._wait()
    made_again(unlocked, transcript(*BEFORE))
    again = history.need_current(unlocked, "R001")
    assert again.transcript.value == before.transcript.value
    where = {(d.utterance_id, d.start): d.verdict for d in again.history.first}
    assert where == {
        ("U0001", 7): Verdict.ACCEPT,
        ("U0001", 15): Verdict.KEEP,
        ("U0003", 11): Verdict.KEEP,
    }  # fmt: skip
    assert again.history.settled is None
    assert again.history.carried is not None
    assert again.history.carried.lost == ()


def test_a_second_pass_is_carried_over_too(unlocked: Unlocked) -> None:
    reviewed(unlocked)
    marked = history.need_current(unlocked, "R001").history
    second = Entry(
        at="2026-01-02T00:00:00Z", reviewer="CD", deed=Deed.ACT, base=marked.base, group="g", second=True,
        decisions=tuple(replace(one, reviewer="CD") for one in marked.first),
    )  # fmt: skip
    unlocked.append("R001", second)
    made_again(unlocked, transcript(*AFTER))
    past = history.need_current(unlocked, "R001").history
    assert [(one.utterance_id, one.reviewer) for one in past.first] == [("U0001", "AB")]
    assert [(one.utterance_id, one.reviewer) for one in past.second] == [("U0001", "CD")]
    assert past.carried is not None
    assert [one.what for one in past.carried.lost] == ["correction", "keep", "keep"]


def test_the_same_transcript_made_again_changes_nothing(unlocked: Unlocked) -> None:
    reviewed(unlocked)
    count = len(store.numbered(unlocked.study.log_path("R001")))
    with unlocked.adding("R001") as add:
        carry_over(unlocked, "R001", transcript(*BEFORE), add)
    assert len(store.numbered(unlocked.study.log_path("R001"))) == count


def test_a_review_that_an_earlier_version_kept_still_counts(unlocked: Unlocked) -> None:
    ready = need(unlocked, "R001")
    finding = next(f for f in ready.findings.found if f.person_id == "I1")
    seen = tuple(f"{f.utterance_id}:{f.start}-{f.end}" for f in ready.findings.found)
    kept = decide(finding, Verdict.KEEP, "AB", "2026-01-02T00:00:00Z")
    former = Review(decisions=(kept,), source=ready.history.base, seen=seen, reviewer="AB", settled_on="2026-01-03")
    unlocked.save("R001", "review", former)
    now = need(unlocked, "R001")
    assert (now.settled.review, now.settled.settled_on) == (ReviewState.REVIEWED, "2026-01-03")
    assert [f.person_id for f in now.settled.kept] == ["I1"]
    opened, version = office(unlocked)
    opened.act(
        "R001", {"version": version, "do": "accept", "marks": [opened.document("R001")["marks"]["U0001"][0]["id"]]}
    )
    assert need(unlocked, "R001").settled.review is ReviewState.UNREVIEWED
    assert unlocked.appended("R001", Entry)[0].deed is Deed.ACT


def corrected(unlocked: Unlocked, *acts: tuple[str, int, str]) -> list[str]:
    """Words of turns corrected on the page, one after the other; the text then."""
    opened, version = office(unlocked)
    for turn, word, text in acts:
        body = {"do": "words", "turn": turn, "first_word": word, "last_word": word, "text": text}
        version = opened.act("R001", {"version": version, **body})["version"]
        opened._wait()
        version = opened.changes("R001", version)["version"]
    return said(unlocked)


def said(unlocked: Unlocked) -> list[str]:
    return [u.text for u in history.need_current(unlocked, "R001").transcript.value.utterances]


def later(talk: Transcript, by_s: float) -> Transcript:
    """Each word recognised so much later, and another model's word at the end."""
    moved = tuple(
        replace(u, words=tuple(replace(w, start_s=w.start_s + by_s, end_s=w.end_s + by_s) for w in u.words))
        for u in talk.utterances
    )
    last = moved[-1]
    more = replace(last.words[-1], text=" Mhm.", start_s=last.words[-1].end_s)
    return replace(talk, utterances=(*moved[:-1], replace(last, words=(*last.words, more))))


TALK = transcript(("S1", "So I said no I said he hit me."), ("S1", "Well."), ("S2", "Yes."), ("S1", "Yes."))
SOON = replace(
    TALK.utterances[3], start_s=31.0, words=(replace(TALK.utterances[3].words[0], start_s=31.0, end_s=31.4),)
)
NEAR = replace(TALK, utterances=(*TALK.utterances[:3], SOON))  # the last two a second apart


@pytest.mark.parametrize("by_s", [0.0, 0.6, -0.6])
@pytest.mark.parametrize(
    "acts",
    [
        (("U0001", 4, "she"),),
        (("U0001", 1, "he"), ("U0001", 4, "she")),
        (("U0004", 0, "No."),),
        (("U0003", 0, "No."),),
        (("U0001", 4, "she"), ("U0001", 4, "we two"), ("U0001", 5, "I")),
    ],
)
def test_a_correction_is_carried_to_the_very_word_that_was_corrected(
    tmp_path: Path, acts: tuple[tuple[str, int, str], ...], by_s: float
) -> None:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, NEAR, sound=b"x", who=("P1",))
    refresh_findings(opened, ENGINES)
    before = corrected(opened, *acts)
    made_again(opened, later(NEAR, by_s))
    assert said(opened) == [*before[:-1], f"{before[-1]} Mhm."]


def test_a_correction_of_a_word_that_is_not_there_again_is_told_and_lands_on_no_other(tmp_path: Path) -> None:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, NEAR, sound=b"x", who=("P1",))
    refresh_findings(opened, ENGINES)
    corrected(opened, ("U0004", 0, "No."))
    less = replace(NEAR, utterances=NEAR.utterances[:3])
    made_again(opened, less)
    past = history.need_current(opened, "R001").history
    assert said(opened) == [u.text for u in less.utterances]
    assert past.carried is not None
    assert [one.what for one in past.carried.lost] == ["correction"]
