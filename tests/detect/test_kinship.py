"""People introduced or addressed: tables of right and wrong cases. All names are invented."""

from dataclasses import replace

import pytest

from tests.detect.helpers import surfaces, utterances
from transcribe.detect import kinship, relations
from transcribe.detect.relations import Role
from transcribe.schema import Speaker

INTRODUCED = [
    ("my husband Dave came", "Dave", "partner", "husband"),
    ("my little girl, Poppy, cried", "Poppy", "child", "daughter"),
    ("my therapist, Karen", "Karen", "therapist", "therapist"),
    ("our eldest, Kwame, is six", "Kwame", "sibling", "older child"),
    ("we've got an older boy as well, Kwame", "Kwame", "sibling", "older son"),
    ("the health visitor was called Bronwen", "Bronwen", "clinician", "health visitor"),
    ("then Auntie Bev came", "Bev", "relative", "aunt"),
    ("Sam, my brother, came", "Sam", "relative", "participant's brother"),
    ("Niamh, who's my sister", "Niamh", "relative", "participant's sister"),
    ("My mother, Chidinma, came", "Chidinma", "grandparent", "participant's mother"),
    ("my mother-in-law, June, came", "June", "grandparent", "mother-in-law"),
    ("my husband's mother, June, came", "June", "grandparent", "mother-in-law"),
    ("my ex-husband, Will, came", "Will", "partner", "ex-husband"),
    ("it was my wife really. Grace.", "Grace", "partner", "wife"),
    ("his mother, June, came", "June", "", ""),
    ("his teacher, Miss Kay", "Kay", "professional", "teacher"),
    ("there was this lady Sandra", "Sandra", "", ""),
    ("She said to me, Siobhan, when he cries", "Siobhan", "", ""),
    ("Thank you, Siobhan.", "Siobhan", "", ""),
    ("I'm Priya", "Priya", "", ""),
    ("it's the Kellys again", "Kellys", "", ""),
    ("so it was me and Gaz there", "Gaz", "", ""),
    ("then me and Zzyro left", "Zzyro", "", ""),
    ("Yeah. Gaz and me went", "Gaz", "", ""),
    ("then our Kayleigh, she came", "Kayleigh", "", ""),
    ("so my Dave was fine", "Dave", "", ""),
    ("Hi, Shaz here, from work", "Shaz", "", ""),
    ("it\u2019s only Shaz, I said", "Shaz", "", ""),
    ("my nan's mate Big Kev came", "Kev", "", ""),
    ("then Nain Mair came", "Mair", "grandparent", "grandmother"),
    ("my now husband Dave came", "Dave", "partner", "husband"),
    ("my then boyfriend Dave came", "Dave", "", ""),
    ("my husband, Jan van der Berg, came", "Jan van der Berg", "partner", "husband"),
    ("my mum, Maria del Carmen Lopez, came", "Maria del Carmen Lopez", "grandparent", "participant's mother"),
    ("my friend Mary\u2011Kate came", "Mary\u2011Kate", "friend", "friend"),
    ("my sister Sia\u0302n came", "Sia\u0302n", "relative", "participant's sister"),
    ("my son Leo cried", "Leo", "child", "son"),
    ("my husband Christian Smith came", "Christian Smith", "partner", "husband"),
    ("then Mrs White came", "White", "", ""),
    ("my therapist, Jane Hall, said", "Jane Hall", "therapist", "therapist"),
    ("my babies, Ava, and the rest", "Ava", "infant", "baby"),
    ("What was her name again? Oh, um, Alfie.", "Alfie", "", ""),
    ("I told Emma my husband was ill", "Emma", "", ""),
    ("I showed Emma my baby.", "Emma", "", ""),
    ("I told Emma, my sister, about it", "Emma", "relative", "participant's sister"),
]


@pytest.mark.parametrize(("text", "name", "role", "relation"), INTRODUCED)
def test_introduced(text: str, name: str, role: str, relation: str) -> None:
    found = kinship.find(utterances(text))
    assert surfaces((text,), found) == [name]
    assert (found[0].role, found[0].relation) == (role, relation)


