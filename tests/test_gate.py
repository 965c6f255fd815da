"""The gate: nothing that names anybody gets through, and what was settled does."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import all_findings, person, says_nothing_of
from tests.builders import transcript as identified
from tests.builders import words as words_of
from transcribe import export
from transcribe.anonymise import anonymise
from transcribe.config import Action, Policy
from transcribe.errors import LeakError
from transcribe.export import Exporter
from transcribe.gate import Gate, Leak
from transcribe.review.decisions import Settled
from transcribe.schema import AnonymisedTranscript, Finding, Kind, Line, Person, ReviewState, Span

KAREN = person("P1", "Karen Okonkwo", pseudonym="Amelia")
ZSOFIA = person("P2", "Zsófia", pseudonym="Ilona")
ROSE = person("I1", "Rose", role="infant", pseudonym="Lily")
BRIEN = person("T1", "Moira O'Brien", role="therapist", pseudonym="[therapist]")
WILLOW = person("S1", "Willow Tree Clinic", kind=Kind.SERVICE, role="service", pseudonym="[this service]")
LEEDS = person("L1", "Leeds", kind=Kind.PLACE, role="place", pseudonym="[place]")
MISHEARD = person("X1", "we'll", position_only=True, pseudonym="[partner]")
PEOPLE = (KAREN, ZSOFIA, ROSE, BRIEN, WILLOW, LEEDS, MISHEARD)
GATE = Gate(PEOPLE, Policy())


def line(text: str, number: int = 1, speaker: str = "Interviewer", **fields: Any) -> Line:
    given = {"replaced": (), "kept": (), **fields}
    return Line(number=number, speaker=speaker, start_s=0.0, end_s=1.0, words=words_of(text), **given)


def rendered(*lines: Line, **fields: Any) -> AnonymisedTranscript:
    whole: dict[str, Any] = {
        "recording_id": "R001",
        "language": "en",
        "policy": "pseudonyms",
        "statement": "A key exists.",
        "review": ReviewState.REVIEWED,
        "settled_on": "2026-01-02",
        "source_digest": "0f" * 32,
        "counts": (),
        **fields,
    }
    return AnonymisedTranscript(lines=lines, **whole)


def settled(found: tuple[Finding, ...], kept: tuple[Finding, ...] = ()) -> Settled:
    return Settled(replaced=found, kept=kept, review=ReviewState.REVIEWED, settled_on="2026-01-02")


@pytest.mark.parametrize("text", ["then Das rang", "so we asked Di about it", "Lord rang us", "and Katie came"])
def test_a_name_that_is_a_title_or_a_particle_elsewhere_does_not_pass(text: str) -> None:
    gate = Gate((person("X1", "Priya Das"), person("X2", "Di Lord"), person("X3", "Kate,Katie")), Policy())
    assert gate.check_lines(rendered(line(text)))
    assert not gate.check_lines(rendered(line("We told Dr Iqbal and Vincent van Gogh")))


@pytest.mark.parametrize(
    "text",
    [
        "Karen came",
        "KAREN came",
        "and karen came",
        "Karen's baby",
        "Karen\u2019s baby",
        "oh,Karen,come",
        "(Karen)",
        "Karen-like",
        "Mrs Okonkwo",
        "we saw Zsofia",
        "we saw ZSÓFIA",
        "we saw Zso\u0301fia",
        "Ka\u00adren came",
        "Ka\u200bren came",
        "Ka\x7fren came",
        "O\x92Brien came",
        "Ka\ufdd0ren came",
        "O\u2019Brien came",
        "OBrien came",
        "Moira O Brien came",
        "the Willow  Tree Clinic",
        "the willow-tree clinic",
        "the Willow\nTree\nClinic",
        "in leeds",
        "a rose",
    ],
)
def test_no_form_of_anybody_passes_in_what_was_said(text: str) -> None:
    leaks = GATE.check_lines(rendered(line("Yes."), line(text, 2)))
    assert leaks
    assert {leak.line for leak in leaks} == {2}
    with pytest.raises(LeakError) as refused:
        GATE.refuse(leaks)
    says_nothing_of(refused.value, "Karen", "Zsófia", "Okonkwo", "Leeds", "OBrien", "Willow")
    assert "R001" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["Karenina came", "a willow tree", "a clinic", "the rosebud", "we'll see", "Okonkwos", "", "Leedsish"]
)
def test_other_words_and_forms_bound_to_a_position_pass(text: str) -> None:
    assert GATE.check_lines(rendered(line(text))) == ()


def test_what_is_outside_the_lines_is_not_to_be_settled() -> None:
    for where, hint in ((0, "attributes"), (2, "settle that place")):
        with pytest.raises(LeakError, match=hint):
            GATE.refuse((Leak(recording_id="R001", line=where, start=0, kind=Kind.PERSON),))


def test_a_leak_is_told_by_its_line_and_its_place_in_what_was_said() -> None:
    (leak,) = GATE.check_lines(rendered(line("Yes."), line("so Karen came", 2)))
    assert (leak.recording_id, leak.line, leak.start, leak.kind) == ("R001", 2, 3, Kind.PERSON)


@pytest.mark.parametrize(
    "lines",
    [
        (line("we went to Willow"), line("Tree Clinic then", 2)),
        (line("we went to Willow", speaker="Amelia"), line("Mm.", 2), line("Tree Clinic", 3, speaker="Amelia")),
        (line("to the Willow", speaker="Amelia"), line("Tree", 2), line("Clinic", 3, speaker="Amelia")),
    ],
)
def test_a_name_that_goes_on_in_the_next_line_is_found(lines: tuple[Line, ...]) -> None:
    assert {leak.line for leak in GATE.check_lines(rendered(*lines))} == {1}


@pytest.mark.parametrize("label", ["Karen", "karen okonkwo", "Mother of Zsófia", "Rose 2", "Dr O'Brien"])
def test_a_name_in_a_speaker_label_is_refused(label: str) -> None:
    bad = rendered(line("Yes.", speaker=label))
    assert GATE.check_lines(bad)
    for exporter in map(export.load_for_recording, ("txt", "json", "docx", "vtt")):
        with pytest.raises(LeakError):
            GATE.check_file((bad,), exporter, exporter.write(bad), "R001_pseudonymised.txt")


@pytest.mark.parametrize("label", ["Amelia", "Ilona 2", "Therapist"])
def test_a_pseudonym_that_is_a_later_persons_name_stays_a_speaker_label(label: str) -> None:
    later = person("P9", label.split()[0], pseudonym="[participant]")
    gate = Gate((*PEOPLE, later), Policy())
    good = rendered(line("Yes.", speaker=label))
    assert gate.check_lines(good) == ()
    for exporter in map(export.load_for_recording, ("txt", "json", "vtt")):
        gate.check_file((good,), exporter, exporter.write(good), "R001_pseudonymised.txt")


@pytest.mark.parametrize(
    "recording_id",
    ["Karen", "p_karen_2", "Karen01", "01Karen", "KarenB", "zsofia-2", "x_Rose_y", "Willow_Tree_Clinic_2", "O_Brien"],
)
def test_a_name_in_the_recordings_id_or_the_file_name_is_refused(recording_id: str) -> None:
    exporter = export.load_for_recording("txt")
    bad = rendered(line("Yes."), recording_id=recording_id)
    with pytest.raises(LeakError, match="outside the lines"):
        GATE.check_file((bad,), exporter, exporter.write(bad), "R001.txt")
    good = rendered(line("Yes."))
    with pytest.raises(LeakError):
        GATE.check_file((good,), exporter, exporter.write(good), f"{recording_id}_pseudonymised.txt")


# --- kept words and replacements --------------------------------------------------------------------------------------


def test_a_kept_word_passes_at_its_place_and_nowhere_else() -> None:
    kept = (Span(start=2, end=6, kind=None),)
    assert GATE.check_lines(rendered(line("I rose early", kept=kept))) == ()
    (leak,) = GATE.check_lines(rendered(line("I rose early", kept=kept), line("and rose again", 2)))
    assert (leak.line, leak.start) == (2, 4)
    (leak,) = GATE.check_lines(rendered(line("I rose and rose", kept=kept)))
    assert leak.start == 11


@pytest.mark.parametrize("span", [(2, 5), (3, 6), (0, 2), (6, 12)])
def test_a_kept_span_that_does_not_hold_the_whole_form_allows_nothing(span: tuple[int, int]) -> None:
    kept = (Span(start=span[0], end=span[1], kind=None),)
    assert GATE.check_lines(rendered(line("I rose early", kept=kept)))


def test_a_replacement_may_be_a_later_persons_real_name() -> None:
    later = person("P9", "Amelia", pseudonym="[participant]")
    gate = Gate((*PEOPLE, later), Policy())
    written = line("so Amelia came", replaced=(Span(start=3, end=9, kind=Kind.PERSON),))
    assert gate.check_lines(rendered(written)) == ()
    assert gate.check_lines(rendered(line("so Amelia came")))


@pytest.mark.parametrize("name", ["txt", "json", "docx", "vtt"])
@pytest.mark.parametrize(
    "text", ["I rose early", "I  rose\tearly", " I rose early", "I\u00a0rose early", "I\u200b rose early"]
)
def test_files_with_kept_words_pass_however_they_space_them(name: str, text: str) -> None:
    exporter = export.load_for_recording(name)
    at = text.index("rose")
    good = rendered(
        line(text, kept=(Span(start=at, end=at + 4, kind=None),), speaker="Amelia", overlapped=True),
        line("Mm.", 2),
    )
    assert GATE.check_lines(good) == ()
    GATE.check_file((good,), exporter, exporter.write(good), "R001_pseudonymised.x")


def fake(extra: tuple[str, ...], *, always: bool = False) -> Exporter:
    """A stranger's exporter that writes the lines, and `extra` strings where nobody looks."""

    def write(transcript: AnonymisedTranscript) -> bytes:
        hidden = extra if always or transcript.lines else ()
        return "\n".join([f"{x.speaker}: {x.text}" for x in transcript.lines] + list(hidden)).encode()

    return Exporter(
        name="fake", suffix=".x", summary="", write=write, read_text=lambda d: tuple(d.decode().split("\n"))
    )


