"""Make the weights in transcribe/detect/fusion.toml from the development sets, and say how the other half fares.

    .venv/bin/python scripts/train_names.py [--report]

Trains on documents of even index (GUM, Earnings-21, SLURP, WNUT17) and on sentences of train_names.toml with names of
Faker's locales; `--report` trains nothing and only measures. About five minutes on one core.
"""

import json
import random
import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from transcribe import detect, weights
from transcribe.detect import defaults, fusion, fusion_features, lexicon, presidio_detector, rampart
from transcribe.detect.fusion_features import Columns
from transcribe.schema import Utterance, Word

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "text"
OUT = HERE.parent / "transcribe" / "detect" / "fusion.toml"
SETS = {"gum_spoken_names": 1.0, "earnings21_entities": 0.3, "slurp_person_commands": 1.0, "wnut17": 0.5}
LABELS = {
    **dict.fromkeys(("PERSON", "PER", "person"), 0),
    **dict.fromkeys(("PLACE", "GPE", "LOC", "FAC", "location", "place_name"), 1),
    **dict.fromkeys(("ORG", "corporation", "group"), 2),
    **dict.fromkeys(("PERSON_MAYBE", "ROLE", "creative-work", "product", "PRODUCT", "personal_info"), -1),
}
NONE, LIMIT, PENALTY, FOLDS = 3, 12_000, 0.03, 4
HELD_OUT = "en_IE ga_IE yo_NG ig_NG ha_NG pl_PL en_IN en_PK zh_CN tr_TR".split()  # no sentences with their names


def lowered(text: str) -> str:
    """Lower case without punctuation, of the same length."""
    return re.sub(r"[^\w\s'’]", " ", text).lower()


def utterances(text: str) -> tuple[Utterance, ...]:
    return tuple(
        Utterance(
            id=f"U{n:05d}",
            speaker="S1",
            start_s=0,
            end_s=0,
            words=(Word(start_s=0, end_s=0, text=line, probability=1),),
        )
        for n, line in enumerate(text.split("\n"), 1)
    )


