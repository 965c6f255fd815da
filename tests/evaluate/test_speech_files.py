"""Reference and hypothesis files: every kind read, every damage one sentence without a word of the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from transcribe.errors import StudyError
from transcribe.evaluate import speech_files
from transcribe.evaluate.speech_files import TURNS, pairs, read

STM = ";; made by hand\nr1 1 A 0.5 2.0 <o,f0> Hello there.\nr1 1 B 2.0 3.5 hello\n\nr1 1 A 3.5 4 goodbye now\n"
GOLD = {
    "id": "r1",
    "turns": [
        {"speaker": "A", "start": 3.5, "end": 4, "text": "goodbye now"},
        {"speaker": "A", "start": 0.5, "end": 2, "text": "Hello there."},
        {"speaker": "B", "start": 2, "end": 3.5, "text": "hello"},
    ],
}
OURS = {
    "schema": "transcribe/1",
    "made_by": [
        {"stage": "recognise", "model": "whisper-base", "model_sha256": "ab12"},
        {"stage": "assemble", "model": "", "model_sha256": ""},
    ],
    "turns": [
        {"speaker": "Taylor", "start_s": 0.5, "end_s": 2.0, "text": "Hello there.", "words": []},
        {"speaker": "Speaker 2", "start_s": 2.0, "end_s": 3.5, "text": "hello", "words": []},
        {"speaker": "Taylor", "start_s": 3.5, "end_s": 4.0, "text": "goodbye now", "words": []},
    ],
}


def written(folder: Path, name: str, content: str | bytes | Any) -> Path:
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"), [("r1.stm", STM), ("r1.json", GOLD), ("r1.turns.json", GOLD["turns"]), ("r1.json", OURS)]
)
def test_every_kind_gives_the_same_speech(tmp_path: Path, name: str, content: object) -> None:
    speech = read(written(tmp_path, name, content))
    assert speech.text == "Hello there. hello goodbye now"
    assert sorted(speech.by_speaker.values()) == ["Hello there. goodbye now", "hello"]
    assert sorted((t.start_s, t.end_s) for t in speech.turns) == [(0.5, 2.0), (2.0, 3.5), (3.5, 4.0)]
    assert speech.worded


def test_models_are_those_the_document_names(tmp_path: Path) -> None:
    assert read(written(tmp_path, "r1.json", OURS)).models == (("whisper-base", "ab12"),)
    assert read(written(tmp_path, "r2.json", GOLD)).models == ()


def test_rttm_has_turns_and_no_words(tmp_path: Path) -> None:
    text = "SPKR-INFO r1 1 <NA> <NA> <NA> unknown A <NA> <NA>\nSPEAKER r1 1 1.5 2 <NA> <NA> A <NA> <NA>\n"
    path = written(tmp_path, "r1.rttm", text)
    (turn,) = read(path).turns
    assert (turn.start_s, turn.end_s, turn.speaker) == (1.5, 3.5, "A")
    with pytest.raises(StudyError, match="turns and no words"):
        pairs(path, path)
    assert len(pairs(path, path, TURNS)) == 1


@pytest.mark.parametrize(("name", "content"), [("a.rttm", ""), ("a.stm", ";; nothing\n"), ("a.json", {"turns": []})])
def test_files_with_nothing_in_them_are_read(tmp_path: Path, name: str, content: object) -> None:
    speech = read(written(tmp_path, name, content))
    assert (speech.text, speech.turns, speech.by_speaker) == ("", (), {})


def test_stretches_that_stm_says_to_ignore_are_none(tmp_path: Path) -> None:
    path = written(tmp_path, "a.stm", "r1 1 A 0 1 IGNORE_TIME_SEGMENT_IN_SCORING\nr1 1 A 1 2 yes\n")
    assert read(path).text == "yes"


def test_without_times_words_keep_their_order_and_turns_are_refused(tmp_path: Path) -> None:
    turns = [{"speaker": "A", "start_s": None, "end_s": None, "text": text} for text in ("one", "two")]
    speech = read(written(tmp_path, "a.json", {"schema": "transcribe/1", "turns": turns}))
    assert speech.text == "one two"
    with pytest.raises(StudyError, match="no times"):
        _ = speech.turns


DAMAGED: dict[str, tuple[str, object]] = {
    "cut JSON": ("a.json", '{"turns": [{"speaker": "Orla", "te'),
    "JSON of something else": ("a.json", {"Orla": 1}),
    "a number": ("a.json", "7"),
    "turns that are no list": ("a.json", {"turns": {"Orla": 1}}),
    "turns that are words": ("a.json", {"turns": ["Orla"]}),
    "a turn without text": ("a.json", {"turns": [{"speaker": "Orla", "start": 0, "end": 1}]}),
    "a text that is a number": ("a.json", {"turns": [{"speaker": "Orla", "start": 0, "end": 1, "text": 7}]}),
    "a time that is a word": ("a.json", {"turns": [{"speaker": "A", "start": "Orla", "end": 1, "text": "x"}]}),
    "a time that is no number": ("a.json", '{"turns": [{"speaker": "Orla", "start": NaN, "end": 1, "text": "x"}]}'),
    "a huge time": ("a.json", '{"turns": [{"speaker": "Orla", "start": 0, "end": 1%s, "text": "x"}]}' % ("0" * 400)),
    "one time of two": ("a.json", {"turns": [{"speaker": "Orla", "start": None, "end": 1, "text": "x"}]}),
    "an end before its start": ("a.stm", "r1 1 Orla 2 1 yes\n"),
    "an unknown schema": ("a.json", {"schema": "Orla/1", "turns": []}),
    "models that are none": ("a.json", {"turns": [], "made_by": ["Orla"]}),
    "deep nesting": ("a.json", "[" * 100_000),
    "an STM of prose": ("a.stm", "Orla said that it was enough.\n"),
    "a short STM line": ("a.stm", "r1 1 Orla 2\n"),
    "two recordings in an STM": ("a.stm", "r1 1 Orla 0 1 yes\nr2 1 Orla 1 2 no\n"),
    "two recordings in an RTTM": (
        "a.rttm", "SPEAKER r1 1 0 1 <NA> <NA> Orla <NA> <NA>\nSPEAKER r2 1 0 1 <NA> <NA> Orla <NA> <NA>\n"
    ),
    "an RTTM of prose": ("a.rttm", "Orla said that it was enough.\n"),
    "a short RTTM line": ("a.rttm", "SPEAKER r1 1 0\n"),
    "a negative RTTM length": ("a.rttm", "SPEAKER r1 1 5 -1 <NA> <NA> Orla <NA> <NA>\n"),
    "an RTTM time that is none": ("a.rttm", "SPEAKER r1 1 nan 1 <NA> <NA> Orla <NA> <NA>\n"),
    "bytes": ("a.json", b"\xff\xfe\x00Orla"),
    "empty JSON": ("a.json", ""),
    "another kind": ("a.docx", "Orla"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_one_sentence_without_a_word_of_the_file(tmp_path: Path, case: str) -> None:
    name, content = DAMAGED[case]
    with pytest.raises(StudyError) as caught:
        read(written(tmp_path, name, content), "the hypothesis")
    said = str(caught.value)
    assert said.startswith("the hypothesis ")
    assert said.endswith(".")
    assert "Orla" not in said
    assert "\n" not in said
    assert str(tmp_path) not in said


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match="cannot be opened"):
        read(tmp_path / "nothing.json")
    monkeypatch.setattr(speech_files, "LONGEST_BYTES", 10)
    with pytest.raises(StudyError, match="larger than any transcript"):
        read(written(tmp_path, "a.json", GOLD))


def test_two_files_of_one_stem_are_refused_since_one_would_be_left_out(tmp_path: Path) -> None:
    for side in ("ref", "hyp"):
        for wave in (1, 2):
            written(tmp_path / side, f"Osgood.wave{wave}.stm", "call 1 S1 0 1 yes\n")
    with pytest.raises(StudyError, match="are of one stem") as refused:
        speech_files.pairs(tmp_path / "ref", tmp_path / "hyp", (".json", ".stm"))
    assert "Osgood" not in str(refused.value)


def test_folders_are_paired_by_stem_and_the_better_kind_is_read(tmp_path: Path) -> None:
    said, heard = tmp_path / "ref", tmp_path / "hyp"
    written(said, "R001.json", GOLD)
    written(said, "R001.rttm", "")
    written(said, "R001.txt", "not read")
    written(said, "R002.turns.json", GOLD["turns"])
    written(heard, "R001_pseudonymised.json", OURS)
    written(heard, "R002.stm", STM)
    written(heard, "R003.stm", STM)
    found = pairs(said, heard)
    assert [pair.name for pair in found] == ["R001", "R002"]
    assert all(pair.reference.text == pair.hypothesis.text for pair in found)
    assert [len(pair.reference.turns) for pair in pairs(said, heard, TURNS)] == [0, 3]


def test_what_does_not_pair_is_refused(tmp_path: Path) -> None:
    said, heard = tmp_path / "ref", tmp_path / "hyp"
    heard.mkdir()
    path = written(said, "Orla.stm", STM)
    for reference, hypothesis, why in (
        (said, path, "one is a file and one is a folder"),
        (said, heard, "1 of 1 references have no hypothesis"),
        (heard, said, "holds no"),
    ):
        with pytest.raises(StudyError, match=why) as caught:
            pairs(reference, hypothesis)
        assert "Orla" not in str(caught.value)
    written(heard, "Orla.stm", "Orla\n")
    with pytest.raises(StudyError, match="hypothesis 1 cannot be used: line 1"):
        pairs(said, heard)