@pytest.mark.parametrize(
    "hidden",
    ["author: Karen", "Karen", "meta zsofia", "C:/Users/OBrien/x", "the Willow Tree Clinic", "they rose", "Rose",
     "x_rose_y", "Ka\u200bren"],
)  # fmt: skip
def test_a_name_in_a_part_of_a_file_that_is_no_line_is_refused(hidden: str) -> None:
    good = rendered(line("I rose early", kept=(Span(start=2, end=6, kind=None),)))
    exporter = fake((hidden,))
    with pytest.raises(LeakError) as refused:
        GATE.check_file((good,), exporter, exporter.write(good), "R001.x")
    says_nothing_of(refused.value, "Karen", "Zsofia", "OBrien", "Willow Tree", "Rose")


def test_what_an_exporter_writes_for_an_empty_transcript_is_its_own() -> None:
    exporter = fake(("made in Leeds",), always=True)
    good = rendered(line("Yes."))
    GATE.check_file((good,), exporter, exporter.write(good), "R001.x")


def test_a_file_whose_lines_were_altered_on_the_way_is_refused() -> None:
    exporter = fake(())
    good = rendered(line("so Amelia came", replaced=(Span(start=3, end=9, kind=Kind.PERSON),)))
    data = exporter.write(good).replace(b"Amelia", b"Karen")
    with pytest.raises(LeakError):
        GATE.check_file((good,), exporter, data, "R001.x")


