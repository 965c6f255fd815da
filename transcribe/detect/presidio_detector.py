"""Presidio's analyser over spaCy's en_core_web_md and the UK patterns: names of people, places, organisations, numbers.

spaCy takes interjections and kin words of spontaneous speech ("Mm", "Mummy") for names; what default_rules.toml lists
as never a name is cut off a span's ends, and a span of nothing else is dropped. Presidio's loggers are silenced: they
print entities and text below the warning level.
"""

import hashlib
import json
import logging
import os
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from transcribe import offline  # noqa: F401 - must come before any engine
from transcribe.detect import defaults
from transcribe.detect.ordinary import has_capitals
from transcribe.detect.recase import recased
from transcribe.errors import EngineError
from transcribe.schema import Finding, Kind, MadeBy, Reason, Utterance
from transcribe.wordforms import folded

_MODEL_ENTITIES = ("PERSON", "LOCATION", "ORGANIZATION")
_LOGGERS = ("presidio-analyzer", "presidio_analyzer", "decision_process")
_LANGUAGE = "en"
_IDLE = ["parser", "lemmatizer"]  # neither names nor tags need them, and they take half the time
# Word-like pieces with inner apostrophes and hyphens; numbers count as pieces, too.
_PIECE = re.compile(r"[^\W_]+(?:['’\-&][^\W_]+)*")


class PresidioDetector:
    """A rule and a tagger; keeps the tags of the texts it read last, since many questions come about them."""

    def __init__(self, analyzer: Any, made_by: MadeBy) -> None:
        self.made_by = made_by
        self._analyzer = analyzer
        self._tags: dict[str, dict[int, str]] = {}

    def find(self, utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]:
        """Spans of all entities, by position; each utterance is read by itself (measured: no better joined).

        A transcript without capitals is read with capitals where `recase` would have them.
        """
        cased = has_capitals(tuple(utterance.text for utterance in utterances))
        self._tags = {}
        return tuple(f for utterance in utterances for f in self._find_in(utterance, cased))

    def part_of_speech(self, text: str, start: int, end: int) -> str:
        """The tag of the token of `text` that begins at `start`, else of the first one in text[start:end]."""
        if text not in self._tags:
            self._keep(text, self._analyzer.nlp_engine.nlp[_LANGUAGE](text))
        tags = self._tags[text]
        return tags.get(start) or next((tag for at, tag in tags.items() if start <= at < end), "")

    def _keep(self, text: str, document: Any) -> None:
        self._tags[text] = {token.idx: token.pos_ for token in document}

    def _find_in(self, utterance: Utterance, cased: bool) -> list[Finding]:
        text = utterance.text if cased else recased(utterance.text)
        artifacts = self._analyzer.nlp_engine.process_text(text, _LANGUAGE)
        self._keep(utterance.text, artifacts.tokens)
        results = self._analyzer.analyze(text=text, language=_LANGUAGE, nlp_artifacts=artifacts)
        found = [f for result in results for f in self._finding(utterance, result, artifacts.tokens)]
        return sorted(set(found), key=lambda f: (f.start, f.end, f.kind.value))

    def _finding(self, utterance: Utterance, result: Any, tokens: Any) -> list[Finding]:
        entity = result.entity_type
        kind = defaults.load().entities.get(entity)
        if kind is None:
            return []
        spans = [(result.start, result.end)]
        if entity in _MODEL_ENTITIES:
            spans = name_spans(utterance.text, result.start, result.end)
            if spans and not _looks_like_name(tokens.text[result.start : result.end], result, tokens):
                return []
        return [_make(utterance, *span, kind, entity, result.score) for span in spans]


def _make(utterance: Utterance, start: int, end: int, kind: Kind, entity: str, score: float) -> Finding:
    return Finding(
        id="",
        utterance_id=utterance.id,
        start=start,
        end=end,
        kind=kind,
        person_id=None,
        score=round(min(1.0, float(score)), 4),
        reason=Reason(rule="presidio", detail=entity),
    )