def rows(name: str, half: int) -> list[dict[str, Any]]:
    """Documents of one half; of the long earnings calls the beginning."""
    lines = (DATA / name / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines[half::2]:
        row = json.loads(line)
        cut = row["text"].find(" ", LIMIT) if name.startswith("earnings") else -1
        text = row["text"][:cut] if cut > 0 else row["text"]
        found.append({"text": text, "spans": [s for s in row["spans"] if s[1] <= len(text)], "weight": SETS[name]})
    return found


def names_of(locales: list[str], names: str) -> list[str]:
    found = []
    for locale in locales:
        listed = getattr(import_module(f"faker.providers.person.{locale}").Provider, names, ())
        found += [str(one) for one in listed] if isinstance(listed, (tuple, list, dict)) else []
    return found


def invented(count: int, locales: list[str], seed: int, part: int) -> list[dict[str, Any]]:
    """Documents of twelve sentences, from the templates of even (`part` 0) or odd index."""
    dice, made = random.Random(seed), tomllib.loads((HERE / "train_names.toml").read_text(encoding="utf-8"))  # noqa: S311
    raw = tomllib.loads((Path(lexicon.__file__).with_suffix(".toml")).read_text(encoding="utf-8"))
    pools = {
        "G": names_of(locales, "first_names"), "S": names_of(locales, "last_names"),
        "W": sorted(w for w in defaults.load().words.ordinary if lexicon.load().given.get(w, 0) > 1),
        "P": raw["place_names"].split(),
    }  # fmt: skip
    documents = []
    for _ in range(count):
        lines = []
        for group, times in (("names", 5), ("words", 3), ("ordinary", 4)):
            lines += dice.sample(made[group][part::2], times)
        dice.shuffle(lines)
        text, spans = "", []
        for line in lines:
            for piece in re.split(r"(\{\w\})", line):
                name = dice.choice(pools[piece[1]]).title() if re.fullmatch(r"\{\w\}", piece) else piece
                if name is not piece:
                    spans.append([len(text), len(text) + len(name), "PLACE" if piece == "{P}" else "PERSON", piece[1]])
                text += name
            text += "\n"
        documents.append({"text": text[:-1], "spans": spans, "weight": 0.1})
    return documents


class Document:
    """A row in one casing: its words, their columns and labels."""

    def __init__(self, row: dict[str, Any], text: str, rules: tuple[detect.Rule, ...]) -> None:
        self.text, self.spans, self.weight = text, row["spans"], row["weight"]
        self.utterances = utterances(text)
        self.candidates = tuple(f for rule in rules for f in rule.find(self.utterances))
        self.words = fusion_features.tokens(self.utterances)
        tagger = detect.tagger_of(rules)
        self.columns = fusion_features.table(self.utterances, self.words, self.candidates, tagger)
        offsets = np.cumsum([0] + [len(u.text) + 1 for u in self.utterances])
        self.places = [(int(offsets[w.utterance]) + w.start, int(offsets[w.utterance]) + w.end) for w in self.words]
        marks = np.full(len(text) + 1, NONE)
        for start, end, label, *_ in self.spans:
            marks[start:end] = LABELS.get(label, NONE)
        self.labels = np.array([marks[start] for start, _ in self.places], dtype=int)


def documents(found: list[dict[str, Any]], small: bool, rules: tuple[detect.Rule, ...]) -> list[Document]:
    texts = [(row, lowered(row["text"]) if small else row["text"]) for row in found]
    return [Document(row, text, rules) for row, text in texts if len(text) == len(row["text"]) and text.strip()]


def stacked(tables: list[Columns], names: list[str]) -> np.ndarray:
    place = {name: number for number, name in enumerate(names)}
    parts = []
    for table in tables:
        part = np.zeros((len(table.values), len(names)))
        for number, name in enumerate(table.names):
            if name in place:
                part[:, place[name]] = table.values[:, number]
        parts.append(part)
    return np.concatenate(parts)


def fit(values: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(columns + 1, 3): weights against none, the intercept last."""
    spread, known = values.std(axis=0) + 1e-9, labels >= 0
    model = LogisticRegression(C=PENALTY, max_iter=500)
    model.fit((values / spread)[known], labels[known], sample_weight=weight[known])
    whole = np.concatenate([(model.coef_ / spread).T, model.intercept_[None]])
    return whole[:, :3] - whole[:, 3:]


def estimate(values: np.ndarray, made: np.ndarray) -> np.ndarray:
    return fusion._softmax(values @ made[:-1] + made[-1])


def train(found: list[Document]) -> dict[str, dict[str, list[float]]]:
    names = sorted({name for document in found for name in document.columns.names})
    values = stacked([document.columns for document in found], names)
    labels = np.concatenate([document.labels for document in found])
    weight = np.concatenate([np.full(len(document.words), document.weight) for document in found])
    fold = np.concatenate([np.full(len(document.words), n % FOLDS) for n, document in enumerate(found)])
    first = np.zeros((len(labels), 4))
    for n in range(FOLDS):  # the second must not read what the first says of its own training words
        first[fold == n] = estimate(values[fold == n], fit(values[fold != n], labels[fold != n], weight[fold != n]))
    ends = np.cumsum([len(document.words) for document in found])[:-1]
    more = [fusion_features.second(d.words, part) for d, part in zip(found, np.split(first, ends), strict=True)]
    more_names = list(more[0].names)
    both = np.concatenate([values, stacked(more, more_names)], axis=1)
    weights_of = {
        "first": (names, fit(values, labels, weight)),
        "second": (names + more_names, fit(both, labels, weight)),
    }
    return {
        stage: {
            name: [round(float(x), 3) for x in row] for name, row in zip([*columns, "intercept"], made, strict=True)
        }
        for stage, (columns, made) in weights_of.items()
    }


def write(made: dict[str, dict[str, dict[str, list[float]]]]) -> None:
    head = OUT.read_text(encoding="utf-8").split("\n[", 1)[0]
    lines = [head.rstrip()]
    for style, stages in made.items():
        for stage, table in stages.items():
            lines += ["", f"[{style}.{stage}]"] + [f"{name} = {row}" for name, row in table.items() if any(row)]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    fusion.load.cache_clear()


def report(title: str, found: list[Document], rules: tuple[detect.Rule, ...], group: str = "") -> None:
    """Person mentions wholly covered (by any name; by a person), precision of person spans, at three probabilities."""
    parts = []
    for least in (0.06, 0.1, 0.2, 0.5):
        total = covered = as_person = given = right = 0
        for document in found:
            spans = spans_of(document, rules, least)
            gold = [s for s in document.spans if LABELS.get(s[2]) == 0 and (not group or s[3] == group)]
            either = [s for s in document.spans if LABELS.get(s[2]) in (0, -1)]
            for start, end, *_ in gold:
                inside = [p for p in document.places if start <= p[0] < end]
                total += 1
                covered += all(any(a <= p[0] < b for a, b, _ in spans) for p in inside)
                as_person += all(any(a <= p[0] < b for a, b, kind in spans if kind == "person") for p in inside)
            for start, end, kind in spans:
                meets = {LABELS[s[2]] for s in either if s[0] < end and start < s[1]}
                given += kind == "person" and meets != {-1}
                right += kind == "person" and 0 in meets
        parts.append(f"{least}: {covered / total:.3f} ({as_person / total:.3f}) / {right / max(1, given):.3f}")
    print(f"{title:28s} n={total:4d}  " + "   ".join(parts), flush=True)


def spans_of(document: Document, rules: tuple[detect.Rule, ...], least: float) -> list[tuple[int, int, str]]:
    if not hasattr(document, "found"):
        document.found = fusion.fuse(document.utterances, document.candidates, detect.tagger_of(rules))
    offsets, at = {}, 0
    for utterance in document.utterances:
        offsets[utterance.id] = at
        at += len(utterance.text) + 1
    return [
        (offsets[f.utterance_id] + f.start, offsets[f.utterance_id] + f.end, f.kind.value)
        for f in document.found
        if f.reason.rule == fusion.RULE and f.evidence[0].score >= least
    ]


def main() -> None:
    rules = (presidio_detector.load(weights.path("en_core_web_md")), rampart.load(weights.path("rampart")))
    locales = lexicon.sources("people")
    training = [one for one in locales if one not in HELD_OUT]
    if "--report" not in sys.argv:
        base = [row for name in SETS for row in rows(name, 0)] + invented(120, training, 1, 0)
        write({style: train(documents(base, style == "lower", rules)) for style in ("cased", "lower")})
    for small in (False, True):
        style = "lower" if small else "normal"
        for half, name in ((0, "even, trained on"), (1, "odd")):
            report(f"GUM {name}, {style}", documents(rows("gum_spoken_names", half), small, rules), rules)
        for title, some in (("Irish", HELD_OUT[:2]), ("Nigerian", HELD_OUT[2:5]), ("Polish", ["pl_PL"]),
                            ("South Asian", ["en_IN", "en_PK"]), ("Turkish", ["tr_TR"])):  # fmt: skip
            report(f"{title} given names, {style}", documents(invented(40, some, 2, 1), small, rules), rules, "G")
        words = documents(invented(60, training, 3, 1), small, rules)
        report(f"word names, {style}", words, rules, "W")


if __name__ == "__main__":
    main()
