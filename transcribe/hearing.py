"""The stages that hear the sound: segmentation, recognition, diarisation, the second listen.

They need an engine, the recording and its own key, never the study's. So each is an `Order` that can be carried out in
this process (`Here`) or by a worker somewhere else; what comes back is the artefact's file, sealed to the recording.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

from transcribe import asr, intake, store, stored_sound
from transcribe.asr.scoring import Scorer
from transcribe.detect import second_listen
from transcribe.diarise import Segmented, non_speech
from transcribe.engines import Engines
from transcribe.pulse import DIARISATION, RECOGNITION, beat
from transcribe.schema import Audio, Finding, Person, Quiet, SpeakerBounds, Transcript, Turns, Words, record

SEGMENT, RECOGNISE, DIARISE, LISTEN = "segment", "recognise", "diarise", "listen"
BEAT_S = 10.0
"""Much shorter than the patience with an engine."""


@record
class Segment(Quiet):
    """Where does anybody speak, and where is it loud although nobody does?"""

    stage: Literal["segment"] = "segment"


@record
class Recognise(Quiet):
    """Which words are said? Primed with `names`; nothing outside `speech` is heard."""

    stage: Literal["recognise"] = "recognise"
    language: str | None
    names: tuple[str, ...]
    beam_size: int
    speech: tuple[tuple[float, float], ...]


@record
class Diarise(Quiet):
    """Who speaks when?"""

    stage: Literal["diarise"] = "diarise"
    bounds: SpeakerBounds
    segmented: Segmented


@record
class Listen(Quiet):
    """Was a name of these people said where something else was written? `known`: what the text alone tells."""

    stage: Literal["listen"] = "listen"
    transcript: Transcript
    source: str
    people: tuple[Person, ...]
    known: tuple[Finding, ...]


@record
class Listened(Quiet):
    """What a second listen found where a name of the people linked to the recording may have been said.

    `source` is the checksum of the transcript.
    """

    source: str
    found: tuple[Finding, ...]


Task = Segment | Recognise | Diarise | Listen
Made = Segmented | Words | Turns | Listened


@record
class Order(Quiet):
    """A task on one recording: where its sealed sound lies, its own age secret, the key its artefact is stored under.

    The secret, made anew for each sound that is taken in, tells which sound it is: another may have lain at its place.
    `lean`: how often it was tried in vain; with every time half as much is decoded at once.
    """

    recording_id: str
    sound: str
    secret: str
    key: str
    task: Task
    lean: int = 0

    @property
    def engine(self) -> str:
        """Which of the two hears it."""
        return DIARISATION if self.task.stage in (SEGMENT, DIARISE) else RECOGNITION


class Workshop(Protocol):
    """Whoever carries out orders."""

    def do(self, order: Order) -> bytes:
        """The artefact as a file, sealed to the recording's key."""
        ...

    def let_go(self) -> None:
        """The sound that was heard last is not needed any more."""
        ...


Decode = Callable[[Order], Audio]


def decoded(order: Order) -> Audio:
    """The sound of a recording, decrypted and decoded in memory."""
    with intake.plain(Path(order.sound), store.identity(order.secret)) as descriptor:
        return stored_sound.decode(descriptor)


class Here:
    """Orders carried out in this process: one at a time on each engine, and one at all where memory is short."""

    def __init__(self, engines: Engines, decode: Decode = decoded) -> None:
        self._engines = engines
        self._decode = decode
        self._locks = {RECOGNITION: Lock(), DIARISATION: Lock()}
        self._alone = Lock()
        self._decoding = Lock()
        self._last: tuple[str, Audio] | None = None

    def do(self, order: Order) -> bytes:
        return store.sealed(self.made(order), store.identity(order.secret).to_public(), order.key)

    def made(self, order: Order) -> Made:
        """What the task asks for. Raises AudioError, StoreError, EngineError, and whatever an engine raises."""
        sound = self._sound(order)
        with self._at(order.engine):
            return self._made(order, sound)

    def _made(self, order: Order, sound: Audio) -> Made:
        engines, task = self._engines, order.task
        if isinstance(task, Segment):
            segmented = engines.diariser.segment(sound)
            return replace(segmented, non_speech=non_speech.find(sound, segmented.speech))
        if isinstance(task, Diarise):
            return engines.diariser.diarise(sound, task.bounds, task.segmented)
        if isinstance(task, Recognise):
            options = asr.AsrOptions(
                language=task.language,
                names=task.names,
                beam_size=task.beam_size,
                speech=task.speech,
                lean=order.lean,
            )
            return engines.transcriber.transcribe(sound, options)
        found: tuple[Finding, ...] = ()
        if isinstance(engines.transcriber, Scorer):  # another engine cannot tell how well a text fits the sound
            found = second_listen.listen(task.transcript, task.people, engines.transcriber, sound, task.known)
        return Listened(source=task.source, found=found)

    def _sound(self, order: Order) -> Audio:
        """Decoded once for all tasks of a recording that come one after the other."""
        with self._decoding:
            last = self._last
            if last is None or last[0] != order.secret:
                last = self._last = None  # its memory is free before the next one is decoded
                last = self._last = (order.secret, self._decode(order))
            return last[1]

    def let_go(self) -> None:
        self._last = None

    @contextmanager
    def _at(self, engine: str) -> Iterator[None]:
        if self._engines.side_by_side:
            with self._locks[engine]:
                yield
            return
        while not self._alone.acquire(timeout=BEAT_S):
            beat(engine)  # it waits for the other one, and is not stuck
        try:
            self._engines.leave_alone(engine)
            yield
        finally:
            self._alone.release()
