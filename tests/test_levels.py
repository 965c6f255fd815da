"""Anonymity levels: one set of decisions, three ways to write it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import NoEngines, add_detected, new_unlocked, person, transcript
from transcribe import config, describe, levels, people, pseudonyms, redraw, release
from transcribe.config import Action, Level, Policy, StudyConfig
from transcribe.errors import ConfigError, RosterError
from transcribe.pipeline import refresh_findings
from transcribe.ready import named_people
from transcribe.review import settling
from transcribe.schema import Kind, Person
from transcribe.vault import (
    Rendering,
    Topic,
    Unlocked,
    with_attributes,
    with_people,
    with_pseudonyms,
    with_renderings,
    with_topics,
)
from transcribe.wordforms import sealed

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
    return pseudonyms.written(person, levels.at_level(policy or Policy(), level))


def test_levels_make_vaguer_or_withhold() -> None:
    assert [written(AGE, level) for level in levels.LEVELS] == [None, "[aged 30 to 39]", "[aged 30 to 39]"]
    assert [written(DATE, level) for level in levels.LEVELS] == ["[date]", "[date in 2019]", "[date]"]
    assert [written(WEIGHT, level) for level in levels.LEVELS] == [None, "[a birth weight]", "[birth weight]"]


def test_where_twins_are_withheld_no_tag_and_no_relation_tells_of_them() -> None:
    twins = Person(id="", kind=Kind.OTHER, role="multiple birth", forms=("we had twins",))
    zara = person("X1", "Zara", role="child", relation="twin", of="P1")
    assert [written(twins, level) for level in levels.LEVELS] == [None, "[children]", "[children]"]
    assert [written(zara, level) for level in levels.LEVELS] == ["[twin]", "[child]", "[child]"]
    for level in levels.LEVELS:
        told = pseudonyms.relation_of(zara, levels.at_level(Policy(), level))
        assert told == ("twin" if level == "team" else "child")


ZARA = person("X1", "Zara", role="child", relation="twin", of="P1", pseudonym="[twin]")


def test_a_tag_that_was_given_before_tells_of_twins_no_more_where_they_are_withheld() -> None:
    team = Policy()
    archive = levels.at_level(team, "archive")
    stored = Rendering(level="archive", person_id="X1", action="tag", text="[twin]")
    for twin in (ZARA, replace(ZARA, role="twin", relation="")):
        for given in ((), (stored,)):
            (now,) = pseudonyms.assign(levels.standing((twin,), given, archive, team), archive, lambda text: text)
            assert (now.pseudonym, pseudonyms.role_of(now, archive)) == ("[child]", "child")
    assert levels.standing((ZARA,), (), team, team) == (ZARA,)
    strict = Policy(roles={"multiple birth": Action.TAG})
    assert levels.standing((ZARA,), (), strict, strict)[0].pseudonym == ""


def test_the_study_s_own_tables_outweigh_and_dates_can_keep_their_month() -> None:
    policy = Policy(archive=Level(roles={"exact age": Action.TAG}, dates="month"))
    assert written(AGE, "archive", policy) == "[exact age]"
    assert written(DATE, "archive", policy) == "[date in March 2019]"
    between = replace(DATE, forms=("between March and May 2019",))
    assert written(between, "archive", policy) == "[date in 2019]"


def test_what_the_team_keeps_is_not_kept_elsewhere_unless_said_there() -> None:
    kept = Policy(kinds={Kind.CONTACT: Action.KEEP}, public=Level(kinds={Kind.OTHER: Action.KEEP}))
    phone = Person(id="", kind=Kind.CONTACT, role="phone number", forms=("0123",))
    assert [written(phone, level, kept) for level in levels.LEVELS] == [None, "[phone number]", "[phone number]"]
    odd = Person(id="", kind=Kind.OTHER, role="odd", forms=("x",))
    assert [written(odd, level, kept) for level in levels.LEVELS] == ["[odd]", "[odd]", None]


def test_a_level_is_never_laxer_than_the_team_unless_the_study_says_so_there() -> None:
    strict = Policy(kinds={Kind.AGE: Action.TAG, Kind.DATE: Action.TAG})
    assert (written(AGE, "archive", strict), written(DATE, "archive", strict)) == ("[exact age]", "[date]")
    own = Policy(archive=Level(kinds={Kind.AGE: Action.TAG}))  # outweighs policy.toml's roles of that kind
    assert written(AGE, "archive", own) == "[exact age]"
    birth = Person(id="", kind=Kind.DATE, role="date of birth", forms=("the fourth of March 1985",))
    assert [written(birth, level) for level in levels.LEVELS] == ["[date of birth]"] * 3


def test_a_role_of_the_team_s_is_never_laxer_than_what_the_level_says_of_its_kind() -> None:
    birth = Person(id="", kind=Kind.DATE, role="date of birth", forms=("the fourth of March 1985",))
    laxer = Policy(roles={"date of birth": Action.GENERALISE})
    assert [written(birth, level, laxer) for level in levels.LEVELS] == [
        "[date in 1985]", "[date of birth]", "[date of birth]"
    ]  # fmt: skip
    roles = {"place": Action.GENERALISE}
    for policy in (Policy(roles=roles), Policy(roles=roles, public=Level(kinds={Kind.PLACE: Action.TAG}))):
        assert [written(PEOPLE[2], level, policy) for level in levels.LEVELS] == [
            "[a town in the south]", "[a town in the south]", "[place]"
        ]  # fmt: skip
    said = Policy(roles=roles, public=Level(roles=roles, kinds={Kind.PLACE: Action.TAG}))
    assert written(PEOPLE[2], "public", said) == "[a town in the south]"  # of the role itself, under that level
    strict = Policy(roles={"place": Action.TAG}, archive=Level(kinds={Kind.PLACE: Action.GENERALISE}))
    assert written(PEOPLE[2], "archive", strict) == "[place]"


def test_a_role_of_the_team_s_stays_an_exception_from_the_team_s_own_kinds() -> None:
    policy = Policy(kinds={Kind.PERSON: Action.TAG}, roles={"partner": Action.PSEUDONYM})
    husband = replace(PEOPLE[1], pseudonym="Bertram")
    for level in levels.LEVELS:
        assert pseudonyms.action(husband, levels.at_level(policy, level)) is Action.PSEUDONYM
        assert pseudonyms.action(PEOPLE[0], levels.at_level(policy, level)) is Action.TAG
    below = Policy(roles={"partner": Action.PSEUDONYM}, public=Level(kinds={Kind.PERSON: Action.TAG}))
    assert pseudonyms.action(husband, levels.at_level(below, "public")) is Action.TAG


@pytest.mark.parametrize(
    ("key", "value"), [("level", "public"), ("attributes", ["town"]), ("topics", True), ("inherited", {})]
)
def test_a_level_is_asked_for_and_not_set(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match="release --policy"):
        config.check({"policy": {key: value}})


def test_ages_that_cannot_be_read_get_no_band() -> None:
    ages = {
        "turned forty on Monday": "aged 40 to 49",
        "forty today": "aged 40 to 49",
        "a hundred and two": "aged 80 or more",
        "One hundred and two": "aged 80 or more",
        "A hundred years old": "aged 80 or more",
        "104": "aged 80 or more",
        "seventy-nine and a hundred and two": "aged 70 or more",
        "three years and six months": "an exact age",
        "six weeks old": "under one year old",
    }
    for said, band in ages.items():
        person = Person(id="", kind=Kind.AGE, role="exact age", forms=(said,))
        assert written(person, "public") == f"[{band}]", said


def test_an_unknown_level_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="no policy"):
        levels.at_level(Policy(), "friends")


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
    named = pseudonyms.assign((later, PEOPLE[2]), levels.at_level(Policy(), "archive"), lambda text: text)
    assert named[1].pseudonym == "[a place]"


MILTON = person("L2", "Milton Keynes", kind=Kind.PLACE, role="place", of="P1")


@pytest.mark.parametrize(
    "words",
    ["a village near Milton Keynes", "near MILTON-KEYNES", "milton_keynes", "Milton/Keynes", "as Anne Marie said",
     "by Anne-Marie's", "where OBrien is", "near O\u2019Brien", "by Zso\u0301fia"],
)  # fmt: skip
def test_vaguer_words_may_hold_no_name_of_several_words(words: str) -> None:
    header = "id,kind,role,names,relation,of,pseudonym,general\n"
    told = people.read(f"{header}L1,place,place,Olney,,P1,,{words}\n".encode())
    known = (PEOPLE[0], MILTON, person("X1", "Anne-Marie", "O'Brien", "Zsófia", role="gp"))
    with pytest.raises(RosterError, match="L1: the column general"):
        people.merge(known, told)
    named = pseudonyms.assign((*known, *told), levels.at_level(Policy(), "archive"), lambda text: text)
    assert named[-1].pseudonym == "[a place]"


@pytest.mark.parametrize("words", ["a village near Milton", "a town of mills", "keynes"])
def test_words_of_a_place_s_name_are_no_name(words: str) -> None:
    olney = person("L1", "Olney", kind=Kind.PLACE, role="place", general=words)
    assert people.merge((PEOPLE[0], MILTON), (olney,)) == (olney,)
    named = pseudonyms.assign((MILTON, olney), levels.at_level(Policy(), "archive"), lambda text: text)
    assert named[-1].pseudonym == f"[{words}]"


def test_vaguer_words_may_not_name_who_is_forgotten() -> None:
    gone = person("X9", "[withheld]", position_only=True, sealed=sealed(MILTON))
    olney = person("L1", "Olney", kind=Kind.PLACE, role="place", general="a village near Milton Keynes")
    with pytest.raises(RosterError, match="L1: the column general"):
        people.merge((gone,), (olney,))


def test_a_tag_that_names_somebody_of_several_words_by_now_is_written_no_more() -> None:
    clinic = person("S1", "The Hub", kind=Kind.SERVICE, role="milton keynes clinic", pseudonym="[milton keynes clinic]")
    policy = Policy()
    for known, expected in (((clinic,), "[milton keynes clinic]"), ((clinic, MILTON), "[service]")):
        named = pseudonyms.assign(levels.standing(known, (), policy, policy), policy, lambda text: text)
        assert named[0].pseudonym == expected


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
    team, archive, public = (released(unlocked, level) for level in levels.LEVELS)
    pseudonym = unlocked.vault.person("P1").pseudonym
    assert all(pseudonym in text and "[husband]" in text for text in (team, archive, public))
    assert [text.split("left ")[1] for text in (team, archive, public)] == [
        "[place].", "[a town in the south].", "[place]."
    ]  # fmt: skip
    assert released(unlocked, "archive") == archive  # what a level has once written stays


def test_a_level_of_its_own_pseudonyms_keeps_them(unlocked: Unlocked) -> None:
    settings(unlocked, '[policy.archive.roles]\npartner = "pseudonym"\n')
    first = released(unlocked, "archive")
    assert "[husband]" not in first
    assert "[husband]" in released(unlocked, "team")
    assert released(unlocked, "archive") == first


def test_vaguer_words_that_are_corrected_or_turn_out_to_name_somebody_are_written_no_more(unlocked: Unlocked) -> None:
    assert "[a town in the south]" in released(unlocked, "archive")
    place = replace(unlocked.vault.person("L1"), general="a valley")
    unlocked.change(lambda vault: with_people(vault, (place,)))
    assert "[a valley]" in released(unlocked, "archive")
    unlocked.change(lambda vault: with_people(vault, (person("X1", "Jo Valley", role="gp"),)))
    assert "[a place]" in released(unlocked, "archive")


def test_vaguer_words_that_turn_out_to_hold_a_name_of_several_words_are_written_no_more(unlocked: Unlocked) -> None:
    place = replace(unlocked.vault.person("L1"), general="a village near Milton Keynes")
    unlocked.change(lambda vault: with_people(vault, (place,)))
    assert "[a village near Milton Keynes]" in released(unlocked, "archive")
    unlocked.change(lambda vault: with_people(vault, (MILTON,)))
    assert "left [a place]." in released(unlocked, "archive")


def test_a_stricter_policy_counts_at_once(unlocked: Unlocked) -> None:
    released(unlocked, "archive")
    settings(unlocked, '[policy.archive.kinds]\nplace = "tag"\n')
    assert "left [place]." in released(unlocked, "archive")


def test_a_vaguer_word_is_not_what_somebody_is_called_for_good(unlocked: Unlocked) -> None:
    settings(unlocked, '[policy.kinds]\nplace = "generalise"\n')
    assert "left [a town in the south]." in released(unlocked, "team")
    assert unlocked.vault.person("L1").pseudonym == ""
    place = replace(unlocked.vault.person("L1"), general="a valley")
    unlocked.change(lambda vault: with_people(vault, (place,)))
    settings(unlocked, '[policy.kinds]\nplace = "tag"\n')
    assert [released(unlocked, level).split("left ")[1] for level in levels.LEVELS] == [
        "[place].", "[place].", "[place]."
    ]  # fmt: skip


def test_a_tag_that_is_written_instead_of_one_that_tells_too_much_stays(unlocked: Unlocked) -> None:
    unlocked.change(lambda vault: with_people(vault, (replace(ZARA, id="D1", forms=("Dave",)),)))
    refresh_findings(unlocked, ENGINES)
    settling.settle(unlocked, "R001", "AB")
    assert "[twin]" in released(unlocked, "team")
    assert "[child]" in released(unlocked, "archive")
    settings(unlocked, '[policy.roles]\n"multiple birth" = "tag"\n')
    assert "[child]" in released(unlocked, "team")
    assert unlocked.vault.person("D1").pseudonym == "[child]"


def test_a_name_that_a_level_leaves_for_a_tag_is_drawn_for_nobody_else(unlocked: Unlocked) -> None:
    settings(unlocked, '[policy.archive.roles]\npartner = "pseudonym"\n')
    released(unlocked, "archive")
    (left,) = (r.text for r in unlocked.vault.renderings if r.person_id == "D1")
    settings(unlocked, '[policy.archive.roles]\npartner = "tag"\n')
    assert "[husband]" in released(unlocked, "archive")
    assert levels.taken(unlocked.vault)[left] == ""


@pytest.mark.parametrize("text", ["[a town in the south]", "[a place]"])
def test_a_vaguer_word_that_an_older_vault_keeps_is_written_no_more(unlocked: Unlocked, text: str) -> None:
    place = replace(unlocked.vault.person("L1"), pseudonym=text)
    kept = Rendering(level="public", person_id="L1", action="tag", text=text)
    unlocked.change(lambda vault: with_renderings(with_people(vault, (place,)), (kept,)))
    assert [released(unlocked, level).split("left ")[1] for level in ("team", "public")] == ["[place]."] * 2


def test_a_vaguer_date_that_an_older_vault_keeps_is_written_no_more() -> None:
    policy, gone = Policy(), Person(id="X1", kind=Kind.DATE, role="date", forms=("the fourth of March 2019",))
    for text in ("[date in 2019]", "[date in March 2019]"):
        (now,) = levels.standing((replace(gone, pseudonym=text),), (), policy, policy)
        assert now.pseudonym == ""


def test_a_tag_that_reads_like_the_vaguer_word_keeps_its_number() -> None:
    policy = Policy()
    one = person("F1", "Zelda", role="friend", relation="friend", of="P1", general="friend", pseudonym="[friend]")
    two = person("F2", "Ottoline", role="friend", relation="friend", of="P1", pseudonym="[friend 2]")
    assert levels.standing((one, two), (), policy, policy) == (one, two)


@pytest.mark.parametrize(("of", "inherited"), [("P1", False), ("", False), ("P2", True)])
def test_a_tag_that_somebody_has_at_a_level_is_inherited_by_nobody_who_may_stand_beside_her(
    of: str, inherited: bool
) -> None:
    team, archive = Policy(), levels.at_level(Policy(), "archive")
    other = person("R001-F01", "Ottoline", role="friend", relation="friend", of=of, pseudonym="[friend 2]", found=True)
    mine = person("X1", "Zelda", role="friend", relation="friend", of="P1", pseudonym="[friend]")
    stored = Rendering(level="archive", person_id=other.id, action="tag", text="[friend]")
    assert (levels.standing((mine, other), (stored,), archive, team)[0].pseudonym == "[friend]") is inherited


def test_a_name_of_a_level_alone_that_turns_out_real_is_told_and_drawn_again(unlocked: Unlocked) -> None:
    settings(unlocked, '[policy.archive.roles]\npartner = "pseudonym"\n')
    released(unlocked, "archive")
    (old,) = (r.text for r in unlocked.vault.renderings if r.person_id == "D1")
    unlocked.change(lambda vault: with_people(vault, (person("Z1", old, role="sibling"),)))
    assert levels.clashing(unlocked.vault.people, unlocked.vault.renderings) == ("D1",)
    stale = redraw.draw_again(unlocked, "D1")
    assert "release/001/R001_pseudonymised.json" in stale
    (new,) = (r.text for r in unlocked.vault.renderings if r.person_id == "D1")
    assert new != old
    settling.settle(unlocked, "R001", "AB")
    assert new in released(unlocked, "archive")


def test_people_of_one_tag_stay_two_at_every_level(unlocked: Unlocked) -> None:
    settings(unlocked, '[policy.roles]\nfriend = "pseudonym"\n[policy.public.roles]\nfriend = "tag"\n')
    team, public = (levels.at_level(unlocked.study.config.policy, name) for name in ("team", "public"))
    first = person("F1", "Zelda", role="friend", relation="friend", of="P1")
    unlocked.change(lambda vault: with_people(vault, (first,)))
    for policy in (team, public):
        store_names(unlocked, policy)
    unlocked.change(
        lambda vault: with_people(vault, (person("F2", "Ottoline", role="flatmate", relation="friend", of="P1"),))
    )
    for policy in (team, public, team, public):
        store_names(unlocked, policy)
        texts = [p.pseudonym for p in named_people(unlocked, policy) if p.id in ("F1", "F2")]
        assert len(set(texts)) == 2
        assert policy is team or texts[0] == "[friend]"


def test_attributes_are_released_at_a_level_by_name_alone(unlocked: Unlocked) -> None:
    settling.fix_speakers(unlocked, "R001", ("S2=P1",))
    settling.settle(unlocked, "R001", "AB")
    table = b"id,age band,town\nP1,30-39,Cardiff\n"
    unlocked.change(lambda vault: with_attributes(vault, describe.attributes(table, vault)))
    assert attributes(unlocked, "team") == {"age band": "30-39", "town": "Cardiff"}
    assert attributes(unlocked, "public") == {}
    settings(unlocked, '[policy.public]\nattributes = ["age band"]\n')
    assert attributes(unlocked, "public") == {"age band": "30-39"}


def attributes(unlocked: Unlocked, level: str) -> object:
    made = release.write(unlocked, (), ("json",), ENGINES, unreviewed=False, level=level)
    document = json.loads((Path(made.folder) / "R001_pseudonymised.json").read_bytes())
    return next(one["attributes"] for one in document["people"] if one["label"])


def test_topics_are_released_at_a_level_where_they_are_asked_for(unlocked: Unlocked) -> None:
    titles = (Topic(recording_id="R001", start_s=0.0, title="Twins at 26 weeks"),)
    unlocked.change(lambda vault: with_topics(vault, titles))
    assert [topics(unlocked, level) for level in levels.LEVELS] == [["Twins at 26 weeks"], [], []]
    settings(unlocked, "[policy.archive]\ntopics = true\n")
    assert [topics(unlocked, level) for level in levels.LEVELS] == [["Twins at 26 weeks"], ["Twins at 26 weeks"], []]


def topics(unlocked: Unlocked, level: str) -> list[str]:
    made = release.write(unlocked, (), ("json",), ENGINES, unreviewed=False, level=level)
    document = json.loads((Path(made.folder) / "R001_pseudonymised.json").read_bytes())
    return [one["title"] for one in document["topics"]]


def settings(unlocked: Unlocked, text: str) -> None:
    (unlocked.study.root / "study.toml").write_text(text)
    unlocked.study.__dict__.pop("config", None)


def store_names(unlocked: Unlocked, policy: Policy) -> None:
    """What a release writes down of what it calls people."""
    team, named = named_people(unlocked), named_people(unlocked, policy)
    unlocked.change(lambda vault: with_renderings(with_pseudonyms(vault, team), levels.renderings(policy, named)))


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
