"""Whisper over windows of up to 30 seconds, several at once: encode, decode, break loops, time the words.

Only temperature 0, a beam search without sampling. Whisper's usual fall-back to temperatures above 0 draws from
CTranslate2's generator, which is seeded once a thread and not again, so equal runs would give different words. Yet
something must break the loops that Whisper falls into: a window whose text repeats itself (the usual sign, a
compression ratio above 2.4) is decoded again with no five tokens allowed twice.

Names that it is primed with can make Whisper go on with their list and leave out all that was said in a window. Where
a primed window has little text it is decoded again without the names, and the richer text is taken.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens

from transcribe import pulse, slack
from transcribe.asr import AsrOptions
from transcribe.asr.scoring import LONGEST_S
from transcribe.asr.sections import Samples
from transcribe.errors import of_memory
from transcribe.schema import SAMPLE_RATE_HZ, Quiet, Word, record

LOOPING = 2.4
"""Above this zlib ratio a text repeats itself (openai/whisper, transcribe.py)."""
LONGEST_REPEAT = 5
SPARSE = 60
"""Fewer text tokens than this in a window of 30 s is less than two thirds of ordinary talk (about 100)."""
RICHER = 1.3
SILENT, UNLIKELY = 0.6, -1.0
"""Nothing was said where "no speech" is likelier than this and the text less likely (openai/whisper, transcribe.py)."""
_BEFORE_WORD, _AFTER_WORD = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # faster-whisper's own
Features = npt.NDArray[np.float32]
T = TypeVar("T")
R = TypeVar("R")


@record
class _Text(Quiet):
    """A decoded window: tokens, their mean log probability, the probability of no speech, the compression ratio."""

    tokens: tuple[int, ...]
    mean: float
    silent: float
    ratio: float


@record
class _Aligned(Quiet):
    """A model to the library's rules for over-long words: it has aligned one window already."""

    frames_per_second: int
    alignment: Any

    def find_alignment(self, *_: Any) -> Any:
        """What stands fast."""
        return [self.alignment]


