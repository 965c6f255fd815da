"""A Transcriber without a model: it says a given script. For tests of everything that comes after recognition."""

import re
from collections.abc import Sequence

from transcribe.asr import AsrOptions
from transcribe.asr.sections import tidy
from transcribe.schema import Audio, MadeBy, Word, Words


class FakeTranscriber:
    """Says `script` in every recording and keeps the options that it was asked with in `asked`.

    A text is split at spaces and spread evenly over the sound; words with times of their own keep them, inside it.
    """

    def __init__(self, script: str | Sequence[Word], language: str = "en") -> None:
        self._script = script
        self._language = language
        self.asked: list[AsrOptions] = []

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        self.asked.append(options)
        script = self._script
        words = _spread(script, audio.duration_s) if isinstance(script, str) else script
        return Words(
            words=tidy(words, audio.duration_s),
            language=options.language or self._language,
            language_probability=1.0,
            made_by=MadeBy(
                stage="recognise",
                engine="fake",
                version="1",
                model="script",
                model_sha256="",
                options=(("names_count", str(len(options.names))),),
            ),
        )


def _spread(script: str, duration_s: float) -> list[Word]:
    texts = re.findall(r"\s*\S+", script)
    each_s = duration_s / max(len(texts), 1)
    return [
        Word(start_s=number * each_s, end_s=(number + 1) * each_s, text=text, probability=1.0)
        for number, text in enumerate(texts)
    ]
