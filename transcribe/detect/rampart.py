"""Rampart, a small token classifier for personal information (National Design Studio, CC BY 4.0), as a Presidio
recogniser and as a rule. It does not see case, so it reads a text without capitals as well as any other.

It was trained on short texts: read with more than its utterance around it, it finds fewer names (GUM spoken, even half
of the development documents, person mentions at .3: .67 by utterance, .57 with all utterances of a document joined).
"""

import hashlib
import json
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from presidio_analyzer import EntityRecognizer, RecognizerResult

from transcribe import offline  # noqa: F401 - must come before any engine
from transcribe.errors import EngineError
from transcribe.schema import Finding, Kind, MadeBy, Reason, Utterance

RULE = "rampart"
KINDS = {
    "GIVEN_NAME": Kind.PERSON,
    "SURNAME": Kind.PERSON,
    "CITY": Kind.PLACE,
    "STATE": Kind.PLACE,
    "STREET_NAME": Kind.PLACE,
}
"""Of its labels, those that are names; numbers and addresses are other rules' work."""
LEAST = 0.001
WINDOW, OVERLAP = 126, 24  # pieces of words; with [CLS] and [SEP] a window is 128
_WORD = re.compile(r"[^\W_]+(?:['’\-&][^\W_]+)*")


class RampartRecognizer(EntityRecognizer):
    """Probabilities of name labels, word by word; a word is as likely a name as the likeliest of its pieces."""

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        super().__init__(supported_entities=list(KINDS), name="Rampart", supported_language="en")

    def load(self) -> None:
        """Tokenizer, labels and network on one thread; called by Presidio's constructor. Raises OSError, ValueError."""
        import onnxruntime
        from tokenizers import Tokenizer

        names = json.loads((self._weights / "config.json").read_text(encoding="utf-8"))["id2label"]
        labels = [names[str(number)] for number in range(len(names))]
        self._columns = {
            entity: [n for n, label in enumerate(labels) if label.removeprefix("B-").removeprefix("I-") == entity]
            for entity in KINDS
        }
        self._tokenizer = Tokenizer.from_str((self._weights / "tokenizer.json").read_text(encoding="utf-8"))
        self._ends = [self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]")]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            (self._weights / "onnx" / "model_q4.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """One result a word and entity of at least LEAST, by position."""
        del nlp_artifacts
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if not encoding.ids:
            return []
        probabilities = self._probabilities(np.array(encoding.ids, dtype=np.int64))
        starts = np.array([start for start, _ in encoding.offsets])
        results = []
        for word in _WORD.finditer(text):
            first, last = np.searchsorted(starts, [word.start(), word.end()])
            for entity in entities if last > first else ():
                score = float(probabilities[first:last, self._columns[entity]].sum(axis=1).max())
                if score >= LEAST:
                    results.append(RecognizerResult(entity, word.start(), word.end(), score))
        return results

    def _probabilities(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Of shape (pieces, labels); a piece is read in the window in which it stands furthest from an edge."""
        parts = []
        for start in range(0, max(1, len(ids) - 2 * OVERLAP), WINDOW - 2 * OVERLAP):
            window = self._window(ids[start : start + WINDOW])
            last = start + WINDOW >= len(ids)
            parts.append(window[OVERLAP if start else 0 : None if last else WINDOW - OVERLAP])
        return np.concatenate(parts)

    def _window(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        row = np.concatenate([self._ends[:1], ids, self._ends[1:]]).astype(np.int64)[None]
        feed = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        logits = self._session.run(["logits"], feed)[0][0, 1:-1]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)


class RampartDetector:
    """The recogniser over utterances, one by one: many weak candidates, a word each, for `fusion` to weigh."""

    def __init__(self, recognizer: RampartRecognizer, made_by: MadeBy) -> None:
        self.made_by = made_by
        self._recognizer = recognizer

    def find(self, utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]:
        """Candidates in order; `score` is the model's own, uncalibrated."""
        return tuple(
            _finding(utterance, result)
            for utterance in utterances
            for result in self._recognizer.analyze(utterance.text, list(KINDS))
        )


def _finding(utterance: Utterance, result: RecognizerResult) -> Finding:
    score = round(min(1.0, result.score), 4)
    return Finding(
        id="",
        utterance_id=utterance.id,
        start=result.start,
        end=result.end,
        kind=KINDS[result.entity_type],
        person_id=None,
        score=score,
        reason=Reason(rule=RULE, detail=result.entity_type, score=score),
    )


@cache
def load(weights: Path) -> RampartDetector:
    """The rule over Rampart's folder; loads once a process. Raises EngineError where it cannot be loaded."""
    try:
        recognizer = RampartRecognizer(weights)
        digest = hashlib.sha256((weights / "onnx" / "model_q4.onnx").read_bytes()).hexdigest()
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise EngineError(
            "the name-finding model could not be loaded", advice="run `transcribe models fetch rampart`", stage="detect"
        ) from error
    made_by = MadeBy(
        stage="detect",
        engine="onnxruntime",
        version=version("onnxruntime"),
        model="rampart",
        model_sha256=digest,
        options=(("window", str(WINDOW)), ("overlap", str(OVERLAP))),
    )
    return RampartDetector(recognizer, made_by)
