"""The log of a review: what stands after acts, undo, redo, corrections, settling and carrying over."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import transcript
from transcribe.review import corrections
from transcribe.review.corrections import Correction, corrected
from transcribe.review.log import FORGET, Deed, Entry, Fold, History, Lost, history
from transcribe.schema import Decision, Kind, Verdict

TALK = transcript(("S1", "My husband Dave works late."), ("S2", "And Poppy, how is she?"))
BASE = "base"


def decision(turn: str, text: str, verdict: Verdict = Verdict.ACCEPT, talk: Any = TALK) -> Decision:
    start = next(u.text for u in talk.utterances if u.id == turn).index(text)
    return Decision(
        utterance_id=turn, start=start, end=start + len(text), verdict=verdict, kind=Kind.PERSON, person_id="P1",
        reviewer="AB", at="2026-02-03T00:00:00Z",
    )  # fmt: skip


DAVE, POPPY = decision("U0001", "Dave"), decision("U0002", "Poppy")


def entry(deed: Deed = Deed.ACT, group: str = "g", **fields: Any) -> Entry:
    given_ = {"at": "2026-02-03T10:00:00Z", "reviewer": "AB", "base": BASE, "name": "accept", **fields}
    return Entry(deed=deed, group=group, **given_)


def edit(word: int, text: str, talk: Any = TALK) -> Correction:
    return corrections.words(talk, "U0001", word, word, text)


def after(*entries: Entry) -> History:
    return history(entries, BASE)


def test_nothing_done_is_nothing_settled() -> None:
    past = after()
    assert (past.first, past.settled, past.source, past.settled_on) == ((), None, BASE, "")
    assert past.review().seen == ()


def test_what_is_about_another_transcript_does_not_count() -> None:
    assert after(entry(decisions=(DAVE,), base="other")).first == ()


def test_undo_takes_back_the_last_act_and_redo_does_it_again_without_limit() -> None:
    log = [entry(group="1", decisions=(DAVE,)), entry(group="2", decisions=(POPPY,))]
    assert after(*log).first == (DAVE, POPPY)
    log.append(entry(Deed.UNDO, "2"))
    assert after(*log).first == (DAVE,)
    assert after(*log).last_done("AB", second=False).group == "1"  # type: ignore[union-attr]
    log.append(entry(Deed.UNDO, "1"))
    assert (after(*log).first, after(*log).last_done("AB", second=False)) == ((), None)
    log += [entry(Deed.REDO, "1"), entry(Deed.REDO, "2")]
    assert after(*log).first == (DAVE, POPPY)
    assert after(*log).last_undone("AB", second=False) is None


def test_a_new_act_ends_what_could_be_done_again_but_only_of_that_reviewer() -> None:
    log = [entry(group="1", decisions=(DAVE,)), entry(Deed.UNDO, "1")]
    other = entry(group="2", decisions=(POPPY,), reviewer="CD")
    assert after(*log, other).last_undone("AB", second=False) is not None
    assert after(*log, replace(other, reviewer="AB")).last_undone("AB", second=False) is None


def test_each_reviewer_takes_back_her_own() -> None:
    past = after(entry(group="1", decisions=(DAVE,)), entry(group="2", decisions=(POPPY,), reviewer="CD"))
    assert past.last_done("AB", second=False).group == "1"  # type: ignore[union-attr]
    assert past.last_done("CD", second=False).group == "2"  # type: ignore[union-attr]


def test_what_is_done_again_outweighs_what_was_done_meanwhile() -> None:
    keep = replace(DAVE, verdict=Verdict.KEEP)
    log = (entry(group="1", decisions=(DAVE,)), entry(Deed.UNDO, "1"))
    other = entry(group="2", decisions=(keep,), reviewer="CD")
    assert after(*log, other, entry(Deed.REDO, "1")).first == (keep, DAVE)


def test_what_a_withdrawal_decided_is_taken_back_by_nobody_nor_is_what_might_name_her_again() -> None:
    kept = decision("U0001", "Dave", Verdict.KEEP)
    log = [
        entry(group="1", decisions=(kept,)),
        entry(Deed.UNDO, "1"),
        entry(group="2", corrections=(edit(2, " David"),)),
        entry(group="3", decisions=(POPPY,)),
        entry(group="4", decisions=(POPPY,), name=FORGET),
    ]
    past = after(*log)
    assert past.first == (POPPY, POPPY)
    assert [act.group for act in past.done] == ["3"]
    assert not past.undone
    assert after(*log, entry(Deed.UNDO, "3"), entry(Deed.UNDO, "4")).first == (POPPY,)


def test_settling_holds_until_anything_is_done() -> None:
    signed = entry(Deed.SETTLE, seen=("U0001:11-15",))
    assert after(signed).settled_on == "2026-02-03"
    assert after(signed).review().seen == ("U0001:11-15",)
    for more in (entry(decisions=(DAVE,)), entry(corrections=(edit(4, "early."),))):
        assert after(signed, more).settled is None
    assert after(entry(group="1", decisions=(DAVE,)), signed, entry(Deed.UNDO, "1")).settled is None


def test_the_second_pass_is_its_own_but_for_the_words() -> None:
    signed = entry(Deed.SETTLE, seen=("x",))
    past = after(entry(decisions=(DAVE,)), signed, entry(group="2", second=True, decisions=(POPPY,), reviewer="CD"))
    assert (past.first, past.second) == ((DAVE,), (POPPY,))
    assert past.settled is not None
    assert past.settled_second is None
    assert past.review(second=True).decisions == (POPPY,)
    edited = after(signed, entry(group="3", second=True, corrections=(edit(4, "early."),), reviewer="CD"))
    assert edited.settled is None  # other words are to be read again


def test_decisions_move_with_the_words_and_come_back_when_a_correction_is_taken_back() -> None:
    longer = edit(1, "former husband")
    past = after(entry(group="1", decisions=(DAVE,)), entry(group="2", corrections=(longer,)))
    (there,) = past.first
    assert corrected(TALK, past.corrections).utterances[0].text[there.start : there.end] == "Dave"
    undone = entry(Deed.UNDO, "2", corrections=(longer.inverse,))
    past = after(entry(group="1", decisions=(DAVE,)), entry(group="2", corrections=(longer,)), undone)
    assert (past.first, past.corrections, past.sources) == ((DAVE,), (), (BASE,))


def test_a_decision_on_a_word_that_was_corrected_comes_back_with_the_word() -> None:
    other = edit(2, "Dafydd")
    log = (entry(group="1", decisions=(DAVE,)), entry(group="2", corrections=(other,)))
    talk = corrected(TALK, (other,))
    assert after(*log).first == (decision("U0001", "Dafydd", talk=talk),)  # withheld in other words
    assert after(*log, entry(Deed.UNDO, "2", corrections=(other.inverse,))).first == (DAVE,)
    kept = entry(group="1", decisions=(decision("U0001", "Dave", Verdict.KEEP),))
    assert after(kept, log[1]).first == ()


def test_a_mark_comes_back_with_its_word_though_somebody_corrected_another_turn_meanwhile() -> None:
    other, hers = edit(2, "Dafydd"), corrections.words(TALK, "U0002", 0, 0, "And what of")
    log = [
        entry(group="1", decisions=(DAVE,)),
        entry(group="2", corrections=(other,)),
        entry(group="3", corrections=(hers,), reviewer="CD"),
        entry(Deed.UNDO, "2", corrections=(other.inverse,)),
    ]
    assert after(*log).first == (DAVE,)
    log += [entry(group="4", decisions=(POPPY,), reviewer="CD"), entry(Deed.REDO, "2", corrections=(other,))]
    assert after(*log[:-1]).first == (DAVE, POPPY)
    assert set(after(*log).first) == {decision("U0001", "Dafydd", talk=corrected(TALK, (other,))), POPPY}
    again = entry(Deed.UNDO, "2", corrections=(other.inverse,))
    assert after(*log, again).first == (DAVE, POPPY)
    assert after(*log, entry(Deed.UNDO, "3", corrections=(hers.inverse,), reviewer="CD"), again).first == (DAVE,)


def test_it_comes_back_through_several_corrections_of_its_turn_whoever_took_them_back_between() -> None:
    one, hers = edit(2, "Dafydd"), corrections.words(TALK, "U0002", 0, 0, "And what of")
    talk = corrected(TALK, (one, hers))
    longer = edit(1, "former husband", talk)
    there = decision("U0001", "Dafydd", talk=corrected(talk, (longer,)))
    log = (
        entry(group="1", decisions=(DAVE,)),
        entry(group="2", corrections=(one,)),
        entry(group="3", corrections=(longer,)),
        entry(group="4", corrections=(hers,), reviewer="CD"),
        entry(group="5", decisions=(there,)),
        entry(Deed.UNDO, "3", corrections=(longer.inverse,)),
        entry(Deed.UNDO, "2", corrections=(one.inverse,)),
    )
    assert set(after(*log[:-1]).first) == {decision("U0001", "Dafydd", talk=talk)}
    assert set(after(*log).first) == {DAVE}


def test_a_split_that_is_taken_back_after_a_correction_elsewhere_gives_the_mark_back() -> None:
    parted = corrections.split(TALK, "U0001", 3)
    hers = corrections.words(TALK, "U0002", 0, 0, "And what of")
    across = decision("U0001", "Dave works")
    log = (
        entry(group="1", decisions=(across, DAVE)),
        entry(group="2", corrections=(parted,)),
        entry(group="3", corrections=(hers,), reviewer="CD"),
        entry(Deed.UNDO, "2", corrections=(parted.inverse,)),
    )
    talk = corrected(TALK, (parted,))
    assert after(*log[:-1]).first == (DAVE, decision("U0003", "works", talk=talk), DAVE)
    assert after(*log).first == (across, DAVE)


def test_a_decision_taken_after_a_correction_stays_when_that_is_taken_back_unless_its_words_go() -> None:
    longer = edit(1, "former husband")
    talk = corrected(TALK, (longer,))
    later = decision("U0001", "Dave", talk=talk)
    former = decision("U0001", "former", talk=talk)
    log = (
        entry(group="1", corrections=(longer,)),
        entry(group="2", decisions=(later, former), reviewer="CD"),
        entry(Deed.UNDO, "1", corrections=(longer.inverse,)),
    )
    assert after(*log).first == (DAVE,)


def test_what_points_into_a_transcript_that_was_taken_back_finds_its_way() -> None:
    one = edit(2, "Dafydd")
    past = after(entry(group="1", corrections=(one,)), entry(Deed.UNDO, "1", corrections=(one.inverse,)))
    between = after(entry(group="1", corrections=(one,))).source
    assert past.retired[between].to == BASE
    again = after(
        entry(group="1", corrections=(one,)),
        entry(Deed.UNDO, "1", corrections=(one.inverse,)),
        entry(Deed.REDO, "1", corrections=(one,)),
    )
    assert again.source == between


def test_what_was_carried_over_is_the_beginning() -> None:
    lost = Lost(what="keep", text="Dave", utterance_id="U0001")
    carried = entry(Deed.CARRY, base="new", decisions=(POPPY,), lost=(lost,))
    log = [entry(decisions=(DAVE,)), entry(Deed.SETTLE), carried]
    assert history(log, BASE).first == (DAVE,)  # killed before the new transcript was stored
    past = history(log, "new")
    assert (past.first, past.settled, past.carried) == ((POPPY,), None, carried)
    assert past.done == ()


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["decide", "edit", "undo", "redo", "settle"]), max_size=14))
def test_taking_entries_one_by_one_is_reading_the_log_and_undo_of_all_is_the_beginning(deeds: list[str]) -> None:
    fold, log = Fold(BASE), []
    for number, deed in enumerate(deeds):
        past = fold.history()
        talk = corrected(TALK, past.corrections)
        done, undone = past.last_done("AB", second=False), past.last_undone("AB", second=False)
        if deed == "decide":
            one = entry(group=str(number), decisions=(decision("U0002", "Poppy"),))
        elif deed == "edit":
            one = entry(group=str(number), corrections=(edit(number % 5, f"word{number} more", talk),))
        elif deed == "undo" and done:
            one = entry(Deed.UNDO, done.group, corrections=tuple(c.inverse for c in reversed(done.entry.corrections)))
        elif deed == "redo" and undone:
            one = entry(Deed.REDO, undone.group, corrections=undone.entry.corrections)
        elif deed == "settle":
            one = entry(Deed.SETTLE)
        else:
            continue
        log.append(one)
        fold.take(one)
        assert fold.history() == history(log, BASE)
    while (done := fold.history().last_done("AB", second=False)) is not None:
        fold.take(entry(Deed.UNDO, done.group, corrections=tuple(c.inverse for c in reversed(done.entry.corrections))))
    assert (fold.history().first, fold.history().corrections) == ((), ())


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["AB", "CD"]), st.sampled_from(["edit", "split", "undo", "redo"]), st.integers(0, 2)),
        max_size=14,
    )
)
def test_whatever_two_people_correct_in_turns_of_their_own_marks_come_back_when_all_is_taken_back(
    deeds: list[tuple[str, str, int]],
) -> None:
    fold = Fold(BASE)
    fold.take(entry(group="marks", reviewer="EF", decisions=(DAVE, POPPY)))
    for number, (who, deed, word) in enumerate(deeds):
        past, turn = fold.history(), {"AB": "U0001", "CD": "U0002"}[who]
        talk = corrected(TALK, past.corrections)
        words = len(next(u.words for u in talk.utterances if u.id == turn))
        done, undone = past.last_done(who, second=False), past.last_undone(who, second=False)
        if deed == "edit":
            made = corrections.words(talk, turn, word % words, word % words, f"word{number} more")
            fold.take(entry(group=str(number), reviewer=who, corrections=(made,)))
        elif deed == "split" and words > 1:
            made = corrections.split(talk, turn, 1 + word % (words - 1))
            fold.take(entry(group=str(number), reviewer=who, corrections=(made,)))
        elif deed == "undo" and done:
            fold.take(entry(Deed.UNDO, done.group, reviewer=who, corrections=(done.entry.corrections[0].inverse,)))
        elif deed == "redo" and undone:
            fold.take(entry(Deed.REDO, undone.group, reviewer=who, corrections=undone.entry.corrections))
    for who in ("AB", "CD"):
        while (done := fold.history().last_done(who, second=False)) is not None:
            fold.take(entry(Deed.UNDO, done.group, reviewer=who, corrections=(done.entry.corrections[0].inverse,)))
    assert fold.history().first == (DAVE, POPPY)
    assert corrected(TALK, fold.history().corrections) == TALK


@pytest.mark.parametrize("deed", [Deed.UNDO, Deed.REDO])
def test_a_group_that_nobody_did_changes_nothing(deed: Deed) -> None:
    assert after(entry(group="1", decisions=(DAVE,)), entry(deed, "unknown")).first == (DAVE,)
