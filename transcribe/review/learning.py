"""What accepted decisions teach: who is meant, and how the recogniser writes her name ("also heard as"). Pure.

Whom a rule found is searched for in the whole study once a reviewer has accepted her, however unsure the rule was.
Only what is no ordinary word is learnt, and nothing that is also somebody else's name: a learnt form is searched for in
the whole study and checked by the gate, and "we'll" for Will or "Eva" for Aoife would withhold the wrong words there.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from transcribe.detect import lexicon
from transcribe.detect.identity import acknowledged, lower_words, position_only, with_more
from transcribe.schema import Finding, Person, Transcript
from transcribe.wordforms import folded, search_forms

RARE = 3.5  # zipf: a word said less than three times in a million
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)


def learnt(transcript: Transcript, accepted: Iterable[Finding], people: Iterable[Person]) -> tuple[Person, ...]:
    """The people who are searched for from now on, at all or by a form that was heard. `accepted` are spans of this
    transcript, each with a person.
    """
    spans, before = tuple(accepted), {person.id: person for person in people}
    texts = {utterance.id: utterance.text for utterance in transcript.utterances}
    lower = lower_words(transcript.utterances)
    meant = {finding.person_id for finding in spans}
    known = {i: acknowledged(person, lower) if i in meant else person for i, person in before.items()}
    bearers = {folded(form) for person in known.values() for form in search_forms(person)}
    for finding in spans:
        bearer = known.get(finding.person_id or "")
        if bearer is None or bearer.sealed is not None:
            continue
        surface = _POSSESSIVE.sub("", texts[finding.utterance_id][finding.start : finding.end])
        form = folded(surface)
        if form in bearers or not form or position_only(bearer.kind, surface, lower) or not _rare(form):
            continue
        bearers.add(form)
        known[bearer.id] = with_more(bearer, replace(bearer, heard=(*bearer.heard, surface)))
    return tuple(person for i, person in known.items() if person != before[i])


def _rare(form: str) -> bool:
    """Whether each of its words is: one common word among them would be searched for with the rest."""
    return all(lexicon.zipf(word) < RARE for word in re.findall(r"[^\W\d_]+", form))
