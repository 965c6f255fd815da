"""Reference and hypothesis files as speech: who said what, and when. Files or folders of them, paired by stem.

    *.rttm  turns without words (NIST RT-09 evaluation plan, appendix A)
    *.stm   turns with words (NIST sclite, "STM: segment time mark"): recording channel speaker start end [<label>] text
    *.json  a list of turns {speaker, start, end, text}, an interview that holds them under `turns`, or our own
            document: a released json, or what `show --format json` prints
    *.wav, *.txt and others are passed over in a folder and refused by name

Nothing here is repeated in an error: files are named by their place, lines by their number.
"""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from transcribe.errors import StudyError
from transcribe.evaluate.der import read_rttm
from transcribe.schema import Quiet, Turn, record

WORDS = (".json", ".stm")
"""Kinds of file that hold words, the better first: of two with one stem in a folder the first is read."""
TURNS = (".rttm", *WORDS)
LONGEST_BYTES = 200_000_000
_IGNORED = "ignore_time_segment_in_scoring"
_RTTM = (
    "SEGMENT NOSCORE NO_RT_METADATA LEXEME NON-LEX NON-SPEECH FILLER EDIT IP SU CB A/P SPEAKER SPKR-INFO".split()
)  # the types of line that the plan names; all but SPEAKER are passed over
_OURS = re.compile(r"transcribe(-identified)?/\d+\Z")


@record
class Stretch(Quiet):
    """What one speaker said without a break; `text` is empty in an RTTM, times are None in an untimed transcript."""

    speaker: str
    start_s: float | None
    end_s: float | None
    text: str = ""


