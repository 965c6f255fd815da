"""Orders carried out in this process: what is heard is the sound of the recording that was asked for."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from tests.builders import NoEngines
from transcribe import hearing, pulse, store
from transcribe.config import StudyConfig
from transcribe.diarise import Segmented
from transcribe.diarise.fake import FakeDiariser
from transcribe.hearing import Here, Made, Order, Segment
from transcribe.schema import Audio


def segment(secret: str) -> Order:
    return Order(recording_id="R001", sound="/study/R001.age", secret=secret, key="k", task=Segment())


def speech(made: Made) -> tuple[tuple[float, float], ...]:
    assert isinstance(made, Segmented)
    return made.speech


def test_a_recording_at_the_place_of_another_is_not_taken_for_it() -> None:
    """A study deleted and made again in its folder, or two of the same path: each sound has a secret of its own."""
    seconds = {str(store.new_identity()): length for length in (1.0, 2.0)}
    decoded: list[str] = []

    def decode(order: Order) -> Audio:
        decoded.append(order.secret)
        return Audio(samples=np.zeros(int(seconds[order.secret] * 16_000), dtype=np.float32))

    engines = NoEngines(StudyConfig(device="cpu"))
    engines.__dict__ |= {"diariser": FakeDiariser()}
    here = Here(engines, decode)
    for secret, length in seconds.items():
        assert [speech(here.made(segment(secret))) for _ in range(2)] == [((0.0, length),)] * 2
    assert decoded == list(seconds)  # once for all tasks of a recording


def test_who_waits_for_the_other_engine_is_not_taken_for_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    beaten = Event()
    monkeypatch.setattr(hearing, "beat", lambda engine: beaten.set() if engine == pulse.DIARISATION else None)
    monkeypatch.setattr(hearing, "BEAT_S", 0.01)
    engines = NoEngines(StudyConfig(device="cpu"))
    engines.__dict__ |= {"diariser": FakeDiariser(), "side_by_side": False, "leave_alone": lambda engine: None}
    here = Here(engines, lambda order: Audio(samples=np.zeros(16_000, dtype=np.float32)))
    with ThreadPoolExecutor(1) as pool:
        with here._at(pulse.RECOGNITION):
            made = pool.submit(here.made, segment(str(store.new_identity())))
            assert beaten.wait(10.0)
            assert not made.done()
        assert speech(made.result(10.0)) == ((0.0, 1.0),)
