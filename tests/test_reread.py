"""The second reading: what it finds stands outside what was settled, at its place in the transcript. Invented names."""

from tests.builders import finding, person, transcript
from transcribe.anonymise import anonymise
from transcribe.config import Policy
from transcribe.reread import RULE, read_again
from transcribe.review.decisions import Settled
from transcribe.schema import Finding, Kind, Reason, ReviewState, Transcript

ANNA = person("P1", "Anna", pseudonym="Wilhelmina")
SAID = transcript(("S1", "Anna met Orla Venn."), ("S2", "Anna, Anna and Bo's friend Bo."))
REPLACED = (
    finding("U0001", 0, 4, ANNA),
    finding("U0002", 0, 4, ANNA),
    finding("U0002", 6, 10, ANNA),
)
KEPT = (finding("U0002", 20, 26, None, kind=Kind.OTHER),)


def read(*surfaces: str, score: float = 0.9, rule: str = "fake") -> list[str]:
    """What a second reading brings when the rules see these texts in the finished lines, as surfaces said."""
    settled = Settled(replaced=REPLACED, kept=KEPT, review=ReviewState.UNREVIEWED, settled_on="2026-01-01")
    finished = anonymise(SAID, settled, {"P1": ANNA}, Policy(), "digest")

    def detect(as_read: Transcript) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                id="", utterance_id=u.id, start=u.text.index(s), end=u.text.index(s) + len(s), kind=Kind.PERSON,
                person_id=None, score=score, reason=Reason(rule=rule),
            )
            for u in as_read.utterances
            for s in surfaces
            if s in u.text
        )  # fmt: skip

    found = read_again(SAID, finished, (*REPLACED, *KEPT), detect)
    assert all(f.reason.rule == RULE for f in found)
    texts = {u.id: u.text for u in SAID.utterances}
    return [texts[f.utterance_id][f.start : f.end] for f in found]


def test_what_it_finds_is_told_in_positions_of_the_transcript() -> None:
    assert read("Orla Venn") == ["Orla Venn"]
    assert read("Bo's") == ["Bo's"]
    assert read("Bo.") == ["Bo"]


def test_a_replacement_or_a_kept_word_is_no_finding() -> None:
    assert read("Wilhelmina") == []
    assert read("friend") == []


def test_what_stands_beside_a_replacement_is() -> None:
    assert read("Wilhelmina met Orla Venn") == ["met Orla Venn"]
    assert read("Wilhelmina and") == []  # nothing but little words


def test_what_sounds_like_a_name_only_with_a_replacement_is_none() -> None:
    assert read("Wilhelmina met Orla Venn", rule="approximate") == []  # nobody said "Wilhelmina"
    assert read("friend Bo.", rule="approximate") == ["Bo"]
    assert read("Orla Venn", rule="approximate") == ["Orla Venn"]


def test_a_mere_possibility_was_asked_about_at_the_first_reading() -> None:
    assert read("Orla Venn", score=0.3) == []