@record
class Speech(Quiet):
    """One file. `models` are the (model, sha256) pairs that it says made it, `worded` is False for an RTTM."""

    stretches: tuple[Stretch, ...]
    worded: bool
    models: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """All words in the order in which the stretches began; without times, as they stand in the file."""
        return " ".join(stretch.text for stretch in _in_order(self.stretches))

    @property
    def by_speaker(self) -> dict[str, str]:
        """Speaker -> all that she said, in that order."""
        said: dict[str, list[str]] = {}
        for stretch in _in_order(self.stretches):
            said.setdefault(stretch.speaker, []).append(stretch.text)
        return {speaker: " ".join(texts) for speaker, texts in said.items()}

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The stretches as turns. Raises StudyError where one has no times."""
        turns = []
        for stretch in self.stretches:
            if stretch.start_s is None or stretch.end_s is None:
                raise StudyError("a transcript has no times, so who spoke when cannot be scored", advice="use `cpwer`")
            turns.append(Turn(start_s=stretch.start_s, end_s=stretch.end_s, speaker=stretch.speaker))
        return tuple(turns)


@record
class Pair(Quiet):
    """A reference and the hypothesis that belongs to it; `name` is their stem."""

    name: str
    reference: Speech
    hypothesis: Speech


def pairs(reference: Path, hypothesis: Path, kinds: tuple[str, ...] = WORDS) -> tuple[Pair, ...]:
    """Two files, or the files of two folders that share a stem; hypotheses without a reference are passed over.

    The stem ends at the first dot and leaves `_pseudonymised` away. Raises StudyError: nothing there, a file against a
    folder, a reference without its hypothesis (left out it would flatter the rate), a file that cannot be read.
    """
    if reference.is_dir() != hypothesis.is_dir():
        raise StudyError("one is a file and one is a folder", advice="name two files or two folders")
    if not reference.is_dir():
        return (_pair(_stem(reference), reference, hypothesis, "the reference", "the hypothesis", kinds),)
    wanted, found = _by_stem(reference, kinds), _by_stem(hypothesis, kinds)
    if not wanted:
        raise StudyError(f"the folder of references holds no {' or '.join(kinds)} file", advice="see --help")
    alone = sorted(wanted.keys() - found.keys())
    if alone:
        said = f"{len(alone)} of {len(wanted)} references have no hypothesis of the same stem"
        raise StudyError(said, advice="give every recording's, an empty one where nothing was found")
    return tuple(
        _pair(stem, wanted[stem], found[stem], f"reference {n} of {len(wanted)}", f"hypothesis {n}", kinds)
        for n, stem in enumerate(sorted(wanted), 1)
    )


def read(path: Path, place: str = "the file") -> Speech:
    """The speech of a file, `place` naming it in errors. Raises StudyError for one that cannot be read as its kind."""
    suffix = path.suffix.lower()
    text = _text(path, place)
    try:
        if suffix == ".rttm":
            return _checked(Speech(stretches=_rttm(text), worded=False))
        if suffix == ".stm":
            return _checked(Speech(stretches=_stm(text), worded=True))
        if suffix == ".json":
            return _checked(_document(json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # What json and float say repeats what stands in the file; our own sentences do not.
        why = str(error) if isinstance(error, _Refused) else f"it holds no speech as a {suffix} file does"
        raise StudyError(f"{place} cannot be used: {why}", advice="see `transcribe evaluate wer --help`") from None
    raise StudyError(f"{place} is of no kind that is read here", advice="give a .json, .stm or .rttm file")


class _Refused(ValueError):
    """Why a file is refused, in words of our own."""


def _in_order(stretches: tuple[Stretch, ...]) -> Iterable[Stretch]:
    if any(stretch.start_s is None for stretch in stretches):
        return stretches
    return sorted(stretches, key=lambda stretch: stretch.start_s or 0.0)


def _stem(path: Path) -> str:
    return path.name.split(".")[0].removesuffix("_pseudonymised")


def _by_stem(folder: Path, kinds: tuple[str, ...]) -> dict[str, Path]:
    """Stem -> file of the best kind. Raises StudyError for two of a kind with one stem: one would be left out."""
    found: dict[str, Path] = {}
    for kind in reversed(kinds):
        same = [p for p in folder.iterdir() if p.suffix.lower() == kind and not p.name.startswith(".")]
        if len({_stem(path) for path in same}) < len(same):
            raise StudyError(
                f"two {kind} files of a folder are of one stem (the name up to its first dot)",
                advice="rename them, reference and hypothesis alike",
            )
        found |= {_stem(path): path for path in same}
    return found


def _pair(name: str, reference: Path, hypothesis: Path, first: str, second: str, kinds: tuple[str, ...]) -> Pair:
    said, heard = read(reference, first), read(hypothesis, second)
    for place, speech in ((first, said), (second, heard)):
        if ".rttm" not in kinds and not speech.worded:
            raise StudyError(f"{place} has turns and no words", advice="give a .json or .stm file, or use `der`")
    return Pair(name=name, reference=said, hypothesis=heard)


def _text(path: Path, place: str) -> str:
    try:
        if path.stat().st_size > LONGEST_BYTES:
            raise StudyError(f"{place} is larger than any transcript", advice="check what was named")
        return path.read_text(encoding="utf-8-sig")
    except OSError:
        raise StudyError(f"{place} cannot be opened", advice="check what was named on the command line") from None
    except UnicodeDecodeError:
        raise StudyError(f"{place} is not text in UTF-8", advice="check what was named on the command line") from None


def _checked(speech: Speech) -> Speech:
    for number, one in enumerate(speech.stretches, 1):
        if (one.start_s is None) != (one.end_s is None):
            raise _Refused(f"turn {number} has only one of its two times")
        if one.start_s is None or one.end_s is None:
            continue
        if not (math.isfinite(one.start_s) and math.isfinite(one.end_s)) or one.end_s < one.start_s:
            raise _Refused(f"turn {number} ends before it starts, or has no real times")
    return speech


def _rttm(text: str) -> tuple[Stretch, ...]:
    rows = [(n, line.split()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    strange = [n for n, fields in rows if fields[0] not in _RTTM and not fields[0].startswith(";;")]
    if strange:
        raise _Refused(f"line {strange[0]} is not one of RTTM")
    _one_recording(fields[1:2] for _, fields in rows if fields[0] == "SPEAKER")
    try:
        turns = read_rttm(text)
    except ValueError as error:
        raise _Refused(str(error)) from None
    return tuple(Stretch(speaker=turn.speaker, start_s=turn.start_s, end_s=turn.end_s) for turn in turns)


def _stm(text: str) -> tuple[Stretch, ...]:
    rows = [(n, line.split()) for n, line in enumerate(text.splitlines(), 1)]
    rows = [(n, fields) for n, fields in rows if fields and not fields[0].startswith(";;")]
    _one_recording(fields[:1] for _, fields in rows)
    return tuple(stretch for n, fields in rows if (stretch := _stm_line(n, fields)).text.lower() != _IGNORED)


def _stm_line(number: int, fields: list[str]) -> Stretch:
    try:
        speaker, start_s, end_s = fields[2], float(fields[3]), float(fields[4])
    except (IndexError, ValueError):
        raise _Refused(f"line {number} is not recording, channel, speaker, start, end and words") from None
    labelled = len(fields) > 5 and fields[5].startswith("<") and fields[5].endswith(">")
    return Stretch(speaker=speaker, start_s=start_s, end_s=end_s, text=" ".join(fields[6 if labelled else 5 :]))


def _one_recording(names: Iterable[list[str]]) -> None:
    if len({name for fields in names for name in fields}) > 1:
        raise _Refused("it holds more than one recording; give each a file of its own")


def _document(value: Any) -> Speech:
    if isinstance(value, dict) and "schema" in value and not _OURS.match(str(value["schema"])):
        raise _Refused("it names a schema that is not known here")
    turns = value if isinstance(value, list) else value["turns"]
    if not isinstance(turns, list):
        raise _Refused("its turns are no list")
    models = _models(value) if isinstance(value, dict) else ()
    return Speech(stretches=tuple(_turn(one) for one in turns), worded=True, models=models)


def _turn(one: dict[str, Any]) -> Stretch:
    """A turn of a gold file (start, end) or of ours (start_s, end_s); our own are null where there are no times."""
    start, end = (one[f"{edge}_s"] if f"{edge}_s" in one else one[edge] for edge in ("start", "end"))
    text = one["text"]
    if not isinstance(text, str):
        raise _Refused("the text of a turn is no text")
    return Stretch(
        speaker=str(one["speaker"]),
        start_s=None if start is None else float(start),
        end_s=None if end is None else float(end),
        text=text,
    )


def _models(document: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Model name and checksum of every engine that the document says made it."""
    made = document.get("made_by") or ()
    return tuple((str(one["model"]), str(one["model_sha256"])) for one in made if one.get("model_sha256"))
