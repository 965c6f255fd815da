"""Anonymity levels: one set of decisions, three ways to write it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import NoEngines, add_detected, new_unlocked, person, transcript
from transcribe import config, people, pseudonyms, release
from transcribe.config import Action, Level, Policy, StudyConfig
from transcribe.errors import ConfigError, RosterError
from transcribe.pipeline import refresh_findings
from transcribe.review import settling
from transcribe.schema import Kind, Person
from transcribe.vault import Unlocked

ENGINES = NoEngines(StudyConfig())
PEOPLE = (
    person("P1", "Karen Okonkwo", pseudonym=""),
    person("D1", "Dave", role="partner", relation="husband", of="P1"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place", of="P1", general="a town in the south"),
)
TALK = (("S1", "How is Dave, Karen?"), ("S2", "He has left Abercwmboi."))
DATE = Person(id="", kind=Kind.DATE, role="date", forms=("the fourth of March 2019",))
AGE = Person(id="", kind=Kind.AGE, role="exact age", forms=("I was thirty four",))
WEIGHT = Person(id="", kind=Kind.OTHER, role="birth weight", forms=("six pounds",))


def written(person: Person, level: str, policy: Policy | None = None) -> str | None:
    return pseudonyms.written(person, pseudonyms.at_level(policy or Policy(), level))


def test_each_level_withholds_more() -> None:
    assert [written(AGE, level) for level in pseudonyms.LEVELS] == [None, "[aged 30 to 39]", "[aged 30 to 39]"]
    assert [written(DATE, level) for level in pseudonyms.LEVELS] == ["[date]", "[date in 2019]", "[date]"]
    assert [written(WEIGHT, level) for level in pseudonyms.LEVELS] == [None, "[a birth weight]", "[birth weight]"]


def test_the_study_s_own_tables_outweigh_and_dates_can_keep_their_month() -> None:
    policy = Policy(archive=Level(roles={"exact age": Action.TAG}, dates="month"))
    assert written(AGE, "archive", policy) == "[exact age]"
    assert written(DATE, "archive", policy) == "[date in March 2019]"


def test_what_the_team_keeps_is_not_kept_elsewhere_unless_said_there() -> None:
    kept = Policy(kinds={Kind.CONTACT: Action.KEEP}, public=Level(kinds={Kind.OTHER: Action.KEEP}))
    phone = Person(id="", kind=Kind.CONTACT, role="phone number", forms=("0123",))
    assert [written(phone, level, kept) for level in pseudonyms.LEVELS] == [None, "[phone number]", "[phone number]"]
    odd = Person(id="", kind=Kind.OTHER, role="odd", forms=("x",))
    assert [written(odd, level, kept) for level in pseudonyms.LEVELS] == ["[odd]", "[odd]", None]


def test_an_unknown_level_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="no policy"):
        pseudonyms.at_level(Policy(), "friends")


def test_levels_are_read_from_study_toml() -> None:
    policy = config.check({"policy": {"archive": {"roles": {"partner": "pseudonym"}, "dates": "month"}}}).policy
    assert policy.archive.roles == {"partner": Action.PSEUDONYM}
    with pytest.raises(ConfigError, match="unknown key"):
        config.check({"policy": {"archive": {"convention": "brackets"}}})


def test_vaguer_words_may_hold_no_name() -> None:
    header = "id,kind,role,names,relation,of,pseudonym,general\n"
    told = people.read(f"{header}L1,place,place,Abercwmboi,,P1,,the town where Karen lives\n".encode())
    with pytest.raises(RosterError, match="column general"):
        people.merge(PEOPLE[:1], told)
    later = replace(PEOPLE[0], forms=("South",))  # who is learnt of afterwards
    named = pseudonyms.assign((later, PEOPLE[2]), pseudonyms.at_level(Policy(), "archive"), lambda text: text)
    assert named[1].pseudonym == "[a place]"


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(opened, transcript(*TALK), who=("P1",))
    refresh_findings(opened, ENGINES)
    settling.settle(opened, "R001", "AB")
    return opened


def released(unlocked: Unlocked, level: str) -> str:
    made = release.write(unlocked, (), ("json",), ENGINES, unreviewed=False, level=level)
    document = json.loads((Path(made.folder) / "R001_pseudonymised.json").read_bytes())
    assert document["policy"] == f"{level}, pseudonyms"
    assert json.loads((Path(made.folder) / "manifest.json").read_bytes())["level"] == level
    return " ".join(turn["text"] for turn in document["turns"])


def test_one_set_of_decisions_is_released_at_three_levels(unlocked: Unlocked) -> None:
    team, archive, public = (released(unlocked, level) for level in pseudonyms.LEVELS)
    pseudonym = unlocked.vault.person("P1").pseudonym
    assert all(pseudonym in text and "[husband]" in text for text in (team, archive, public))
    assert [text.split("left ")[1] for text in (team, archive, public)] == [
        "[place].", "[a town in the south].", "[place]."
    ]  # fmt: skip
    assert released(unlocked, "archive") == archive  # what a level has once written stays


def test_a_level_of_its_own_pseudonyms_keeps_them(unlocked: Unlocked) -> None:
    (unlocked.study.root / "study.toml").write_text('[policy.archive.roles]\npartner = "pseudonym"\n')
    unlocked.study.__dict__.pop("config", None)
    first = released(unlocked, "archive")
    assert "[husband]" not in first
    assert "[husband]" in released(unlocked, "team")
    assert released(unlocked, "archive") == first


def test_changes_are_counted_level_by_level(unlocked: Unlocked) -> None:
    released(unlocked, "team")
    folder = unlocked.study.releases
    released(unlocked, "public")
    assert not (folder / "002" / "changes.csv").exists()
    settling.settle(unlocked, "R001", "AB", add=("U0002:1-3=other",))
    assert [(c.what, c.turn, c.since) for c in release.differences(unlocked, (), ENGINES, unreviewed=False)] == [
        ("changed", 2, 1)
    ]
    assert len(list(folder.iterdir())) == 2  # nothing was written
    released(unlocked, "team")
    assert (folder / "003" / "changes.csv").read_text().splitlines()[1].startswith("R001,001,changed,2,")
