"""Every command, called well and badly on a study full of distinctive names: none of its lines holds one.

A new command must get a row in the table. Commands that show names to the key holder stand apart, each with its reason.
"""

import json
import os
import shlex
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import typer

from tests.crash import day
from tests.crash.day import Place, Undisturbed
from transcribe import cli

pytestmark = pytest.mark.slow

WORDS = (*day.NAMES, "3 May", "sends his love", "came from", "left again", "Pemberwick")
FOR_THE_KEY_HOLDER = {
    "people list": "the roster is read and corrected by it",
    "show": "with --identified it is what a reviewer reads",
    "explain": "the evidence of a finding",
    "replacements": "the table of originals",
    "quote": "a passage for a paper: settled words with pseudonyms",
}
WEIGHTS = {"detect": ("en_core_web_md", "rampart"), "voices enrol": ("campplus", "segmentation-3.0"),
           "models fetch": ("whisper-tiny.en",), "models verify": ("whisper-tiny.en",),
           "models path": ("whisper-tiny.en",)}  # fmt: skip
BAD = "{folder}/Zephyrine.rtf"
HOLDER = "age1jfc0g5r74gt7u4u6qwlflk4unvwp7sfvvgp47yaumm6aas75tq6q2axvu2"
TABLE: dict[str, tuple[str, str]] = {
    "new": ("new {folder}/another --passphrase-file {folder}/strong.txt", "new {study}"),
    "people template": ("people {study} template", "people {folder} templates"),
    "people import": ("people {study} import {folder}/first.csv", f"people {{study}} import {BAD}"),
    "people list": ("people {study} list", f"people {{folder}} list --passphrase-file {BAD}"),
    "people redraw": ("people {study} redraw P1", "people {study} redraw Zephyrine"),
    "attributes": ("attributes {study} {folder}/attributes.csv", "attributes {study} {folder}/bad-attributes.csv"),
    "topics": ("topics {study} {folder}/topics.csv", "topics {study} {folder}/bad-topics.csv"),
    "add": ("add {study} '{folder}/Thaddeo.wav'", f"add {{study}} {BAD}"),
    "watch": ("watch {study} {folder}/Quillfeather --once", f"watch {{study}} {BAD} --once"),
    "status": ("status {study}", "status {folder}/Zephyrine"),
    "run": ("run {study}", "run {study} Zephyrine"),
    "show": ("show {study} T001 --identified", "show {study} Zephyrine"),
    "speakers": ("speakers {study} T001 --set S1=R1", "speakers {study} T001 --set Zephyrine=Osgood"),
    "language": ("language {study} R001 cy", "language {study} R001 Zephyrine"),
    "settle": ("settle {study} T002 --reviewer AB", "settle {study} T002 --reviewer 'Hartley Quayle'"),
    "explain": ("explain {study} T001 F0001:11-18", "explain {study} T001 Osgood"),
    "review": ("review {study} T001 --reviewer AB --no-browser", "review {study} Zephyrine --reviewer AB"),
    "release": ("release {study} --unreviewed --to all", "release {study} Zephyrine --to txt"),
    "formats": ("formats", "formats Zephyrine"),
    "quote": ("quote {study} R002 00:00:00-00:00:05", "quote {study} T001 Zephyrine-Osgood"),
    "replacements": ("replacements {study} T001", "replacements {study} Zephyrine"),
    "anonymise": ("anonymise {folder}/Thaddeo.txt --study {study}", f"anonymise {BAD} --study {{study}}"),
    "detect": ("detect {folder}/rows.jsonl --out {folder}/out.jsonl", f"detect {BAD} --out {{folder}}/out2.jsonl"),
    "backup": ("backup {study} {folder}/Zephyrine.backup", f"backup {{study}} {BAD}"),
    "restore": ("restore {folder}/backup {folder}/again", f"restore {BAD} {{folder}}/again2"),
    "recordings export": ("recordings export {study} {folder}/out", "recordings export {study} {folder}/out Zephyrine"),
    "evaluate pii": ("evaluate pii {folder}/gold.jsonl {folder}/gold.jsonl", f"evaluate pii {BAD} {BAD}"),
    "evaluate leaks": ("evaluate leaks {folder}/gold.json {folder}/said.json", f"evaluate leaks {BAD} {BAD}"),
    "evaluate wer": ("evaluate wer {folder}/a.stm {folder}/a.stm", f"evaluate wer {BAD} {BAD}"),
    "evaluate cpwer": ("evaluate cpwer {folder}/a.stm {folder}/a.stm", f"evaluate cpwer {BAD} {BAD}"),
    "evaluate der": ("evaluate der {folder}/a.rttm {folder}/a.rttm", f"evaluate der {BAD} {BAD}"),
    "models list": ("models list", "models list Zephyrine"),
    "models fetch": ("models fetch whisper-tiny.en", "models fetch Zephyrine"),
    "models verify": ("models verify whisper-tiny.en", "models verify Zephyrine"),
    "models path": ("models path whisper-tiny.en", "models path Zephyrine"),
    "voices enrol": ("voices enrol {study} P1 {folder}/Thaddeo.wav", "voices enrol {study} Zephyrine {folder}/x.wav"),
    "voices list": ("voices list {study}", "voices list {folder}/Zephyrine"),
    "passphrase": (
        "passphrase {study} --new-passphrase-file {folder}/strong.txt",
        "passphrase {study} --new-passphrase-file {folder}/Zephyrine",
    ),
    "keys add": (f"keys add {{study}} s1 {HOLDER}", f"keys add {{study}} Zephyrine {HOLDER}"),
    "keys list": ("keys list {study}", "keys list {folder}/Zephyrine"),
    "keys remove": ("keys remove {study} s1", "keys remove {study} Zephyrine"),
    "keys sheet": ("keys sheet {study} {folder}/sheet.txt", f"keys sheet {{study}} {BAD}"),
    "cluster": ("cluster {folder}/nodes", f"cluster {BAD}"),
    "retain": ("retain {study} R001 --until 2040-01-31", "retain {study} Zephyrine --until Osgood"),
    "who": ("who {study} R001", "who {study} Zephyrine"),
    "doctor": ("doctor {study}", "doctor {folder}/Zephyrine"),
    "audit verify": ("audit verify {study}", "audit verify {folder}/Zephyrine"),
    "forget": ("forget {study} P1", "forget {study} Zephyrine"),
    "close": ("close {study} --recordings destroy", "close {study} --recordings Zephyrine"),
    "voices forget": ("voices forget {study} P1", "voices forget {study} Zephyrine"),
}
FAILS_ALIKE = {
    "quote": "nothing of this study is settled with times",
    "voices enrol": "a tone is no voice, and nobody agreed",
    "keys remove": "nobody else holds the key",
    "evaluate cpwer": "meeteval may not be here",
}


