"""Two operating points, and the second reading, over a study: what is only possible is asked, or withheld."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import NoEngines, add_detected, new_unlocked, person, says_nothing_of, transcript
from transcribe import explain, release, show
from transcribe.config import StudyConfig
from transcribe.errors import NotSettledError, StudyError
from transcribe.pipeline import Candidates, refresh_findings
from transcribe.ready import need, preview, settled
from transcribe.review import documents, settling
from transcribe.schema import Finding, Kind, MadeBy, Reason, ReviewState, Transcript, Utterance
from transcribe.vault import Unlocked

TALK = (("S1", "Karen, did Orla Venn see the brook?"), ("S2", "Yes, Karen, and Sibley was kind."))
POSSIBLE = {"Orla Venn": 0.3, "brook": 0.15, "Sibley": 0.8}


class SeesNames:
    """A rule that sees these texts as names, with these scores, if `only` holds of the utterance."""

    made_by = MadeBy(stage="detect", engine="fake", version="1", model="none", model_sha256="0")

    def __init__(self, names: dict[str, float], only: str = "") -> None:
        self._names, self._only = names, only

    def find(self, utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                id="", utterance_id=u.id, start=u.text.index(name), end=u.text.index(name) + len(name),
                kind=Kind.PERSON, person_id=None, score=score, reason=Reason(rule="fake", detail="seen", score=score),
            )
            for u in utterances
            for name, score in self._names.items()
            if name in u.text and self._only in u.text
        )  # fmt: skip


class Engines(NoEngines):
    """Engines with such a rule."""

    def __init__(self, rule: SeesNames) -> None:
        super().__init__(StudyConfig())
        self.rules = (rule,)  # type: ignore[assignment]
        self.config = self.config.model_copy(
            update={"detection": self.config.detection.model_copy(update={"rules": {}})}
        )


ENGINES = Engines(SeesNames(POSSIBLE))


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(
        tmp_path / "study", (person("P1", "Karen Okonkwo"), person("R1", "Tamsin", role="interviewer"))
    )
    said = transcript(*TALK)
    add_detected(opened, said, who=("P1", "R1"), sound=b"x")
    stored = opened.load("R001", "candidates", Candidates)
    assert stored
    found = ENGINES.rules[0].find(said.utterances)
    opened.save("R001", "candidates", replace(stored.value, found=found), "k")
    refresh_findings(opened, ENGINES)
    return opened


def at_point(unlocked: Unlocked, point: str) -> Unlocked:
    settings = unlocked.study.root / "study.toml"
    settings.write_text(settings.read_text().replace('operating_point = "reviewed"', f'operating_point = "{point}"'))
    unlocked.study.__dict__.pop("config", None)
    return unlocked


def text(unlocked: Unlocked) -> str:
    return " ".join(line.text for line in preview(unlocked, need(unlocked, "R001", proposed=True)).lines)


def test_balanced_what_is_only_possible_stays_until_somebody_says_so(unlocked: Unlocked) -> None:
    assert "Orla Venn" in text(unlocked)
    assert "brook" in text(unlocked)
    assert "Sibley" not in text(unlocked)
    settling.settle(unlocked, "R001", "AB", accept=("F0001:11-20",))
    settling.check(unlocked, "R001", ENGINES)
    now = settled(unlocked, "R001")
    assert now
    assert now.settled.review is ReviewState.REVIEWED
    assert "Orla Venn" not in text(unlocked)
    assert "brook" in text(unlocked)
    assert any(p.forms == ("Orla Venn",) and p.found for p in unlocked.vault.people)  # somebody now


def test_at_the_other_point_and_unreviewed_every_question_is_withheld(unlocked: Unlocked) -> None:
    written = release.write(unlocked, (), ("txt",), ENGINES, unreviewed=True)
    body = (Path(written.folder) / written.files[0]).read_text()
    says_nothing_of(body, "Karen", "Orla", "Venn", "brook", "Sibley")
    assert "brook" not in text(at_point(unlocked, "unreviewed"))


def test_what_was_settled_while_questions_were_withheld_stays_withheld(unlocked: Unlocked) -> None:
    at_point(unlocked, "unreviewed")
    settling.settle(unlocked, "R001", "AB")
    settling.check(unlocked, "R001", ENGINES)
    settings = unlocked.study.root / "study.toml"
    settings.write_text(settings.read_text().replace('"unreviewed"  #', '"reviewed"  #'))
    unlocked.study.read_config_again()
    assert unlocked.study.config.detection.operating_point == "reviewed"
    written = release.write(unlocked, ("R001",), ("txt",), ENGINES, unreviewed=False)
    says_nothing_of((Path(written.folder) / written.files[0]).read_text(), "Orla", "Venn", "brook")
    settling.settle(unlocked, "R001", "AB")  # now she sees them open
    assert "brook" in text(unlocked)


def test_questions_are_listed_in_their_context_for_the_key_holder_alone(unlocked: Unlocked) -> None:
    shown = show.identified(unlocked, "R001", "txt")
    assert "F0001:11-20 [00:00:10] a name? (30%) ...Karen, did >Orla Venn< see the brook?..." in shown
    assert "Sibley" not in shown.split("To decide:")[1]
    says_nothing_of(unlocked.study.journal_path.read_text(), "Orla", "Venn")


def test_each_finding_tells_why_it_is_one(unlocked: Unlocked) -> None:
    told = explain.explain(unlocked, "R001", "F0001:11-20")
    assert (told["state"], told["score"], told["kind"]) == (explain.QUESTION, 0.3, "person")
    assert told["evidence"] == [{"rule": "fake", "detail": "seen", "score": 0.3}]
    assert explain.explain(unlocked, "R001", "F0001:0-5")["person"] == "P1"
    with pytest.raises(StudyError):
        explain.explain(unlocked, "R001", "F0099:0-5")


def test_a_second_reading_withholds_more_where_nobody_reviews(unlocked: Unlocked) -> None:
    strict = Engines(SeesNames({"kind": 0.9}, only="["))  # sees it only beside a replacement
    written = release.write(unlocked, (), ("txt",), strict, unreviewed=True)
    says_nothing_of((Path(written.folder) / written.files[0]).read_text().split("[00:00:20]")[1], "kind")


def test_and_asks_the_reviewer_once_more(unlocked: Unlocked) -> None:
    strict = Engines(SeesNames({"kind": 0.9}, only="["))
    settling.settle(unlocked, "R001", "AB")
    with pytest.raises(NotSettledError) as refused:
        settling.check(unlocked, "R001", strict)
    says_nothing_of(refused.value, "kind", "Karen", "Orla")
    with pytest.raises(NotSettledError):
        release.write(unlocked, ("R001",), ("txt",), strict, unreviewed=False)
    settling.settle(unlocked, "R001", "AB", reject=("G0002:27-31",))
    settling.check(unlocked, "R001", strict)
    assert "was kind" in text(unlocked)
    assert release.write(unlocked, ("R001",), ("txt",), strict, unreviewed=False).files


def test_a_text_that_was_read_again_is_not_read_a_third_time(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB")
    settling.check(unlocked, "R001", ENGINES)

    class Never(SeesNames):
        def find(self, utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]:
            raise AssertionError("read again")

    release.write(unlocked, ("R001",), ("txt",), Engines(Never({})), unreviewed=False)


def test_parts_in_another_language_are_never_released_unreviewed(unlocked: Unlocked) -> None:
    stored = unlocked.load("R001", "candidates", Candidates)
    assert stored
    unlocked.save("R001", "candidates", replace(stored.value, foreign=("U0002",)), "k")
    refresh_findings(unlocked, ENGINES)
    with pytest.raises(NotSettledError, match="language"):
        release.write(unlocked, ("R001",), ("txt",), ENGINES, unreviewed=True)
    assert "U0002: in another language?" in show.identified(unlocked, "R001", "txt")
    settling.settle(unlocked, "R001", "AB")
    settling.check(unlocked, "R001", ENGINES)
    assert release.write(unlocked, ("R001",), ("txt",), ENGINES, unreviewed=False).files


def test_a_transcript_of_another_source_is_no_second_reading(unlocked: Unlocked) -> None:
    strict = Engines(SeesNames({"kind": 0.9}, only="["))
    release.write(unlocked, (), ("txt",), strict, unreviewed=True)
    again = transcript(*TALK, ("S1", "Thank you, Karen."))
    unlocked.save("R001", "transcript", again, "k2")
    stored = unlocked.load("R001", "transcript", Transcript)
    assert stored
    candidates = Candidates(source=stored.body_sha256, found=(), language="en", looked=True)
    unlocked.save("R001", "candidates", candidates, "k2")
    refresh_findings(unlocked, ENGINES)
    assert "was kind" in text(unlocked)


@pytest.mark.parametrize(("reject", "leaks"), [((), False), (("F0002:16-22",), True)])
def test_an_accepted_name_is_withheld_in_other_recordings_however_sure_its_rule_was(
    unlocked: Unlocked, reject: tuple[str, ...], leaks: bool
) -> None:
    add_detected(unlocked, transcript(("S1", "Karen, we asked Sibley twice."), recording_id="R002"), who=("P1",))
    sibley = next(f for f in need(unlocked, "R001").findings.found if f.score == POSSIBLE["Sibley"])
    assert not reject or reject == (sibley.id,)
    settling.settle(unlocked, "R001", "AB", reject=reject)
    settling.check(unlocked, "R001", ENGINES)
    refresh_findings(unlocked, ENGINES)
    there = preview(unlocked, need(unlocked, "R002", proposed=True)).lines[0].text
    assert ("Sibley" in there) is leaks


def test_whose_a_name_is_is_a_question_where_two_of_this_family_bear_it(tmp_path: Path) -> None:
    sister = person("X7", "Karen Lund", role="relative", relation="sister", of="P1")
    families = (person("P1", "Karen Okonkwo", of="P1"), person("P7", "Karen Mbeki", of="P7"), sister)
    unlocked = new_unlocked(tmp_path / "study", families)
    add_detected(unlocked, transcript(("S1", "So Karen came to us.")), who=("P7",))

    def asked() -> tuple[str | None, bool, bool]:
        refresh_findings(unlocked, NoEngines(StudyConfig()))
        ready = need(unlocked, "R001", proposed=True)
        ((mark,),) = documents.marks(ready, ()).values()
        shown = show.identified(unlocked, "R001", "txt")
        assert "Karen" not in text(unlocked)
        return mark.finding.person_id, mark.open, "who? taken for P7" in shown

    assert asked() == ("P7", False, False)
    hers = replace(sister, of="P7")
    unlocked.change(lambda vault: replace(vault, people=(*families[:2], hers)))
    assert asked() == ("P7", True, True)
    settling.settle(unlocked, "R001", "AB", add=("U0001:3-8=X7",))
    assert asked() == ("P7", True, False)  # without that decision the page would ask
    finding = need(unlocked, "R001").findings.found[0].id
    told = explain.explain(unlocked, "R001", finding)
    assert (told["person"], told["state"]) == ("X7", "withheld")
