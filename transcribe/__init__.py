"""Recorded research interviews to pseudonymised transcripts, on the researcher's own machine."""

from transcribe import offline as offline

__version__ = "0.2.0"
