"""The engines a configuration names, loaded when first needed and kept for all recordings of a process."""

import hashlib
from functools import cache, cached_property
from pathlib import Path
from threading import Lock

from transcribe import asr, detect, diarise, enrolment, plugins, slack, weights
from transcribe.config import StudyConfig
from transcribe.pulse import DIARISATION, RECOGNITION

ROOM_BYTES = 8_000_000_000
"""Free memory of a GPU from which on both engines are kept there: Whisper large in float16 takes 3 GB and its batches
as much, the speaker network's frames 1 GB. By reckoning, not measured: no GPU was at hand."""
_KEPT_AS = {RECOGNITION: "transcriber", DIARISATION: "diariser"}


class Engines:
    """Nothing is loaded before it is asked for."""

    def __init__(self, config: StudyConfig) -> None:
        self.config = config
        self.reading = Lock()  # held while the rules read: they read one transcript at a time

    @cached_property
    def device(self) -> str:
        """cpu or cuda."""
        if self.config.device != "auto":
            return self.config.device
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def transcriber(self) -> asr.Transcriber:
        chosen = self.config.recognition
        loaded = asr.load(chosen.engine, chosen.model, weights.path(chosen.model), self.device, self.config.threads)
        slack.give_back()
        return loaded

    @cached_property
    def diariser(self) -> diarise.Diariser:
        chosen = self.config.diarisation
        folders = tuple(weights.path(name) for name in chosen.models)
        loaded = diarise.load(chosen.engine, folders, self.device, self.config.threads)
        slack.give_back()
        return loaded

    @cached_property
    def side_by_side(self) -> bool:
        """Whether recognition and diarisation have room for each other: always but on a small or busy GPU.

        Asked for before either is loaded.
        """
        if not self.device.startswith("cuda"):
            return True
        import torch

        free_bytes, _ = torch.cuda.mem_get_info(self.device)
        return bool(free_bytes > ROOM_BYTES)

    def has(self, engine: str) -> bool:
        """Whether it is loaded."""
        return _KEPT_AS[engine] in self.__dict__

    def leave_alone(self, engine: str) -> None:
        """Let go of the other one, so that its memory is free; it is loaded anew when it is needed."""
        for other, name in _KEPT_AS.items():
            if other != engine and self.__dict__.pop(name, None) is not None and self.device.startswith("cuda"):
                import torch

                torch.cuda.empty_cache()

    @cached_property
    def rules(self) -> tuple[detect.Rule, ...]:
        return tuple(detect.load(rule, weights.path(model)) for rule, model in self.config.detection.rules.items())

    @property
    def models(self) -> tuple[str, ...]:
        """The models of recognition and diarisation."""
        return self.config.recognition.model, *self.config.diarisation.models

    @cached_property
    def fingerprint(self) -> tuple[str, ...]:
        """What must be the same wherever the sound is heard: program and weights. Raises WeightsError."""
        for model in self.models:
            weights.path(model)
        return _program_sha256(), *(weights.sha256(model) for model in self.models)

    def check(self) -> None:
        """Raises WeightsError or EngineError before any work is done, when something that a run needs is missing."""
        chosen = self.config
        for group, names in (
            ("transcribe.asr", [chosen.recognition.engine]),
            ("transcribe.diarise", [chosen.diarisation.engine]),
            ("transcribe.detect", list(chosen.detection.rules)),
        ):
            for name in names:
                plugins.check(group, name)
        voices = enrolment.MODELS if chosen.voices else ()
        for model in (*self.models, *chosen.detection.rules.values(), *voices):
            weights.path(model)


@cache
def _program_sha256() -> str:
    """Two checkouts of one version are not one program."""
    package, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(one for one in package.rglob("*") if one.suffix in {".py", ".toml"}):
        digest.update(b"%s\0%d\0" % (path.relative_to(package).as_posix().encode(), path.stat().st_size))
        digest.update(path.read_bytes())
    return digest.hexdigest()
