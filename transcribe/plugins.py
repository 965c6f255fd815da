"""The plug-in door: engines and exporters, our own and a stranger's, are found by name among the entry points."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from transcribe.errors import EngineError


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    """Looked for once: every installed distribution is read for it."""
    return {point.name: point for point in entry_points(group=group)}


def names(group: str) -> tuple[str, ...]:
    """The names registered in a group such as `transcribe.asr`, sorted."""
    return tuple(sorted(_points(group)))


def load(group: str, name: str) -> Any:
    """The object behind a name. Raises EngineError with the list of known names."""
    check(group, name)
    return _points(group)[name].load()


def check(group: str, name: str) -> None:
    """Raises EngineError with the list of known names when the group has no such name."""
    if name in _points(group):
        return
    known = ", ".join(names(group)) or "none"
    raise EngineError(f"{group} has nothing of that name (known: {known})", advice="choose one of these")