def test_who_is_kept_by_policy_may_be_named() -> None:
    gate = Gate(PEOPLE, Policy(roles={"place": Action.KEEP}))
    assert gate.check_lines(rendered(line("in Leeds", speaker="Leeds"))) == ()
    assert gate.check_lines(rendered(line("in Leeds with Karen")))


def test_who_is_found_to_be_somebody_else_is_kept_as_that_one_is() -> None:
    both = (KAREN, Person(id="R1-F01", kind=Kind.PERSON, role="friend", forms=("Kaz",), found=True, same_as=KAREN.id))
    said = rendered(line("so Kaz came"))
    assert Gate(both, Policy(roles={"friend": Action.KEEP})).check_lines(said)
    assert not Gate(both, Policy(roles={KAREN.role: Action.KEEP})).check_lines(said)


def test_a_form_that_another_person_shares_is_kept_for_nobody() -> None:
    surname = person("P8", "Anna Leeds", pseudonym="Clara")
    gate = Gate((*PEOPLE, surname), Policy(roles={"place": Action.KEEP}))
    assert gate.check_lines(rendered(line("in Leeds")))


def test_nothing_of_the_gate_shows_a_name_when_printed() -> None:
    leaks = GATE.check_lines(rendered(line("Karen")))
    says_nothing_of(f"{leaks!r} {GATE!r} {PEOPLE!r}", "Karen", "Okonkwo", "Amelia")


