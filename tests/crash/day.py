"""A day's work on a small study, deed by deed, and what stands in the study between them.

Nobody's name in it is an ordinary word. Recognition and diarisation are fakes (what a kill does to the disk is no
matter of theirs); all else is the program itself, without model-backed rules.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.crash import processes
from tests.crash.processes import Ended
from transcribe import audit, media, store, study, vault
from transcribe.asr.fake import FakeTranscriber
from transcribe.diarise.fake import FakeDiariser
from transcribe.engines import Engines
from transcribe.pipeline import ARTEFACTS
from transcribe.review.log import Deed as Act
from transcribe.review.log import Entry
from transcribe.schema import Findings
from transcribe.vault import Unlocked

SPOKEN = (
    "I'm Hartley Quayle. How is Thaddeo, Zephyrine? He is fine, thank you. My friend Osgood came from Abercwmboi "
    "with a cake. And then Osgood left again? Yes, he did. Brannigan sends his love."
)
FIRST_ROSTER = """\
id,kind,role,names,relation,of,pseudonym
P1,person,participant,Zephyrine Quillfeather;Zephyrine,self,P1,
R1,person,interviewer,Hartley Quayle,interviewer,,
"""
SECOND_ROSTER = """\
id,kind,role,names,relation,of,pseudonym
I1,person,infant,Thaddeo,son,P1,
L1,place,place,Abercwmboi,home town,P1,
"""
FIRST_TEXT = """\
Hartley Quayle: How is Thaddeo, Zephyrine?
Zephyrine: He is fine. My friend Osgood came from Abercwmboi with a cake.
Hartley Quayle: And then Osgood left again?
"""
SECOND_TEXT = """\
Hartley Quayle: Hello again, Zephyrine.
Zephyrine: Osgood sends his love, and so does Brannigan, with another cake.
"""
NAMES = ("Zephyrine", "Quillfeather", "Hartley", "Quayle", "Thaddeo", "Abercwmboi", "Osgood", "Brannigan")
LINES = ("journal.jsonl", "audit.jsonl")
KILLS = int(os.environ.get("TRANSCRIBE_KILLS", "30"))
FRIEND = {"kind": "person", "role": "friend", "relation": "friend"}
ACTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("keep", {"at": ("U0001", "Thaddeo"), "everywhere": True}),
    ("add", {"at": ("U0002", "cake"), "who": FRIEND, "everywhere": True}),
    ("words", {"turn": "U0001", "first_word": 0, "last_word": 0, "text": "And how"}),
    ("undo", {}),
    ("redo", {}),
    ("person", {"do": "new", "kind": "person", "role": "friend", "forms": ["Pemberwick"]}),
    ("role", {"label": "S2", "who": {"person": "P1"}}),
    ("settle", {}),
)


@dataclass(frozen=True)
class Deed:
    """A command, its words with {folder} for where everything lies; or the acts of a reviewer."""

    name: str
    words: tuple[str, ...]
    acts: tuple[tuple[str, dict[str, Any]], ...] = ()


DEEDS = (
    Deed("people", ("people", "{folder}/study", "import", "{folder}/second.csv")),
    Deed("add", ("add", "{folder}/study", "{folder}/Zephyrine 3 May.wav", "--who", "P1,R1")),
    Deed("anonymise", ("anonymise", "{folder}/1.txt", "{folder}/2.txt", "--study", "{folder}/study", "--who", "P1,R1")),
    Deed("run", ("run", "{folder}/study")),
    Deed("settle", ("settle", "{folder}/study", "T002", "--reviewer", "AB", "--add", "U0002:60-64=other")),
    Deed("review", (), ACTS),
    Deed("release", ("release", "{folder}/study", "--unreviewed", "--to", "txt,docx,json")),
    Deed("backup", ("backup", "{folder}/study", "{folder}/backup")),
    Deed("restore", ("restore", "{folder}/backup", "{folder}/restored")),
    Deed("export", ("recordings", "export", "{folder}/study", "{folder}/exported")),
)


def fake_engines() -> None:
    """Put fakes in the place of what needs weights, in this process."""
    Engines.transcriber = FakeTranscriber(SPOKEN)  # type: ignore[assignment]
    Engines.diariser = FakeDiariser()  # type: ignore[assignment]
    Engines.check = lambda self: None  # type: ignore[method-assign]


class Place:
    """A folder with a study and all that the day needs; `secret` is the study's recovery key."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.folder = folder
        self.secret = secret
        self.root = folder / "study"

    def copy(self, to: Path) -> "Place":
        shutil.rmtree(to, ignore_errors=True)
        return Place(shutil.copytree(self.folder, to), self.secret)

    def do(self, deed: Deed, acts: Sequence[Any] | None = None, **how: Any) -> Ended:
        """Do a deed in a process; `how` as in `processes.work`."""
        if deed.acts:
            given = (str(self.root), self.secret, deed.acts if acts is None else acts)
            return processes.work(processes.reviewed, *given, secret=self.secret, watched=self.folder, **how)
        return self.command(*(word.format(folder=self.folder) for word in deed.words), **how)

    def command(self, *words: str, **how: Any) -> Ended:
        """Any command in a process."""
        how = {"watched": self.folder, "secret": self.secret, "prepare": fake_engines, **how}
        return processes.work(processes.command, words, **how)

    def unlocked(self, root: Path | None = None) -> Unlocked:
        """Opened as a reader: no seal is written, which would leave the next process less to do."""
        return vault.Unlocked(study.open_study(root or self.root), store.identity(self.secret))


