"""What holds of every format at the door: the gate, equal bytes, the statement, and texts without times."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.builders import person
from transcribe import export
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export import Exporter, StudyExporter
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Case, Kind, ReviewState

from .builders import STATEMENT, awkward_transcripts, conversation, line, study, transcript

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"), person("P2", "Amelia", pseudonym="Ilona")), Policy())
EVERY = export.everything()
NAME = "lives by Karen"


def check(exporter: Exporter | StudyExporter, made: AnonymisedTranscript, name: str = "x") -> None:
    GATE.check_file((made,), exporter, export.written(exporter, (made,)), name)


def case(**fields: str) -> Case:
    values = {"key": "a1" * 32, "name": "Amelia", "role": "participant", "label": "Amelia", **fields}
    return Case(kind=Kind.PERSON, **values)  # type: ignore[arg-type]


PLANTED = {
    "speaker": conversation().lines[0] and transcript(line(0, "Karen", "Yes.")),
    "speaker among others": transcript(line(0, "Mother of Karen", "Yes.")),
    "recording id": conversation(recording_id="R1_karen2"),
    "name of the sound": conversation(audio="karen_covered.flac"),
    "name of a case": conversation(cases=(case(name=NAME),)),
    "role of a case": conversation(cases=(case(role=NAME),)),
    "relation of a case": conversation(cases=(case(relation=NAME),)),
    "value of an attribute": conversation(cases=(replace(case(), attributes=(("note", NAME),)),)),
    "title of an attribute": conversation(cases=(replace(case(), attributes=((NAME, "yes"),)),)),
    "value of a variable": conversation(variables=(("note", NAME),)),
    "title of a variable": conversation(variables=((NAME, "yes"),)),
    "topic": conversation(topics=((0.0, NAME),)),
}


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
@pytest.mark.parametrize("place", PLANTED)
def test_a_name_is_refused_wherever_the_format_writes_it(exporter: Exporter | StudyExporter, place: str) -> None:
    made = PLANTED[place]
    written = any("karen" in s.lower() for s in exporter.read_text(export.written(exporter, (made,))))
    if written or "speaker" in place or place in ("recording id", "name of the sound"):
        with pytest.raises(LeakError):
            check(exporter, made)
    else:
        check(exporter, made)


def test_some_format_writes_what_is_known_of_people() -> None:
    """Else the test above would say nothing of these places."""
    for place, made in PLANTED.items():
        strings = [s for one in EVERY for s in one.read_text(export.written(one, (made,)))]
        assert place == "name of the sound" or any("karen" in s.lower() for s in strings), place


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
def test_a_name_in_the_file_s_own_name_is_refused(exporter: Exporter | StudyExporter) -> None:
    with pytest.raises(LeakError):
        check(exporter, conversation(), "R001_Karen.x")


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(awkward_transcripts())
def test_a_pseudonym_that_is_somebody_elses_name_passes(
    exporter: Exporter | StudyExporter, made: AnonymisedTranscript
) -> None:
    assume(not GATE.check_lines(made))
    check(exporter, made)


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
def test_equal_inputs_give_equal_bytes_and_a_state(exporter: Exporter | StudyExporter) -> None:
    for made in study():
        for state in ReviewState:
            one = replace(made, review=state)
            data = export.written(exporter, (one,))
            assert data == export.written(exporter, (one,))
            strings = " ".join(exporter.read_text(data)).upper()
            assert "UNREVIEWED" in strings if state is ReviewState.UNREVIEWED else "UNREVIEWED" not in strings
            assert "REVIEWED" in strings
            assert STATEMENT.split(".")[0].upper() in strings


@pytest.mark.parametrize("exporter", EVERY, ids=lambda one: one.name)
def test_without_times_a_format_says_so_or_does_without(exporter: Exporter | StudyExporter) -> None:
    made = conversation(timed=False)
    if isinstance(exporter, Exporter) and exporter.timed:
        with pytest.raises(EngineError, match="times"):
            exporter.write(made)
    else:
        assert export.written(exporter, (made,))
