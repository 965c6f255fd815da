"""A transcript was recognised anew: what people did to the former one is carried over where the words are the same."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from transcribe import audit, store
from transcribe.history import Current, current, entries
from transcribe.review import corrections
from transcribe.review.carrying import Spoken, alike, beside, carry, spoken
from transcribe.review.corrections import Correction
from transcribe.review.decisions import WITHHOLDING, touches
from transcribe.review.log import Deed, Entry, History, Lost, history
from transcribe.schema import Decision, Quiet, Speaker, Transcript, Utterance, Word, record
from transcribe.vault import Unlocked
from transcribe.wordforms import folded


def carry_over(
    unlocked: Unlocked,
    recording_id: str,
    new: Transcript,
    add: Callable[[Entry], None],
    unplaced: tuple[Speaker, ...] = (),
) -> None:
    """Write down what of the review holds for a transcript that is about to take the former one's place; `add` adds to
    the log, as nobody else may until that is stored; `unplaced` are speakers, as a person corrected them, whose voice
    it does not know.

    Called before that is stored: killed between the two, the former one still has its own log, and this comes again.
    Nothing of it is settled, since nobody has read the new words. What was done to this very transcript, before
    another took its place for a while, comes back where it had no place in that one.
    """
    before = current(unlocked, recording_id)
    base = store.body_sha256(new)
    if before is None or before.history.base == base:
        return
    past = before.history
    if not (past.first or past.second or past.corrections or unplaced):
        return
    found = _carried(before, new, history(entries(unlocked, recording_id), base))
    entry = Entry(
        at=audit.now(),
        reviewer=past.reviewers[-1] if past.reviewers else "",
        deed=Deed.CARRY,
        base=base,
        name="carry",
        group=base[:16],
        decisions=found.first,
        second_decisions=found.second,
        corrections=found.corrections,
        lost=(*found.lost, *(_without_voice(speaker, before.transcript.value, new) for speaker in unplaced)),
    )
    add(entry)


@record
class _Carried(Quiet):
    """Corrections of the new transcript, decisions of both passes at their places in it so corrected, and the rest."""

    corrections: tuple[Correction, ...]
    first: tuple[Decision, ...]
    second: tuple[Decision, ...]
    lost: tuple[Lost, ...]


def _carried(before: Current, new: Transcript, there: History) -> _Carried:
    """`there`: what was done to the new transcript when it stood before, if it did."""
    past, former = before.history, before.transcript.value
    came = past.carried.corrections if past.carried else ()
    ours = corrections.corrected(new, there.corrections)
    between = corrections.corrected(before.base.value, came)
    like = alike(between if there.corrections else before.base.value, ours)
    made: list[Correction] = []
    lost: list[Lost] = []
    amended = ours
    for correction in past.corrections:
        if there.corrections and correction in came:
            continue
        again = _again(correction, amended, like)
        if again is None:
            lost.append(_lost("correction", _text(correction.after), correction.after or correction.before, new))
        else:
            made.append(again)
            amended = corrections.corrected(amended, (again,))
    utterances = {u.id: u for u in former.utterances}
    passes = []
    for decided, decided_there in ((past.first, there.first), (past.second, there.second)):
        found = carry(former, amended, decided)
        had_no_place = carry(ours, between, decided_there).lost
        back = corrections.moved(had_no_place, tuple(made))
        free = [one for one in back if not any(touches(one, other) for other in found.moved)]
        near: list[Decision] = []
        for decision, parts in zip(found.lost, _still_withheld(former, amended, found.lost), strict=True):
            if parts and all(any(touches(part, one) for one in free) for part in parts):
                continue  # as it was decided there
            near += parts
            utterance = utterances[decision.utterance_id]
            text = utterance.text[decision.start : decision.end]
            told = _lost(decision.verdict.value, text, (utterance,), new)
            lost.append(replace(told, withheld=len(parts)))
        passes.append((*free, *near, *found.moved))
    first, second = passes
    return _Carried(corrections=(*there.corrections, *made), first=first, second=second, lost=tuple(lost))


def _still_withheld(old: Transcript, new: Transcript, lost: tuple[Decision, ...]) -> tuple[tuple[Decision, ...], ...]:
    """Where a name that was withheld is withheld still, though other words are recognised there: nobody may know it but
    by that decision. Of what was kept nothing: the rules speak of other words anew.
    """
    if not any(decision.verdict in WITHHOLDING for decision in lost):
        return ((),) * len(lost)
    near = beside(old, new, lost)
    return tuple(n if d.verdict in WITHHOLDING else () for d, n in zip(lost, near, strict=True))


def _again(correction: Correction, new: Transcript, like: dict[Spoken, Spoken]) -> Correction | None:
    """The same change of words, where these very words were recognised again, in a row; turns are made anew.

    `like`: which word of the new transcript each of the former one is; of the words written here, too, from now on.
    """
    if not correction.of_words or not new.timed:
        return None
    old, written = _changed(_words(correction.before), _words(correction.after))
    wanted = [like.get(spoken(word)) for word in old]
    if not old or None in wanted:
        return None
    for utterance in new.utterances:
        there = [spoken(word) for word in utterance.words]
        for first in range(len(there) - len(old) + 1):
            here = slice(first, first + len(old))
            if there[here] == wanted and _texts(utterance.words[here]) == _texts(old):
                text = "".join(word.text for word in written)
                made = corrections.words(new, utterance.id, first, first + len(old) - 1, text)
                again = _changed(_words(made.before), _words(made.after))[1]
                if len(again) == len(written):
                    like |= zip(map(spoken, written), map(spoken, again), strict=True)
                return made
    return None


def _texts(words: Iterable[Word]) -> list[str]:
    return [folded(word.text) for word in words]


def _words(utterances: Iterable[Utterance]) -> list[Word]:
    return [word for utterance in utterances for word in utterance.words]


def _changed(old: list[Word], new: list[Word]) -> tuple[list[Word], list[Word]]:
    """Both without the words that they have in common at the beginning and at the end."""
    head = _common(zip(old, new, strict=False))
    tail = min(_common(zip(reversed(old), reversed(new), strict=False)), min(len(old), len(new)) - head)
    return old[head : len(old) - tail], new[head : len(new) - tail]


def _common(pairs: Iterator[tuple[Word, Word]]) -> int:
    count = 0
    for one, other in pairs:
        if one.text.strip() != other.text.strip():
            break
        count += 1
    return count


def _text(utterances: Iterable[Utterance]) -> str:
    return " ".join(utterance.text for utterance in utterances)


def _without_voice(speaker: Speaker, former: Transcript, new: Transcript) -> Lost:
    said = tuple(u for u in former.utterances if u.speaker == speaker.label)
    return _lost("speaker", f"{speaker.label}, {speaker.role}", said, new)


def _lost(what: str, text: str, where: tuple[Utterance, ...], new: Transcript) -> Lost:
    """With the turn that stands there now, by the clock."""
    at_s = where[0].start_s if where else 0.0
    after = (u for u in new.utterances if u.end_s >= at_s)
    nearest = next(after, new.utterances[-1] if new.utterances else None)
    return Lost(what=what, text=text, utterance_id=nearest.id if nearest else "")