# --- with anonymise ---------------------------------------------------------------------------------------------------

FILLERS = "well so we went there and then it was raining hard but nobody said anything much of course you know".split()
WRITTEN = ["{}", "{}.", "{},", "{}'s", "{}\u2019s", "({})", '"{}"', "{}?"]
ROSTER = (
    person("P1", "Karen Okonkwo", "Kaz", pseudonym="Amelia"),
    person("P2", "Zsófia Nagy", pseudonym="Ilona"),
    person("I1", "Teodor", role="infant", pseudonym="Hugo"),
    person("T1", "Moira O'Brien", "Dr O'Brien", role="therapist", pseudonym="[therapist]"),
    person("S1", "Willowfield Tree Clinic", kind=Kind.SERVICE, role="service", pseudonym="the service"),
    person("L1", "Leeds", kind=Kind.PLACE, role="place", pseudonym="[place]"),
)
NAMES = [form for p in ROSTER for form in p.forms] + ["Okonkwo", "ZSOFIA", "teodor", "leeds", "o\u2019brien"]
NAMED = st.builds(lambda frame, name: frame.format(name), st.sampled_from(WRITTEN), st.sampled_from(NAMES))
TOKENS = st.one_of(st.sampled_from(FILLERS), NAMED)
ROSTER_GATE = Gate(ROSTER, Policy())
EXPORTERS = tuple(map(export.load_for_recording, ("txt", "json", "vtt")))
TEXTS = st.lists(st.lists(TOKENS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.integers(min_value=0))
def test_all_names_replaced_pass_and_any_one_left_is_refused(texts: list[str], which: int) -> None:
    said = identified(*(("S1" if n % 2 else "S2", text) for n, text in enumerate(texts)))
    people: dict[str, Person] = {p.id: p for p in ROSTER}
    gate, found = ROSTER_GATE, all_findings(said, ROSTER)
    clean = anonymise(said, settled(found), people, Policy(), "digest")
    assert gate.check_lines(clean) == ()
    for exporter in EXPORTERS:
        gate.check_file((clean,), exporter, exporter.write(clean), "R001_pseudonymised.x")
    if found:
        left = found[which % len(found)]
        fewer = tuple(f for f in found if f is not left)
        assert gate.check_lines(anonymise(said, settled(fewer), people, Policy(), "digest"))
        kept = anonymise(said, settled(fewer, (replace(left, person_id=None),)), people, Policy(), "digest")
        assert gate.check_lines(kept) == ()
