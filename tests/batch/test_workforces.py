"""What cannot be asked for together is refused before anything begins."""

import importlib.util
from pathlib import Path

import pytest

from tests.builders import NoEngines
from transcribe.batch import workforces
from transcribe.batch.workforces import Asked
from transcribe.config import StudyConfig
from transcribe.errors import ConfigError

ENGINES = NoEngines(StudyConfig(device="cpu", threads=2))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(workers=2, cluster="tls://h:1"), "exclude each other"),
        (Asked(cluster="tls://h:1", profile=Path("p.toml")), "exclude each other"),
        (Asked(certificates=Path("nodes")), "those of a cluster"),
        (Asked(cluster="tls://h:1", dashboard=True), "on this machine"),
        (Asked(cluster="tcp://192.0.2.1:8786"), "without TLS"),
        (Asked(cluster="tls://192.0.2.1:8786"), "asks for certificates"),
        (Asked(workers=99), "2 cores for 99 workers"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(asked: Asked, said: str) -> None:
    with pytest.raises(ConfigError, match=said), workforces.found(ENGINES, (), asked):
        pass


def test_dasks_page_needs_bokeh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="bokeh"), workforces.found(ENGINES, (), Asked(dashboard=True)):
        pass


@pytest.mark.weights
def test_one_worker_is_this_process() -> None:
    with workforces.found(ENGINES, (), Asked(workers=1)) as force:
        assert force is None
