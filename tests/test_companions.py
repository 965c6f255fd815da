"""The files beside a release's transcripts, and what is kept of it in private/."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.builders import NoEngines, add_detected, finding, new_unlocked, person, says_nothing_of, transcript
from transcribe import companions, describe, pipeline, publishing, release
from transcribe.batch import workforces
from transcribe.batch.run import Told
from transcribe.batch.workforces import Asked
from transcribe.config import StudyConfig
from transcribe.errors import LeakError, NotSettledError, StudyError
from transcribe.pipeline import Event, refresh_findings
from transcribe.quote import quote
from transcribe.review import settling
from transcribe.schema import Finding, Kind, Transcript
from transcribe.vault import Unlocked, with_attributes, with_people

ENGINES = NoEngines(StudyConfig())
PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("D1", "Dave", role="partner", relation="husband", of="P1"),
)
NAMES = ("Karen", "Okonkwo", "Dave")


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, transcript(("S1", "How is Dave, Karen?"), ("S2", "Dave is fine.")), who=("P1",))
    refresh_findings(opened, ENGINES)
    settling.settle(opened, "R001", "AB")
    return opened


def describe_people(unlocked: Unlocked, table: str) -> None:
    unlocked.change(lambda vault: with_attributes(vault, describe.attributes(table.encode(), vault)))


def written(unlocked: Unlocked) -> dict[str, str]:
    """File name -> text of a new release, transcripts apart."""
    made = release.write(unlocked, (), ("json",), ENGINES, unreviewed=False)
    return {name: (Path(made.folder) / name).read_text(encoding="utf-8") for name in made.beside}


def test_a_release_tells_who_what_and_how_without_a_name(unlocked: Unlocked) -> None:
    files = written(unlocked)
    assert sorted(files) == ["methods.txt", "people.csv", "provenance.json", "replacements.csv"]
    assert not any(name in text for text in files.values() for name in NAMES)
    rows = list(csv.DictReader(io.StringIO(files["people.csv"])))
    assert [(row["pseudonym"], row["relation"], row["mentions"]) for row in rows if row["role"] == "partner"] == [
        ("Husband", "husband", "2")
    ]
    assert len(list(csv.DictReader(io.StringIO(files["replacements.csv"])))) == 3
    assert "voices" not in json.loads(files["provenance.json"])["settings"]


def test_methods_tell_whether_further_machines_helped(unlocked: Unlocked) -> None:
    begun = [Event(recording_id="R001", stage=stage, state="started") for stage in ("segment", "detect")]
    done = Event(recording_id="R001", stage="recognise", state="skipped")
    told: list[Told] = []
    for asked, events in ((Asked(workers=2), begun), (Asked(cluster="tls://h:1"), [begun[1], done])):
        report = workforces.noting(unlocked.study, asked, told.append)
        for event in events:
            report(event)
    assert "no recording and no text left it" in written(unlocked)["methods.txt"]
    report(begun[0])
    assert told == [*begun, begun[1], done, begun[0]]
    assert "no recording and no text left it" not in written(unlocked)["methods.txt"]
    unlocked.study.log("added", recording="R001", recipient="")  # another recording by now
    assert companions.helped(unlocked.study) == frozenset()


def test_the_manifest_lists_every_file(unlocked: Unlocked) -> None:
    files = written(unlocked)
    folder = unlocked.study.releases / "001"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {one["name"] for one in manifest["files"]} == {*files, "R001_pseudonymised.json"}
    for one in manifest["files"]:
        assert one["hmac_sha256"] == unlocked.vault.digest((folder / one["name"]).read_bytes())


def test_what_was_measured_is_told(unlocked: Unlocked) -> None:
    for errors in (9, 4):
        unlocked.study.log("evaluated", measure="word error rate", errors=errors, of=100, on="1 recording")
    assert "Measured word error rate on 1 recording: 4.0 % (4 of 100)." in written(unlocked)["methods.txt"]


def test_attributes_bring_the_sample(unlocked: Unlocked) -> None:
    unlocked.change(lambda vault: vault)
    describe_people(unlocked, "id,age band\nP1,30-39\n")
    assert "sample.csv" not in written(unlocked)  # nobody is linked to a voice yet
    settling.fix_speakers(unlocked, "R001", ("S2=P1",))
    settling.settle(unlocked, "R001", "AB")
    files = written(unlocked)
    assert "sample.csv" not in files  # one participant is no sample
    assert json.loads((unlocked.study.releases / "002" / "R001_pseudonymised.json").read_text())["people"][0][
        "attributes"
    ] == {"age band": "30-39"}


def test_a_name_that_is_learnt_after_an_attribute_stops_the_release(unlocked: Unlocked) -> None:
    describe_people(unlocked, "id,note\nP1,lives with Zebedee\n")
    settling.fix_speakers(unlocked, "R001", ("S2=P1",))
    settling.settle(unlocked, "R001", "AB")
    unlocked.change(lambda vault: with_people(vault, (person("Z1", "Zebedee", role="sibling"),)))
    with pytest.raises(LeakError) as caught:
        written(unlocked)
    assert "Zebedee" not in str(caught.value)
    assert list(unlocked.study.releases.iterdir()) == []


def test_originals_are_kept_of_each_release(unlocked: Unlocked) -> None:
    written(unlocked)
    settling.settle(unlocked, "R001", "AB", add=("U0002:8-12=place",))
    written(unlocked)
    assert [row.original for row in publishing.originals(unlocked, "R001").rows] == ["Dave", "Karen", "Dave", "fine"]
    assert [row.original for row in publishing.originals(unlocked, "R001", 1).rows] == ["Dave", "Karen", "Dave"]
    for path in unlocked.study.private.rglob("replacements-*"):
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
    with pytest.raises(StudyError, match="no such release"):
        publishing.originals(unlocked, "R001", 7)


def test_quotations_are_of_settled_text_alone(unlocked: Unlocked) -> None:
    told = quote(release.settled_text(unlocked, "R001", ENGINES), ((20.0, 29.0),))
    assert told.text == "[husband] is fine."
    add_detected(unlocked, transcript(("S1", "Karen."), recording_id="R002"))
    refresh_findings(unlocked, ENGINES)
    with pytest.raises(NotSettledError):
        release.settled_text(unlocked, "R002", ENGINES)


def test_a_quotation_knows_whoever_is_in_the_roster_by_now(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Then Debbie came."), recording_id="R002"))
    refresh_findings(unlocked, ENGINES)
    settling.settle(unlocked, "R002", "AB")
    assert release.settled_text(unlocked, "R002", ENGINES).lines[0].text == "Then Debbie came."
    unlocked.change(lambda vault: with_people(vault, (person("S1", "Deborah", role="sibling", of="P1"),)))
    told = release.settled_text(unlocked, "R002", ENGINES)  # its reviewer saw a question there
    assert told.lines[0].text == "Then [sibling] came."
    unlocked.change(lambda vault: with_people(vault, (person("X1", "came", kind=Kind.OTHER, role="other"),)))
    with pytest.raises(NotSettledError, match="R002, release: not reviewed"):
        release.settled_text(unlocked, "R002", ENGINES)


def test_what_is_quoted_is_read_a_second_time_and_each_text_but_once(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_detected(unlocked, transcript(("S1", "The kettle sang."), recording_id="R002"))
    refresh_findings(unlocked, ENGINES)
    settling.settle(unlocked, "R002", "AB")
    told = release.settled_text(unlocked, "R002", ENGINES)
    read: list[Transcript] = []

    def detect(text: Transcript, *_: object) -> tuple[Finding, ...]:
        read.append(text)
        return (finding("U0001", 4, 10, None, score=0.9),)

    monkeypatch.setattr(pipeline, "detect_again", detect)
    assert release.settled_text(unlocked, "R002", ENGINES) == told
    assert read == []
    settling.settle(unlocked, "R002", "AB", add=("U0001:11-15=place",))
    with pytest.raises(NotSettledError, match="R002, release: a second reading") as refused:
        release.settled_text(unlocked, "R002", ENGINES)
    assert len(read) == 1
    says_nothing_of(refused.value, "kettle")