def commands(group: object, before: str = "") -> Iterator[str]:
    """The full names of all commands."""
    for name, one in group.commands.items():  # type: ignore[attr-defined]
        full = f"{before} {name}".strip()
        if hasattr(one, "commands"):
            yield from commands(one, full)
        else:
            yield full


def test_every_command_has_a_row() -> None:
    known = set(commands(typer.main.get_command(cli.app)))
    assert known == {"people" if name.startswith("people ") else name for name in TABLE}
    assert known > {"run", "recordings export", "models list"}


@pytest.fixture(scope="module")
def full_place(undisturbed: dict[str, Undisturbed], tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The study at the end of its day, and files named and filled as people do."""
    place = undisturbed["backup"].after.copy(tmp_path_factory.mktemp("commands") / "now")
    folder, said = place.folder, "Zephyrine Quillfeather said that Osgood left again."
    words = [{"text": "Zephyrine", "start": 0.0, "end": 0.8, "start_char": 0, "end_char": 9}]
    gold = {"turns": [{"index": 0, "words": words, "text": "Zephyrine"}], "identifiers": [], "keep_words": []}
    files = {
        "Zephyrine.rtf": "Zephyrine Quillfeather,\0Osgood\n",
        "strong.txt": "seven lanterns over the quiet harbour\n",
        "Thaddeo.txt": f"Hartley Quayle: {said}\n",
        "attributes.csv": "id,age\nP1,30-39\n",
        "bad-attributes.csv": "id,age\nP1,Zephyrine\n",
        "topics.csv": "recording,start,topic\nR001,00:00,Arrival\n",
        "bad-topics.csv": "recording,start,topic\nR001,Osgood,Zephyrine\n",
        "rows.jsonl": json.dumps({"id": "1", "text": said}) + "\n",
        "gold.jsonl": json.dumps({"id": "1", "text": said, "spans": [[0, 9, "person"]]}) + "\n",
        "gold.json": json.dumps(gold),
        "said.json": json.dumps({"turns": [{"words": [], "replaced": []}]}),
        "a.stm": "r1 1 Zephyrine 0 2 Osgood left again\n",
        "a.rttm": "SPEAKER r1 1 0 1 <NA> <NA> Zephyrine <NA> <NA>\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "Quillfeather").mkdir()
    (folder / "Thaddeo.wav").write_bytes((folder / "Zephyrine 3 May.wav").read_bytes() + bytes(2))
    (folder / "Quillfeather" / "Osgood.wav").write_bytes((folder / "Thaddeo.wav").read_bytes())
    return place


def ends_itself(seconds: float) -> None:
    """As Ctrl-C would, after so many seconds."""
    day.fake_engines()
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


def names_in(text: str, place: Place) -> list[str]:
    """Which of the words stand there; the folder that was typed by us is none."""
    plain = text.replace(str(place.folder), "").casefold()
    return [word for word in WORDS if word.casefold() in plain]


@pytest.mark.parametrize("name", TABLE)
def test_no_line_of_a_command_holds_a_name(
    full_place: Place, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    for model in WEIGHTS.get(name, ()):
        request.getfixturevalue("model_path")(model)
    prepare = partial(ends_itself, 5.0) if name == "review" else day.fake_engines
    for text, well in zip(TABLE[name], (True, False), strict=True):
        for more in ((), ("--json",)):
            own = full_place.copy(tmp_path / "own")
            words = shlex.split(text.format(folder=own.folder, study=own.root))
            ended = own.command(*words, *more, prepare=prepare)
            assert not ended.killed
            assert (ended.status == 0) is well or (well and name in FAILS_ALIKE), ended.said
            assert "Traceback" not in ended.said
            assert "unexpected" not in ended.said
            if name not in FOR_THE_KEY_HOLDER or not well:
                assert names_in(ended.said, own) == []
            for kept in ("journal.jsonl", "audit.jsonl"):
                assert names_in((own.root / kept).read_text(), own) == []


class Bad(Exception):
    """What an engine may raise, words and all."""


def stage_breaks() -> None:
    """Recognition fails with a name in its message, and so does what nobody expects to fail."""
    from transcribe import overview
    from transcribe.cli import batches
    from transcribe.engines import Engines

    def breaks(*given: object) -> None:
        raise Bad("Zephyrine Quillfeather said that Osgood left again")

    day.fake_engines()
    Engines.transcriber = type("Broken", (), {"transcribe": breaks})()  # type: ignore[assignment]
    batches.overview = breaks  # type: ignore[assignment]
    overview.overview = breaks  # type: ignore[assignment]


@pytest.mark.parametrize("words", [("run", "{study}"), ("status", "{study}"), ("status", "{study}", "--json")])
def test_a_crash_shows_neither_its_message_nor_a_trace(
    undisturbed: dict[str, Undisturbed], tmp_path: Path, words: tuple[str, ...]
) -> None:
    place = undisturbed["run"].before.copy(tmp_path / "now")
    ended = place.command(*(word.format(study=place.root) for word in words), prepare=stage_breaks)
    assert ended.status != 0
    assert "Bad" in ended.said
    assert "Traceback" not in ended.said
    assert names_in(ended.said, place) == []
    assert names_in((place.root / "journal.jsonl").read_text(), place) == []
