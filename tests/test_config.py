"""study.toml: its template says the defaults, and what is wrong with it is said in one sentence."""

import tomllib
from pathlib import Path

import pytest

from transcribe import config
from transcribe.config import Action, StudyConfig
from transcribe.errors import ConfigError
from transcribe.schema import Kind


def test_the_template_says_the_defaults() -> None:
    assert config.check(tomllib.loads(config.TEMPLATE)) == StudyConfig()


def test_every_line_of_the_template_that_is_commented_out_works_too() -> None:
    text = config.TEMPLATE.replace("# [", "[").replace("# partner", "partner").replace("# date", "date")
    policy = config.check(tomllib.loads(text)).policy
    assert policy.roles == {"partner": Action.PSEUDONYM}
    assert policy.kinds == {Kind.DATE: Action.GENERALISE}


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"")
    assert config.load(path) == StudyConfig()


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xef\xbb\xbf" + config.TEMPLATE.replace("\n", "\r\n").encode())
    assert config.load(path) == StudyConfig()


@pytest.mark.parametrize(
    ("text", "key", "known"),
    [
        ("langauge = 'en'", "langauge", ["language", "device", "threads", "recognition", "policy"]),
        ("[recognition]\nmodle = 'x'", "recognition.modle", ["engine", "model", "beam_size"]),
        ("[diarisation]\nmodel = 'x'", "diarisation.model", ["engine", "models"]),
        ("[detection]\nrule = 'x'", "detection.rule", ["rules"]),
        ("[policy]\nrole = 'x'", "policy.role", ["convention", "roles", "kinds"]),
    ],
)
def test_an_unknown_key_is_named_with_the_known_ones_of_its_level(text: str, key: str, known: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        config.check(tomllib.loads(text))
    message = str(refused.value)
    assert repr(key) in message
    assert all(name in message.split("known here")[1] for name in known)
    assert "inherited" not in message  # what a level is given is no key
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("language = 'english'", "language"),
        ("language = 'eng'", "language"),
        ("language = 'uc'", "language"),
        ("[policy.roles]\nPartner = 'tag'\npartner = 'keep'", "policy.roles: two settings are of one role"),
        ("device = 'gpu'", "device"),
        ("threads = -1", "threads"),
        ("recognition = 'whisper'", "recognition"),
        ("[recognition]\nbeam_size = 0", "recognition.beam_size"),
        ("[policy]\nconvention = 'none'", "policy.convention"),
        ("[policy.roles]\npartner = 'hide'", "policy.roles.partner"),
        ("[policy.kinds]\ndates = 'tag'", "policy.kinds.dates"),
        ("[detection]\nrules = ['presidio']", "detection.rules"),
    ],
)
def test_a_wrong_value_is_named_by_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.check(tomllib.loads(text))
    assert place in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_rule_that_is_not_named_goes_on_looking_for_names() -> None:
    def rules(text: str) -> dict[str, str]:
        return config.check(tomllib.loads(f"[detection]\n{text}")).detection.rules

    ours = StudyConfig().detection.rules
    assert rules("[detection.rules]\npresidio = 'larger'") == {**ours, "presidio": "larger"}
    assert rules("[detection.rules]\nmine = 'model'") == {**ours, "mine": "model"}
    assert rules("rules = {rampart = ''}") == {"presidio": ours["presidio"]}
    assert rules("rules = {}") == {}


def test_a_role_is_written_in_any_letters_and_as_a_roster_may_have_it(tmp_path: Path) -> None:
    said = "[policy.roles]\nPartner = 'keep'\nparent = 'tag'\n[policy.archive.roles]\nResearcher = 'tag'\n"
    policy = config.check(tomllib.loads(said)).policy
    assert policy.roles == {"partner": "keep", "participant": "tag"}
    assert policy.archive.roles == {"interviewer": "tag"}
    path = tmp_path / "study.toml"
    path.write_text(said)
    config.set_role(path, "partner", "tag")
    config.set_role(path, "participant", "pseudonym")
    assert config.load(path).policy.roles == {"partner": "tag", "participant": "pseudonym"}
    path.write_text("[policy.roles]\nparent = 'tag'\nparticipant = 'tag'\n")
    config.set_role(path, "participant", "pseudonym")
    assert config.load(path).policy.roles == {"participant": "pseudonym"}


@pytest.mark.parametrize("data", [b"language = ", b"[policy", b"\xff\xfe", b"a = 1\na = 2", b"= 3"])
def test_what_is_no_toml_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="not valid TOML") as refused:
        config.load(path)
    assert "\n" not in str(refused.value)


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        StudyConfig().language = "de"  # type: ignore[misc]


def test_another_engine_or_model_can_be_asked_for_a_run() -> None:
    asked = StudyConfig().with_recognition("openai-whisper", "")
    assert asked.recognition.engine == "openai-whisper"
    assert asked.recognition.model == StudyConfig().recognition.model


def test_roles_are_those_of_the_roster_however_they_are_written() -> None:
    said = {"Parent": "tag", "researcher": "keep", " GP ": "keep", "Partner": "keep"}
    policy = config.check({"policy": {"roles": said, "public": {"roles": {"Respondent": "tag"}}}}).policy
    assert policy.roles == {"participant": "tag", "interviewer": "keep", "gp": "keep", "partner": "keep"}
    assert policy.public.roles == {"participant": "tag"}
