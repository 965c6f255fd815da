"""What is found of names, and what can still be read: the table of the README. Called by scripts/bench names.

Texts: the odd documents of GUM spoken, and sentences of train_names.toml that were not trained on, names of origins
that were not. Roster: the odd lines of misspellings.txt, and rosters of twelve on texts that name none of them.
Interviews: d3 and those of scripts/dialogues, from the sound through the command line.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import interviews
import train_names as trained

from transcribe import detect, people, weights
from transcribe.config import Detection
from transcribe.detect import approximate, defaults, lexicon, roster, rows
from transcribe.evaluate import leaks, pii
from transcribe.evaluate.leaks import LeakCounts
from transcribe.evaluate.report import row as cells
from transcribe.schema import Finding, Kind, Person, Utterance, Word

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data"
ORIGINS = {
    "Irish": ["en_IE", "ga_IE"], "Nigerian": ["yo_NG", "ig_NG", "ha_NG"], "Polish": ["pl_PL"],
    "South Asian": ["en_IN", "en_PK"], "Turkish": ["tr_TR"],
}  # fmt: skip
LINES = ("So then I said to {} that it was enough.", "And {} came round on the Tuesday, which helped.")


def rules() -> tuple[detect.Rule, ...]:
    """The rules of a study as it comes."""
    return tuple(detect.load(name, weights.path(model)) for name, model in Detection().rules.items())


# --- texts, no roster -----------------------------------------------------------------------------------------------


def texts() -> dict[str, list[dict[str, Any]]]:
    """Name of a set -> gold rows."""
    train_locales = [one for one in lexicon.sources("people") if one not in trained.HELD_OUT]
    sets = {"GUM spoken, odd half": trained.rows("gum_spoken_names", 1)}
    words = trained.invented(60, train_locales, 3, 1)
    sets["names that are words"] = [_only(one, "W") for one in words]
    for origin, locales in ORIGINS.items():
        sets[f"{origin} given names"] = [_only(one, "G") for one in trained.invented(40, locales, 2, 1)]
    return {name: [{"id": n, **one} for n, one in enumerate(found)] for name, found in sets.items()}


def _only(row: dict[str, Any], group: str) -> dict[str, Any]:
    """The other names of the sentence are scored neither way."""
    spans = [s[:3] if s[3] == group else [s[0], s[1], "PERSON_MAYBE"] for s in row["spans"]]
    return {**row, "spans": spans}


def text_table() -> dict[str, Any]:
    """Recall and precision of person mentions, in normal case and in lower case without punctuation; words a second."""
    loaded, balance = rules(), defaults.load().scores["balance"]
    rows.detect_text("Good morning, Mary.", loaded)
    table: dict[str, Any] = {}
    words, began = 0, time.thread_time()
    for name, gold in texts().items():
        for case in ("normal", "lower"):
            cased = gold if case == "normal" else [pii.lowered(one) for one in gold]
            found = [{"id": g["id"], "spans": rows.detect_text(g["text"], loaded, (), balance)} for g in cased]
            words += sum(len(one["text"].split()) for one in cased)
            persons = [{**f, "spans": [s for s in f["spans"] if s[2] == "person"]} for f in found]
            whole = {r.name: r for r in pii.rates(pii.score(cased, found), Kind.PERSON)}
            own = {r.name: r for r in pii.rates(pii.score([_people(g) for g in cased], persons))}
            table[f"{name}, {case}: recall"] = cells(whole["recall"])[1:]
            table[f"{name}, {case}: precision"] = cells(own["precision, kind"])[1:]
    table["words a second of one thread"] = round(words / (time.thread_time() - began))
    (gum, gold), *_ = texts().items()
    return table | _worth(f"{gum}, normal", gold, loaded) | _worth(f"{gum}, lower", map(pii.lowered, gold), loaded)


def _worth(name: str, gold: Iterable[dict[str, Any]], loaded: tuple[detect.Rule, ...]) -> dict[str, Any]:
    """What the probability of a name is worth, questions included; other kinds are not marked in the gold."""
    gold, named = list(gold), (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION)
    found = [[s for s in rows.detect_text(g["text"], loaded) if s[2] in named] for g in gold]
    counts = pii.score(gold, [{"id": g["id"], "spans": spans} for g, spans in zip(gold, found, strict=True)])
    return {f"{name}: {rate.name}": cells(rate)[1:] for rate in pii.calibration(counts)}


def _people(row: dict[str, Any]) -> dict[str, Any]:
    """Gold in which only people count: a person found where there is a place is a false alarm."""
    return {**row, "spans": [s for s in row["spans"] if s[2] in ("PERSON", "PERSON_MAYBE", "ROLE")]}


# --- roster ---------------------------------------------------------------------------------------------------------


def utterances(texts: Iterable[str]) -> tuple[Utterance, ...]:
    """Lines without times."""
    words = (Word(start_s=0.0, end_s=0.0, text=text, probability=1.0) for text in texts)
    return tuple(
        Utterance(id=f"U{n:04d}", speaker="S1", start_s=0.0, end_s=0.0, words=(word,))
        for n, word in enumerate(words, 1)
    )


def by_roster(lines: tuple[Utterance, ...], known: tuple[Person, ...]) -> list[Finding]:
    """All that the roster alone finds."""
    found, kept = roster.find(lines, known)
    return [*found, *approximate.find(lines, known, found + kept)]


def roster_table() -> dict[str, Any]:
    """Hard misspellings found; false alarms a thousand words of twelve people who are not named there."""
    pairs = [line.split(": ") for line in (HERE / "misspellings.txt").read_text().splitlines() if ": " in line][1::2]
    dice = random.Random(11)  # noqa: S311
    pool = trained.names_of(["en_GB", "en_IE", "pl_PL", "yo_NG", "en_IN", "tr_TR"], "first_names")
    hits = {0.5: [0, 0], 0.1: [0, 0]}
    for number, (name, forms) in enumerate(pairs):
        known = (Person(id="X", kind=Kind.PERSON, role="participant", forms=(name,)), *_twelve(dice, pool)[1:])
        for form in forms.split(", "):
            line = LINES[number % 2].format(form)
            start, end = line.index(form), line.index(form) + len(form)
            over = [f for f in by_roster(utterances([line]), known) if f.start <= start + 1 and end - 1 <= f.end]
            for least, counts in hits.items():
                counts[0] += any(f.score >= least for f in over)
                counts[1] += 1
    table: dict[str, Any] = {
        f"hard misspellings found, at {least}": cells(pii.rate("", [(count, of)]))[1:]
        for least, (count, of) in hits.items()
    }
    alarms, words = {0.5: 0, 0.1: 0}, 0
    for row in trained.rows("gum_spoken_names", 1):
        lines = utterances(one for one in row["text"].split("\n") if one.strip())
        for _ in range(3):
            known = tuple(p for p in _twelve(dice, pool) if p.forms[0] not in row["text"])
            found = by_roster(lines, known)
            words += len(row["text"].split())
            for least in alarms:
                alarms[least] += sum(f.score >= least for f in found)
    for least, count in alarms.items():
        table[f"false alarms a thousand words, at {least}"] = f"{count} in {words}: {1000 * count / words:.2f}"
    return table


def _twelve(dice: random.Random, pool: list[str]) -> tuple[Person, ...]:
    return tuple(
        Person(id=f"P{n}", kind=Kind.PERSON, role="participant", forms=(dice.choice(pool),)) for n in range(12)
    )


# --- interviews, from the sound -------------------------------------------------------------------------------------


def command(*arguments: str | Path) -> str:
    """The output of one `transcribe` command."""
    program = str(Path(sys.executable).parent / "transcribe")
    done = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: transcribe {arguments[0]} ended with {done.returncode}")
    return done.stdout


def interview(gold: Path, roster_file: Path) -> tuple[dict[str, LeakCounts], dict[str, float]]:
    """One interview in a study of its own: leaks as settled unchanged and as released unreviewed; stage seconds."""
    sound = next(path for suffix in (".wav", ".flac") if (path := gold.with_suffix(suffix)).exists())
    said, known = json.loads(gold.read_text()), people.read(roster_file.read_bytes())
    voices = str(len({turn["speaker"] for turn in said["turns"]}))
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        command("new", study)
        command("people", study, "import", roster_file)
        command("add", study, sound, "--speakers", voices, "--who", "P1,R1")
        events = [json.loads(line) for line in command("run", study, "--json").splitlines()]
        reviewed = json.loads(command("show", study, "R001", "--json"))
        written = json.loads(command("release", study, "--unreviewed", "--to", "json", "--json"))
        unreviewed = json.loads((Path(written["folder"]) / written["files"][0]).read_text())
    seconds = {e["stage"]: e["seconds"] for e in events if e.get("state") == "finished"}
    counts = {
        "reviewed": leaks.count(said, reviewed, known),
        "unreviewed": leaks.count(said, unreviewed, known),
    }
    return counts, seconds


def interview_table() -> dict[str, Any]:
    """Sums over d3 and the interviews of scripts/dialogues, with each of the two rosters."""
    os.environ["TRANSCRIBE_PASSPHRASE"] = "measured on this machine"  # noqa: S105 - studies thrown away
    golds = [DATA / "interviews" / "d3_zsofia.json", *interviews.rendered()]
    table: dict[str, Any] = {}
    listen, recognise = 0.0, 0.0
    for which in ("roster", "roster_full"):
        sums = {"reviewed": LeakCounts(), "unreviewed": LeakCounts()}
        for gold in golds:
            folder = gold.parent if gold.stem.startswith("d") else HERE / "dialogues"
            counts, seconds = interview(gold, folder / f"{gold.stem}.{which}.csv")
            sums = {point: total + counts[point] for point, total in sums.items()}
            listen, recognise = listen + seconds.get("listen", 0.0), recognise + seconds.get("recognise", 0.0)
        for point, total in sums.items():
            for rate in leaks.rates(total):
                table[f"{which}, {point}: {rate.name}"] = cells(rate)[1:]
            table[f"{which}, {point}: names elsewhere"] = total.elsewhere
    table["second listen, share of recognition time"] = round(listen / recognise, 3)
    table["interviews"] = len(golds)
    return table


def tables() -> dict[str, Any]:
    """Everything; about a quarter of an hour, and half an hour more where the interviews are not rendered yet."""
    return {"texts": text_table(), "roster": roster_table(), "interviews": interview_table()}