@pytest.mark.parametrize("kin", ["baby daddy", "baby dad", "baby father", "baby mum", "baby mother", "baby mama"])
def test_the_babys_other_parent_is_not_the_participants_own(kin: str) -> None:
    (found,) = kinship.find(utterances(f"then my {kin} Tyrone came"))
    assert (found.role, found.relation) == ("", "")


def test_two_sons() -> None:
    text = "my sons Tom and Ben"
    found = kinship.find(utterances(text))
    assert surfaces((text,), found) == ["Tom", "Ben"]
    assert [f.relation for f in found] == ["son", "son"]


NOBODY = [
    "I saw my husband. And then",
    "I'm British",
    "my husband is Nigerian",
    "Hi. Lovely.",
    "the Ways and Means of it",
    "we gave the baby Gaviscon",
    "I gave my daughter Calpol and our son Ibuprofen",
    "then we fed the baby Aptamil",
    "we got my son Minecraft",
    "she went to The Baby Unit and the Baby Unit",
    "I had him in the baby Bjorn, and got the Baby Box",
    "my daughter Reception, my son Year",
    "I'm Christian",
    "my Christian faith, our Paris trip",
    "we went to Victoria Park and the Park",
    "me and Mum, her and God",
    "my boss and Tuesday",
    "What was the drug called? Sertraline.",
]


@pytest.mark.parametrize("text", NOBODY)
def test_nobody(text: str) -> None:
    assert not kinship.find(utterances(text))


def test_two_babies() -> None:
    text = "our babies Ava and Mia"
    found = kinship.find(utterances(text))
    assert surfaces((text,), found) == ["Ava", "Mia"]
    assert [f.role for f in found] == ["infant", "infant"]


def test_three_sisters() -> None:
    text = "my sisters Emma, Kate and Jo came"
    found = kinship.find(utterances(text))
    assert [(s, f.relation) for s, f in zip(surfaces((text,), found), found, strict=True)] == [
        ("Emma", "participant's sister"),
        ("Kate", "participant's sister"),
        ("Jo", "participant's sister"),
    ]


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("I rang my husband, Karen was there", ""),
        ("I rang my husband, Dave was there", "husband"),
        ("and my twin Emma came", ""),
        ("and my older twin, Emma, came", "twin"),
    ],
)
def test_whose_name_it_cannot_be(text: str, relation: str) -> None:
    assert [f.relation for f in kinship.find(utterances(text))] == [relation]


def test_one_boss_is_no_plural() -> None:
    found = kinship.find(utterances("my boss Karen and Tom came"))
    assert [f.relation for f in found] == ["colleague", ""]


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("And what's your little boy called?", "Alfie."), "Alfie"),
        (("What's his name?", "Um, it's Alfie."), "Alfie"),
        (("so I went there with my husband", "Mm.", "Dave and then we left"), "Dave"),
    ],
)
def test_a_name_that_a_turn_before_asks_for_or_leads_up_to(texts: tuple[str, ...], name: str) -> None:
    made = tuple(replace(u, speaker=f"S{1 + n % 2}") for n, u in enumerate(utterances(*texts)))
    assert surfaces(texts, kinship.find(made)) == [name]


@pytest.mark.parametrize(
    "texts",
    [
        ("so I left my husband.", "Mm.", "Dave was fun"),
        ("so I left my husband", "Mm.", "Breastfeeding was fun"),
        ("Is that with your husband?", "Breastfeeding."),
    ],
)
def test_a_turn_that_was_ended_and_a_capital_that_every_turn_has_tell_nothing(texts: tuple[str, ...]) -> None:
    made = tuple(replace(u, speaker=f"S{1 + n % 2}") for n, u in enumerate(utterances(*texts)))
    assert not kinship.find(made)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("And she said, hi, I'm Karen, I'm on tonight", ""),
        ("She was like, hello. I'm Karen", ""),
        ("I'm Karen, she says", ""),
        ("Well, I'm Karen", "participant"),
        ("So I just said, I'm Karen", "participant"),
        ("I'm Ava and Mia's mum", ""),
    ],
)
def test_who_is_quoted_is_not_who_speaks(text: str, role: str) -> None:
    speakers = (Speaker(label="S1", role="participant", person_id=None, confidence=1.0),)
    found = kinship.find(utterances(text), speakers)
    assert [f.role for f in found] == [role] * len(found)
    assert found or "Mia" in text


