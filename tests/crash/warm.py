"""Imported once by the server that all processes of these tests are forked from: what each would load anew."""

import docx  # noqa: F401
import torch  # noqa: F401

from tests.builders import person, transcript
from transcribe import weights
from transcribe.asr import fake, scoring  # noqa: F401
from transcribe.detect import defaults, resolve
from transcribe.export import everything

everything()
weights.entries()
defaults.tables_sha256()
resolve.resolve(transcript(("S1", "My friend Osgood came in Ruary's car.")), (), (person("P1", "Ruary Penhallow"),))