def _looks_like_name(surface: str, result: Any, tokens: Any) -> bool:
    """An entirely lower-case span counts only where the tagger, too, sees a proper noun in it."""
    if surface != surface.lower():
        return True
    span = tokens.char_span(result.start, result.end, alignment_mode="expand")
    return span is not None and any(token.pos_ == "PROPN" for token in span)


def name_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """What remains of a model's span once words that are never names are cut off its ends; at most one span."""
    words = defaults.load().words
    pieces = [(m.start(), m.end()) for m in _PIECE.finditer(text, start, end)]

    def idle(piece: tuple[int, int], also: frozenset[str]) -> bool:
        word = folded(text[slice(*piece)])
        bare = word.removesuffix("'s")
        return word in also or bare in also or not any(char.isalpha() for char in word)

    spelt = "".join(folded(text[slice(*piece)]) for piece in pieces)  # "N H S"
    if spelt in words.never or all(idle(piece, words.never | words.trim) for piece in pieces):
        return []
    ends = words.trim | words.never
    while pieces and idle(pieces[0], ends):
        pieces.pop(0)
    while pieces and idle(pieces[-1], ends):
        pieces.pop()
    if not pieces:
        return []
    first, last = pieces[0][0], pieces[-1][1]
    if re.search(r"['’]s$", text[first:last], re.IGNORECASE):
        last -= 2
    return [(first, last)] if last > first else []


@cache
def load(weights: Path) -> PresidioDetector:
    """The rule over an en_core_web_md folder; loads once a process. Raises EngineError where it cannot be loaded."""
    os.environ["PRESIDIO_DEVICE"] = "cpu"  # else it asks torch for a GPU, which spaCy's small models do not need
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        analyzer = _analyzer(weights)
    except (OSError, ValueError, ImportError) as error:
        raise EngineError(
            "the name-finding model could not be loaded", advice="run `transcribe models fetch`", stage="detect"
        ) from error
    settings = defaults.load()
    return PresidioDetector(analyzer, _made_by(weights, settings))


def _made_by(weights: Path, settings: defaults.Defaults) -> MadeBy:
    weights_file = weights / "ner" / "model"
    return MadeBy(
        stage="detect",
        engine="presidio-analyzer",
        version=version("presidio-analyzer"),
        model=weights.name,
        model_sha256=hashlib.sha256(weights_file.read_bytes()).hexdigest(),
        options=(
            ("spacy", version("spacy")),
            ("threshold", str(settings.scores["threshold"])),
        ),
    )


def _analyzer(weights: Path) -> Any:
    import tldextract.tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    from transcribe.detect import uk

    # Presidio's e-mail recogniser is not used, but any use of tldextract must stay off the network.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    if not weights.is_dir():  # else Presidio would try to download a package of that name
        raise OSError("no model folder")
    settings = defaults.load()
    configuration = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": _LANGUAGE, "model_name": str(weights)}],
        "ner_model_configuration": {
            "model_to_presidio_entity_mapping": dict(settings.spacy),
            "labels_to_ignore": _other_labels(weights, settings),
        },
    }
    engine: Any = NlpEngineProvider(nlp_configuration=configuration).create_engine()
    engine.nlp[_LANGUAGE].select_pipes(disable=_IDLE)
    names = SpacyRecognizer(supported_entities=list(_MODEL_ENTITIES))
    registry = RecognizerRegistry(recognizers=[names, *uk.recognizers()], supported_languages=[_LANGUAGE])
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=engine,
        supported_languages=[_LANGUAGE],
        log_decision_process=False,
        default_score_threshold=settings.scores["threshold"],
    )


def _other_labels(weights: Path, settings: defaults.Defaults) -> list[str]:
    """The model's labels that we map to nothing; Presidio warns of any it is not told to ignore."""
    labels = json.loads((weights / "meta.json").read_text(encoding="utf-8"))["labels"]["ner"]
    return [label for label in labels if label not in settings.spacy]