GIVEN = [
    ("we gave my mum Lily to hold", "Lily", 0.95),
    ("we gave the baby Oluwazzyra", "Oluwazzyra", 0.4),  # no list has it: a question
    ("and I got my son Zzyrex for it", "Zzyrex", 0.4),
    ("then my daughter Oluwazzyra cried", "Oluwazzyra", 0.95),
]


@pytest.mark.parametrize(("text", "name", "score"), GIVEN)
def test_what_somebody_is_given_is_hardly_a_name_unless_it_is_a_usual_one(text: str, name: str, score: float) -> None:
    found = kinship.find(utterances(text))
    assert surfaces((text,), found) == [name]
    assert found[0].score == score


LOWER = [
    ("my husband dave came round", ["dave"]),
    ("the health visitor bronwen was nice", ["bronwen"]),
    ("my husband snores loudly", []),
    ("my husband will come", []),
    ("my wife really struggled", []),
    ("we gave the baby gaviscon", []),
]


@pytest.mark.parametrize(("text", "expected"), LOWER)
def test_without_capitals(text: str, expected: list[str]) -> None:
    assert surfaces((text,), kinship.find(utterances(text))) == expected


def test_the_interviewers_own_people_are_nobodys_relatives() -> None:
    speakers = (Speaker(label="S1", role="interviewer", person_id=None, confidence=1.0),)
    told = [
        kinship.find(utterances(text), speakers)[0].relation for text in ("my husband Dave", "and your husband, Dave")
    ]
    assert told == ["", "husband"]


def test_you_is_not_the_person_spoken_of_before() -> None:
    found = kinship.find(utterances("I'm the researcher here. Is it alright if I call you Tilda?"))
    assert [(f.role, f.relation) for f in found] == [("", "")]


def test_context_of_a_name_that_another_rule_saw() -> None:
    text = "and our midwife, Zzyra, said"
    assert kinship.context(text, 17, 22) == Role(role="clinician", relation="midwife")
    assert kinship.context("so Zzyra left", 3, 8) is None


@pytest.mark.parametrize(
    ("known", "said", "agrees"),
    [
        ("participant's mother", "participant's sister", False),
        ("older daughter", "younger daughter", False),
        ("daughter", "older daughter", True),
        ("husband", "partner", True),
        ("husband", "boyfriend", True),  # as he was then
        ("husband", "ex-husband", False),
        ("consultant", "paediatrician", True),
        ("mother-in-law", "brother-in-law", False),
        ("", "husband", True),
        ("older brother of the infant", "husband", False),
        ("older brother of the infant", "older son", True),
        ("infant", "daughter", True),  # the roster speaks from the baby's side
        ("Infant", "participant's sister", False),
        ("father", "husband", True),
        ("baby's father", "husband", True),
        ("infant's father", "ex-partner", True),
        ("father of baby", "boyfriend", True),
        ("FOB", "husband", True),
        ("FOB", "friend", False),
        ("baby's father", "participant's father", False),
        ("father", "participant's father", True),  # hers, or the baby's
        ("participant's father", "husband", False),
        ("grandmother", "participant's mother", True),
        ("maternal grandmother", "participant's mother", True),
        ("infant's grandmother", "mother-in-law", True),
        ("participant's grandmother", "participant's mother", False),
        ("grandmother", "participant's sister", False),
        ("infant daughter", "daughter", True),
        ("sibling", "older child", True),
        ("older sibling", "younger child", False),
        ("HV", "health visitor", True),
        ("HV", "participant's sister", False),
        ("lead clinician", "therapist", True),  # no table says what it is, so nothing gainsays it
        ("co-parent", "partner", True),
        ("friend", "participant's sister", False),
    ],
)
def test_agreement(known: str, said: str, agrees: bool) -> None:
    assert relations.agree(known, said) is agrees
