"""The log of replacements: places and reasons for others, originals for the key holder alone."""

import csv
import hashlib
import io
from dataclasses import replace
from itertools import pairwise

from tests.builders import all_findings, finding, person, transcript
from transcribe import replacements
from transcribe.anonymise import anonymise
from transcribe.config import Policy
from transcribe.replacements import Logged
from transcribe.review.decisions import RULE, Settled
from transcribe.schema import Kind, Reason, ReviewState

KAREN = person("P1", "Karen Okonkwo", pseudonym="Amelia")
TEODOR = person("I1", "Teodor", role="infant", of="P1", pseudonym="[infant]")
SAID = transcript(("S1", " How is Teodor, Karen?"), ("S2", " Teodor's well, says Karen Okonkwo."))


def logged(review: ReviewState = ReviewState.REVIEWED) -> Logged:
    found = list(all_findings(SAID, (KAREN, TEODOR)))
    found[0] = replace(found[0], reason=Reason(rule=RULE, detail="add"))
    settled = Settled(replaced=tuple(found), kept=(), review=review, settled_on="2026-03-04")
    people = {"P1": KAREN, "I1": TEODOR}
    released = anonymise(SAID, settled, people, Policy(), "digest")
    return Logged(identified=SAID, released=released, found=tuple(found), reviewer="AB", settled_on="2026-03-04")


def test_what_the_policy_keeps_and_what_a_reviewer_kept_are_no_rows() -> None:
    said = transcript(("S1", " Karen was thirty four, and May was warm. Karen"))
    text = said.utterances[0].text
    age, may = text.index("thirty"), text.index("May")
    first, last = all_findings(said, (KAREN,))
    old = finding("U0001", age, age + 11, None, kind=Kind.AGE, role="exact age")
    kept = finding("U0001", may, may + 3, None)
    settled = Settled(replaced=(first, old, last), kept=(kept,), review=ReviewState.REVIEWED, settled_on="2026-03-04")
    released = anonymise(said, settled, {"P1": KAREN}, Policy(), "digest")
    one = Logged(
        identified=said, released=released, found=(first, old, last, kept), reviewer="AB", settled_on="2026-03-04"
    )
    assert [row["replacement"] for row in rows(replacements.log("study-1", [one]))] == ["Amelia", "Amelia"]


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_each_replacement_is_a_row_that_slices_to_what_is_written() -> None:
    one = logged()
    told = rows(replacements.log("study-1", [one]))
    assert [row["replacement"] for row in told] == ["[infant]", "Amelia", "[infant]", "Amelia"]
    for row in told:
        line = one.released.lines[int(row["turn"]) - 1]
        assert line.text[int(row["start"]) : int(row["end"])] == row["replacement"]
        assert line.start_s * 1000 <= int(row["start_ms"]) < int(row["end_ms"]) <= line.end_s * 1000
    assert (told[0]["method"], told[0]["decision"], told[0]["reviewer"]) == ("manual", "added", "AB")
    assert (told[1]["method"], told[1]["decision"], told[1]["at"]) == ("roster", "accepted", "2026-03-04")


def test_unreviewed_nobody_answers() -> None:
    told = rows(replacements.log("study-1", [logged(ReviewState.UNREVIEWED)]))
    assert {(row["decision"], row["reviewer"], row["at"]) for row in told} == {("automatic", "", "")}


def test_no_original_stands_in_the_log() -> None:
    data = replacements.log("study-1", [logged()]).decode().lower()
    assert not any(name in data for name in ("karen", "okonkwo", "teodor"))


def test_rows_are_chained() -> None:
    told = [list(row.values()) for row in rows(replacements.log("study-1", [logged(), logged()]))]
    assert told[0][-1] == "0" * 64
    for before, row in pairwise(told):
        assert row[-1] == hashlib.sha256("\x1f".join(before).encode()).hexdigest()


def test_originals_are_kept_for_the_key_holder() -> None:
    table = replacements.originals(logged(), 7)
    assert [(row.original, row.replacement, row.person_id) for row in table.rows] == [
        ("Teodor", "[infant]", "I1"),
        ("Karen", "Amelia", "P1"),
        ("Teodor", "[infant]", "I1"),
        ("Karen Okonkwo", "Amelia", "P1"),
    ]
    told = rows(replacements.originals_table("R001", table))
    assert (told[3]["recording"], told[3]["turn"], told[3]["original"]) == ("R001", "2", "Karen Okonkwo")