class Windows:
    """Decodes windows over a loaded model: `at_once` of them together, and as many such batches as there are `workers`.

    Where memory is short fewer go together from then on. What belongs together does not hang on `workers`, so that the
    words are the same with any number of them.
    """

    def __init__(self, model: WhisperModel, at_once: int, workers: int = 1) -> None:
        self._model = model
        self._at_once = at_once
        self._workers = workers

    def words(self, windows: Sequence[Samples], language: str, options: AsrOptions) -> Iterator[tuple[Word, ...]]:
        """Of each window (mono, 16 kHz, up to 30 s) its words, timed in its samples."""
        multilingual = self._model.model.is_multilingual
        tokenizer = Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=language)
        # on a CPU what goes together stays together, fewer such batches do: so the words are the same
        on_cpu = self._model.model.device == "cpu"
        at_once = self._at_once if on_cpu else max(1, self._at_once >> options.lean)
        workers = max(1, self._workers >> options.lean)
        batches = [windows[first : first + at_once] for first in range(0, len(windows), at_once)]
        with ThreadPoolExecutor(workers) as pool:
            for words in pool.map(lambda batch: self._batch(batch, tokenizer, options), batches):
                yield from words

    def _batch(self, batch: Sequence[Samples], tokenizer: Tokenizer, options: AsrOptions) -> list[tuple[Word, ...]]:
        at_once, words = in_batches(
            batch, self._at_once, lambda some: self._decoded(some, tokenizer, options), of_memory
        )
        self._at_once = min(self._at_once, at_once)
        slack.give_back()
        pulse.beat(pulse.RECOGNITION)
        return words

    def _decoded(self, windows: Sequence[Samples], tokenizer: Tokenizer, options: AsrOptions) -> list[tuple[Word, ...]]:
        features = np.stack([pad_or_trim(self._model.feature_extractor(one)[..., :-1]) for one in windows])
        seconds = [len(one) / SAMPLE_RATE_HZ for one in windows]
        encoded = self._encoded(features)
        names = ", ".join(options.names)
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=names or None)
        plain = self._model.get_prompt(tokenizer, [], without_timestamps=True)
        texts = self._generated(encoded, prompt, tokenizer, options, len(windows))

        def again(places: list[int], given: list[int], longest_repeat: int = 0) -> dict[int, _Text]:
            if not places:
                return {}
            some = self._encoded(features[places])
            made = self._generated(some, given, tokenizer, options, len(places), longest_repeat)
            return dict(zip(places, made, strict=True))

        looping = [n for n, text in enumerate(texts) if text.ratio > LOOPING]
        for n, text in again(looping, prompt, LONGEST_REPEAT).items():
            texts[n] = min(texts[n], text, key=lambda one: one.ratio)
        sparse = [n for n, text in enumerate(texts) if names and len(text.tokens) < SPARSE * seconds[n] / LONGEST_S]
        for n, text in again(sparse, plain).items():
            if len(text.tokens) > RICHER * len(texts[n].tokens) and text.ratio <= LOOPING:
                texts[n] = text
        return self._timed(encoded, tokenizer, texts, seconds)

    def _encoded(self, features: Features) -> Any:
        """The encoder's output for (windows, mels, frames). On a CPU one window after the other, which takes a large
        model on a slow core a minute each.

        Its attention takes 72 MB for each of them in Whisper base (8 heads, 1500 frames squared), and gains nothing.
        """
        if self._model.model.device != "cpu":
            return self._model.encode(features)
        each = []
        for one in features:
            each.append(np.asarray(self._model.encode(one)))
            pulse.beat(pulse.RECOGNITION)
        return StorageView.from_array(np.ascontiguousarray(np.concatenate(each)))

    def _generated(
        self, encoded: Any, prompt: list[int], tokenizer: Tokenizer, options: AsrOptions, count: int, repeat: int = 0
    ) -> list[_Text]:
        """`repeat`: so many tokens may not come twice; 0 for any."""
        results = self._model.model.generate(
            encoded,
            [prompt] * count,
            beam_size=options.beam_size,
            max_length=self._model.max_length,
            no_repeat_ngram_size=repeat,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        )
        pulse.beat(pulse.RECOGNITION)
        return [_text(result, tokenizer) for result in results]

    def _timed(
        self, encoded: Any, tokenizer: Tokenizer, texts: list[_Text], seconds: list[float]
    ) -> list[tuple[Word, ...]]:
        """The words with the times and probabilities that the decoder's attention gives them."""
        said = [list(text.tokens) if not (text.silent > SILENT and text.mean < UNLIKELY) else [] for text in texts]
        frames = [int(end_s * self._model.frames_per_second) for end_s in seconds]
        aligned: Any = self._model.find_alignment(tokenizer, said, encoded, frames)
        return [
            self._of_one(tokenizer, tokens, alignment, end_s)
            for tokens, alignment, end_s in zip(said, aligned, seconds, strict=True)
        ]

    def _of_one(self, tokenizer: Tokenizer, tokens: list[int], alignment: Any, end_s: float) -> tuple[Word, ...]:
        """The words of a window as the library's rules for over-long words leave them.

        A first word begins where its window does, and is shortened where no speech came just before it. Windows that
        are given to those rules together count as one, so all but the first would keep it, over whatever was skipped.
        """
        segment: dict[str, Any] = {"seek": 0, "start": 0.0, "end": end_s, "tokens": tokens}
        one: Any = _Aligned(frames_per_second=self._model.frames_per_second, alignment=alignment)
        WhisperModel.add_word_timestamps(one, [[segment]], tokenizer, None, [], _BEFORE_WORD, _AFTER_WORD, 0.0)
        return tuple(
            Word(
                start_s=float(word["start"]),
                end_s=float(word["end"]),
                text=word["word"],
                probability=float(word["probability"]),
            )
            for word in segment["words"]
        )


def _text(result: Any, tokenizer: Tokenizer) -> _Text:
    tokens = result.sequences_ids[0]
    return _Text(
        tokens=tuple(token for token in tokens if token < tokenizer.eot),
        mean=result.scores[0] * len(tokens) / (len(tokens) + 1),
        silent=result.no_speech_prob,
        ratio=get_compression_ratio(tokenizer.decode(tokens).strip()),
    )


def in_batches(
    items: Sequence[T], at_once: int, work: Callable[[Sequence[T]], list[R]], too_much: Callable[[Exception], bool]
) -> tuple[int, list[R]]:
    """(how many went at once in the end, the results in order): where the work is `too_much`, half as many are tried.

    Raises what `work` raises when one item alone is too much, or when it fails in another way.
    """
    done: list[R] = []
    while len(done) < len(items):
        try:
            done += work(items[len(done) : len(done) + at_once])
        except RuntimeError as error:
            if at_once == 1 or not too_much(error):
                raise
            at_once = max(1, at_once // 2)
    return at_once, done