def morning(folder: Path) -> Place:
    """The place before the first deed: a study whose first roster is in."""
    folder.mkdir(parents=True)
    for name, text in (
        ("first.csv", FIRST_ROSTER),
        ("second.csv", SECOND_ROSTER),
        ("1.txt", FIRST_TEXT),
        ("2.txt", SECOND_TEXT),
    ):
        (folder / name).write_text(text)
    tone = ("-f", "lavfi", "-i", "sine=frequency=300:duration=12", "-ar", "16000")
    subprocess.run([media.program(), "-v", "error", *tone, str(folder / "Zephyrine 3 May.wav")], check=True)
    made = Place(folder, "")
    ended = made.command("new", str(made.root), "--json", secret="correct horse battery")
    place = Place(folder, json.loads(ended.said)["recovery_key"])
    settings = place.root / "study.toml"
    settings.write_text(settings.read_text().replace("[detection]", "[detection]\nrules = {}"))
    assert place.command("people", str(place.root), "import", str(folder / "first.csv")).status == 0
    return place


# --- what stands ----------------------------------------------------------------------------------------------------


def check_whole(unlocked: Unlocked) -> None:
    """Every file that bears its final name can be read to its end, the audit holds, recordings are what came in."""
    opened = unlocked.study
    for recording_id in opened.recordings():
        key = unlocked.recording_key(recording_id)
        for path in (opened.private / recording_id).rglob("*.age"):
            if path.name != "note.age":
                store.decrypt(path.read_bytes(), key)
        if opened.sound_path(recording_id).exists():
            assert sound(unlocked, recording_id) == unlocked.vault.entry(recording_id).sha256
    assert audit.check(opened.audit_path, audit.Seal()).whole
    assert all(json.loads(line) for line in opened.journal_path.read_text().splitlines())
    for folder in opened.releases.glob("[0-9]*"):
        manifest = json.loads((folder / "manifest.json").read_text())
        listed = {one["name"]: one["hmac_sha256"] for one in manifest["files"]}
        assert {path.name for path in folder.iterdir()} == {*listed, "manifest.json"}
        assert all(unlocked.vault.digest_of_file(folder / name) == value for name, value in listed.items())


def sound(unlocked: Unlocked, recording_id: str) -> str:
    """The SHA-256 of a recording as the study gives it back."""
    sink = store.HashingWriter()
    store.decrypt_file(unlocked.study.sound_path(recording_id), sink, unlocked.recording_key(recording_id))
    return sink.sha256.hexdigest()


def stands(unlocked: Unlocked) -> dict[str, Any]:
    """All that a study holds, without what is drawn anew each time (keys, groups of acts)."""
    known, opened = unlocked.vault, unlocked.study
    made: dict[str, Any] = {
        "people": known.people,
        "recordings": [replace(entry, secret="", source_path="", added_on="") for entry in known.recordings],
        "people's log": [replace(entry, group="") for entry in unlocked.appended("", Entry)],
    }
    for recording_id in opened.recordings():
        for name, cls in (*ARTEFACTS.items(), ("findings", Findings)):
            stored = unlocked.load(recording_id, name, cls)
            made[f"{recording_id} {name}"] = stored and stored.value
        made[f"{recording_id} log"] = [replace(entry, group="") for entry in unlocked.appended(recording_id, Entry)]
        if opened.sound_path(recording_id).exists():
            made[f"{recording_id} sound"] = sound(unlocked, recording_id)
    return made


def finished(unlocked: Unlocked) -> Counter[tuple[str, str]]:
    """How often each stage of each recording was finished."""
    events = [event for event in unlocked.study.journal() if event["event"] == "finished"]
    return Counter((str(event["recording"]), str(event["stage"])) for event in events)


def releases(root: Path) -> dict[str, dict[str, bytes]]:
    """Number -> file name -> bytes."""
    folders = sorted((root / "release").glob("[0-9]*"))
    return {one.name: {path.name: path.read_bytes() for path in one.iterdir()} for one in folders}


def noted_releases(root: Path) -> list[int]:
    """The numbers of the releases that both the journal and the audit know."""
    kept = [[one for one in store.read_lines(root / name) if one["event"] == "released"] for name in LINES]
    numbers = [[int(str(one["release"])) for one in events] for events in kept]
    assert numbers[0] == numbers[1]
    return numbers[0]


def acts_of(now: Unlocked, before: Unlocked) -> list[Entry]:
    """What was written into the logs of T001 and of the people since; an entry of a settling's repeats is none."""
    new: list[Entry] = []
    for recording_id in ("T001", ""):
        new += now.appended(recording_id, Entry, len(before.appended(recording_id, Entry)))
    return [entry for n, entry in enumerate(new) if not (entry.deed is Act.SETTLE and new[n - 1].deed is Act.SETTLE)]


# --- the day as it goes when nothing happens ------------------------------------------------------------------------


@dataclass(frozen=True)
class Undisturbed:
    """A deed with the place before it, after it, and after a release that follows; its steps and seconds."""

    deed: Deed
    before: Place
    after: Place
    steps: int
    seconds: float
    released: dict[str, dict[str, bytes]]


def released(place: Place, scratch: Path) -> dict[str, dict[str, bytes]]:
    """All releases once everything that can be is released."""
    end = place.copy(scratch)
    ended = end.command("release", str(end.root), "--unreviewed", "--to", "txt,docx,json")
    assert ended.status == 0 or "nothing can be released" in ended.said, ended.said
    return releases(end.root)
