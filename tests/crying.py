"""Sounds that are no speech, made by rule: an infant's crying, and what is to be told from it."""

import numpy as np
import numpy.typing as npt

from transcribe.schema import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]


def cry(seconds: float, dbfs: float = -20.0, seed: int = 1) -> Samples:
    """Crying of that length and mean level: bursts of about a second, a breath after each.

    A fundamental of 400 to 600 Hz that rises and falls (Michelsson and Michelsson, "Phonation in the newborn, infant
    cry", International Journal of Pediatric Otorhinolaryngology 49, 1999, S297-S301), bursts of a second with breaths
    between (LaGasse et al., "Assessment of infant cry", Mental Retardation and Developmental Disabilities Research
    Reviews 11, 2005, 83-93); formants as of a tube of 7.5 cm, closed at one end.
    """
    rng = np.random.default_rng(seed)
    parts: list[Samples] = []
    while sum(map(len, parts)) < seconds * SAMPLE_RATE_HZ:
        parts += [_burst(rng.uniform(0.8, 1.3), rng), _breath(rng.uniform(0.2, 0.35), rng)]
    return at_level(np.concatenate(parts)[: round(seconds * SAMPLE_RATE_HZ)], dbfs)


def _burst(seconds: float, rng: np.random.Generator) -> Samples:
    part = np.linspace(0, 1, round(seconds * SAMPLE_RATE_HZ))
    top, end = rng.uniform(500, 600), rng.uniform(400, 450)
    melody = np.interp(part, [0, 0.25, 1], [rng.uniform(420, 480), top, end])
    melody *= 1 + 0.01 * np.sin(2 * np.pi * rng.uniform(5, 7) * seconds * part)
    phase = 2 * np.pi * np.cumsum(melody) / SAMPLE_RATE_HZ
    voice = np.zeros(len(part))
    for number in range(1, 14):
        hertz = number * melody
        resonance = sum(1 / (1 + ((hertz - formant) / 300) ** 2) for formant in (1170, 3500, 5800))
        voice += np.where(hertz < 7500, (0.1 + resonance) / number, 0) * np.sin(number * phase)
    voice += 0.02 * rng.standard_normal(len(part))
    envelope = np.interp(part, [0, 0.06, 0.7, 1], [0, 1, 0.8, 0])
    return (voice * envelope).astype(np.float32)


def _breath(seconds: float, rng: np.random.Generator) -> Samples:
    drawn = rng.standard_normal(round(seconds * SAMPLE_RATE_HZ))
    return (0.01 * drawn * np.sin(np.linspace(0, np.pi, len(drawn)))).astype(np.float32)


def noise(seconds: float, dbfs: float, seed: int = 2) -> Samples:
    """White noise of that mean level."""
    return at_level(np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE_HZ)), dbfs)


def hum(seconds: float, dbfs: float) -> Samples:
    """A mains hum with its overtones."""
    at = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return at_level(sum(np.sin(2 * np.pi * 50 * number * at) / number for number in range(1, 6)), dbfs)


def slam(dbfs: float, seed: int = 3) -> Samples:
    """A door: a blow whose echo is 60 dB down after 0.8 s, of that level at its loudest."""
    at = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    blow = np.random.default_rng(seed).standard_normal(len(at)) * 10 ** (-3 * at / 0.8)
    return (blow / np.abs(blow).max() * 10 ** (dbfs / 20)).astype(np.float32)


def at_level(samples: npt.NDArray[np.floating], dbfs: float) -> Samples:
    """The same at that mean level."""
    return (samples / np.sqrt(np.mean(samples**2)) * 10 ** (dbfs / 20)).astype(np.float32)


def level(samples: Samples) -> float:
    """The mean level in dBFS."""
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2)))


def mixed(under: Samples, *over: tuple[float, Samples]) -> Samples:
    """A sound with others in it from those seconds on, as far as they fit."""
    made = under.copy()
    for start_s, samples in over:
        first = round(start_s * SAMPLE_RATE_HZ)
        samples = samples[: len(made) - first]
        made[first : first + len(samples)] += samples
    return made
