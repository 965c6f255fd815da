"""The day of `day`, once, for all tests of this folder."""

import pytest

from tests.crash import day
from tests.crash.day import DEEDS, Undisturbed, released


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Undisturbed]:
    """The day as it goes when nothing happens."""
    folder = tmp_path_factory.mktemp("day")
    place, made = day.morning(folder / "0"), {}
    for number, deed in enumerate(DEEDS, 1):
        after = place.copy(folder / str(number))
        ended = after.do(deed)
        assert (ended.status, ended.killed) == (0, False), ended.said
        made[deed.name] = Undisturbed(deed, place, after, ended.steps, ended.seconds, released(after, folder / "end"))
        place = after
    return made
