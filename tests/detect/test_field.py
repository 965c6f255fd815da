"""What identifies in this field beside names: ages, births, twins, rare diagnoses; and what only looks like it."""

import time

import pytest

from tests.detect.helpers import utterances
from transcribe.detect import field
from transcribe.schema import Kind


def _found(*texts: str) -> list[tuple[str, str]]:
    us = utterances(*texts)
    by_id = {u.id: u.text for u in us}
    return [(by_id[f.utterance_id][f.start : f.end], f.role) for f in field.find(us)]


RIGHT = [
    ("Tilda, she's seven, she's in year two", "seven", "exact age"),
    ("he's nearly six.", "six", "exact age"),
    ("she's two and a half, so", "two and a half", "exact age"),
    ("she's one year and two months old", "one year and two months old", "exact age"),
    ("he was one year and two months then", "one year and two months", "exact age"),
    ("she was a week old", "a week old", "exact age"),
    ("six or seven weeks old", "six or seven weeks old", "exact age"),
    ("my baby's ten weeks and", "ten weeks", "exact age"),
    ("our youngest is five months now", "five months", "exact age"),
    ("I'm 34 and I", "34", "exact age"),
    ("I’m 34 and I", "34", "exact age"),
    ("she was eleven weeks old", "eleven weeks old", "exact age"),
    ("a seven-year-old", "seven-year-old", "exact age"),
    ("when he was three months it stopped", "three months", "exact age"),
    ("when I was 12 I left", "12", "exact age"),
    ("my daughter's four", "four", "exact age"),
    ("aged 3 and 5", "3 and 5", "exact age"),
    ("she was a hundred and one.", "a hundred and one", "exact age"),
    ("she's one hundred and nineteen now", "one hundred and nineteen", "exact age"),
    ("my gran turned 103 in May", "103", "exact age"),
    ("he died aged a hundred and two", "a hundred and two", "exact age"),
    ("a hundred and two years old", "a hundred and two years old", "exact age"),
    ("when she was nearly a hundred.", "a hundred", "exact age"),
    ("she lived to a hundred and two", "a hundred and two", "exact age"),
    ("and lived to be ninety-six.", "ninety-six", "exact age"),
    ("my gran is ninety-four", "ninety-four", "exact age"),
    ("my grandad's 91 and", "91", "exact age"),
    ("and my husband, fifty-one, he", "fifty-one", "exact age"),
    ("her mother-in-law was eighty-eight when", "eighty-eight", "exact age"),
    ("at her second birthday", "second", "birthday"),
    ("at my gran's ninetieth birthday", "ninetieth", "birthday"),
    ("for her ninety-first birthday", "ninety-first", "birthday"),
    ("for her 100th birthday", "100th", "birthday"),
    ("on his hundred and first birthday", "hundred and first", "birthday"),
    ("she was six pounds two", "six pounds two", "birth weight"),
    ("he weighed 2.4 kilos", "2.4 kilos", "birth weight"),
    ("six pound four ounces", "six pound four ounces", "birth weight"),
    ("weighing two point four kilos", "two point four kilos", "birth weight"),
    ("born at 29 weeks", "29 weeks", "gestation"),
    ("he came four weeks early", "four weeks early", "gestation"),
    ("he was a 29 weeker", "29 weeker", "gestation"),
    ("at thirty-two plus four", "thirty-two plus four", "gestation"),
    ("when I was five months pregnant", "five months pregnant", "gestation"),
    ("I was 24 weeks when I went into labour", "24 weeks", "gestation"),
    ("I'm 30 weeks and I'm huge", "30 weeks", "gestation"),
    ("when I was 12 weeks I found out", "12 weeks", "gestation"),
    ("I was 24 weeks and 5 days", "24 weeks and 5 days", "gestation"),
    ("I'm five months and I'm huge", "five months", "gestation"),
    ("I was 24 weeks old", "24 weeks old", "exact age"),
    ("she was 12 weeks and 3 days", "12 weeks and 3 days", "exact age"),
    ("born at 24+5", "24+5", "gestation"),
    ("at 24 weeks and 5 days", "24 weeks and 5 days", "gestation"),
    ("born at 24 weeks and 5", "24 weeks and 5", "gestation"),
    ("he was 2lb 4oz", "2lb 4oz", "birth weight"),
    ("he was 5 lb, 12 oz", "5 lb, 12 oz", "birth weight"),
    ("he was 760 grams", "760 grams", "birth weight"),
    ("he weighed 3,200 grams", "3,200 grams", "birth weight"),
    ("she weighed three thousand two hundred grams", "three thousand two hundred grams", "birth weight"),
    ("born at seven hundred and sixty grams", "seven hundred and sixty grams", "birth weight"),
    ("he was one pound nine", "one pound nine", "birth weight"),
    ("my eldest is fourteen", "fourteen", "exact age"),
    ("I had her at nineteen, so", "nineteen", "exact age"),
    ("the boys are seven and nine", "seven and nine", "exact age"),
    ("they're seven and nine now", "seven and nine", "exact age"),
    ("my age is 34", "34", "exact age"),
    ("they are twins", "twins", "multiple birth"),
    ("she has Angelman syndrome and", "Angelman syndrome", "rare diagnosis"),
    ("it's called Pierre Robin", "Pierre Robin", "rare diagnosis"),
    ("and Quillon syndrome", "Quillon syndrome", "rare diagnosis"),
    ("No Quillon syndrome was seen, thank God", "Quillon syndrome", "rare diagnosis"),
    ("And Quillon-Venn Syndrome scans", "Quillon-Venn Syndrome", "rare diagnosis"),
    ("the Quillon sequence", "Quillon sequence", "rare diagnosis"),
    ("a 22q11 deletion", "22q11 deletion", "rare diagnosis"),
    ("He was born on the 17th of October 2021, so", "17th of October 2021", "date of birth"),
    ("the third of June is her birthday", "third of June", "date of birth"),
    ("born on the 4th of the 5th", "4th of the 5th", "date of birth"),
    ("her date of birth is 04 05 2022", "04 05 2022", "date of birth"),
    ("Her date of birth is twelve three nineteen.", "twelve three nineteen", "date of birth"),
    ("Date of birth? 12, 3, 2019.", "12, 3, 2019", "date of birth"),
    ("D.O.B. 12/3, 19", "12/3, 19", "date of birth"),
    ("I was born in May", "May", "date of birth"),
    ("I was born in '88, so", "'88", "date of birth"),
    ("I was born in eighty-eight and", "eighty-eight", "date of birth"),
    ("born 1988, I was", "1988", "date of birth"),
    ("her birthday's the ninth", "ninth", "date of birth"),
    ("it's his birthday on Saturday the ninth", "ninth", "date of birth"),
    ("she was born Friday the thirteenth, and", "thirteenth", "date of birth"),
    ("the due date was the sixth", "sixth", "date of birth"),
    ("born in the summer of 2019", "2019", "date of birth"),
    ("born at Christmas 2019", "Christmas 2019", "date of birth"),
    ("his date of birth is third of sixth twenty nineteen", "third of sixth twenty nineteen", "date of birth"),
    ("born four slash five slash eighty-eight", "four slash five slash eighty-eight", "date of birth"),
    ("he was born on the 21st and", "21st", "date of birth"),
    ("she was born on christmas day", "christmas day", "date of birth"),
    ("he was born on may 4th", "may 4th", "date of birth"),
    ("I had her in march, so", "march", "date of birth"),
    ("I was born in nineteen eighty-eight", "nineteen eighty-eight", "date of birth"),
    ("born in two thousand and nine", "two thousand and nine", "date of birth"),
    ("born on the fourth of the eleventh eighty-eight.", "fourth of the eleventh eighty-eight", "date of birth"),
    ("born on the 3rd of June, 88", "3rd of June, 88", "date of birth"),
    ("born on the 3rd of June, ten weeks later, I", "3rd of June", "date of birth"),
]


@pytest.mark.parametrize(("text", "surface", "role"), RIGHT)
def test_found(text: str, surface: str, role: str) -> None:
    assert _found(text) == [(surface, role)]


@pytest.mark.parametrize(
    ("text", "age", "day"),
    [
        ("She'll be three on the ninth.", "three", "ninth"),
        ("he turned 2 on the 14th and", "2", "14th"),
        ("she's four on Boxing Day", "four", "Boxing Day"),
        ("he'll be two at Christmas", "two", "Christmas"),
    ],
)
def test_a_birthday_that_an_age_tells(text: str, age: str, day: str) -> None:
    assert _found(text) == [(age, "exact age"), (day, "date of birth")]


def test_a_date_that_answers_a_question_for_the_date_of_birth() -> None:
    assert _found("And his date of birth?", "The third of June twenty nineteen.") == [
        ("third of June twenty nineteen", "date of birth")
    ]


@pytest.mark.parametrize(
    ("answer", "surface"),
    [("Four.", "Four"), ("Um, nearly four and a half.", "four and a half"), ("3 and 5", "3 and 5")],
)
def test_an_age_that_answers_a_question(answer: str, surface: str) -> None:
    assert _found("And how old is she?", answer) == [(surface, "exact age")]
    assert _found("And how old is she?", "Um.", answer) == [(surface, "exact age")]
    assert _found("And how is she?", answer) == []
    assert _found("And how old is she?", "Two of them came, one second.") == []


ANSWERS = [
    ("12, 3, 2019.", "12, 3, 2019"),
    ("It's the 12, 3, 19.", "12, 3, 19"),
    ("12th, 3rd, 2019", "12th, 3rd, 2019"),
    ("Twelve, three, nineteen.", "Twelve, three, nineteen"),
    ("Oh four, oh five, erm, twenty twenty-two", "Oh four, oh five, erm, twenty twenty-two"),
    ("It's 120319.", "120319"),
    ("One two, oh three, one nine. 3 of us were there.", "One two, oh three, one nine"),
    ("Thirty-one, one, two thousand and five, I think", "Thirty-one, one, two thousand and five"),
]


@pytest.mark.parametrize(("answer", "surface"), ANSWERS)
def test_three_numbers_that_answer_a_question_for_the_date_of_birth(answer: str, surface: str) -> None:
    assert _found("And her date of birth?", answer) == [(surface, "date of birth")]
    assert _found("And how is she?", answer) == []


ASKED = [
    ("And her date of birth, please.",),
    ("And if I can take your date of birth",),
    ("So, what's her D.O.B.",),
    ("And her date of birth?", "Um."),
    ("And her date of birth?", "One sec.", "Okay."),
    ("And her date of birth.", "Let me find the red book, I have it here."),
]


@pytest.mark.parametrize("before", ASKED)
def test_a_date_of_birth_asked_for_without_a_question_mark_or_before_other_turns(before: tuple[str, ...]) -> None:
    assert _found(*before, "4, 11, 1988.") == [("4, 11, 1988", "date of birth")]


@pytest.mark.parametrize(
    "before",
    [
        ("It was her birthday. We had a lot of cake and all of them came.",),
        ("And her date of birth?", "Um.", "Right.", "Okay."),
        ("And her date of birth?", "It is in the red book.", "There are 4 of them in here."),
    ],
)
def test_a_question_for_the_date_of_birth_that_is_over(before: tuple[str, ...]) -> None:
    assert _found(*before, "4, 11, 1988.") == []


@pytest.mark.parametrize(
    "answer",
    ["Ten, eleven, twelve weeks early.", "Six, seven, ten pounds.", "12, 10 and 19.", "32, 3, 2019", "12, 13, 2019",
     "At 12, 3 hours in.", "oh seven seven double oh nine hundred four six one"],
)  # fmt: skip
def test_other_numbers_in_answer_to_it(answer: str) -> None:
    assert "date of birth" not in dict(_found("How was it when she was born?", answer)).values()


WRONG = [
    "it cost six pounds fifty, or two pounds ten, ten quid",
    "for eleven days, at half past seven, 10 minutes late",
    "he's one of them, I'm one hundred percent sure, she's two doors down",
    "there's 3 of us, she's fine, two of them, it was seven",
    "twelve, three, nineteen, 12, 3, 2019 and room 120319",
    "a hundred and one things to do, she was a hundred per cent sure, he's 100% right, I'm 100 percent sure",
    "I'm 100, 110 per cent behind her",
    "she's a hundred and one things to me, I'm a hundred, one hundred and ten per cent behind her",
    "when I'm a hundred per cent sure, when he was a hundred miles away, he turned one hundred and eighty degrees",
    "my partner is two streets away, my mum's one and my dad's another, my husband's two and mine are with us",
    "my mum, twenty years ago, my dad was thirty years in the pit, they lived to the full, the gran, 12 miles on",
    "it cost one pound nine, 200 grams of flour, the boys are two of many, they're one and the same",
    "I was two weeks at my mum's, I'm 4 weeks clean, I had her at nine in the morning, we had 24+ people",
    "a twin bed, a twin room and Twin Peaks",
    "We moved on the 9th of January. In September we came back.",
    "six weeks later, four weeks ago, in 29 weeks of work",
    "born at 7 in the morning",
    "it may be, and he will be fine",
    "born in 45 minutes, born in forty-five minutes, the second was born, she was born the first of many",
    "Good night. She was born and we said good night, then good day. It was due on the first floor. He's on the third",
    "the syndrome, a disease, my depression, her autism",
    "No anomaly was seen on the scan. No syndrome was found. Her syndrome means that. What syndrome? Whose syndrome?",
    "Your anomaly scan's at twenty weeks. That sequence of events. The Anomaly scan. Anatomy anomaly scan",
    "Any malformation at all? Genetic anomaly, they said. Is syndrome the word? But No Anomaly, then.",
    "Down's syndrome, Down Syndrome, Asperger's syndrome, Irritable Bowel Syndrome, Polycystic Ovary Syndrome",
    "Imposter Syndrome, Impostor syndrome, Chronic Fatigue Syndrome, Restless Legs syndrome, Carpal Tunnel Syndrome",
    "Her Down's Syndrome and The Empty Nest Syndrome, Stockholm syndrome. Hip dysplasia",
]


@pytest.mark.parametrize("text", WRONG)
def test_left_alone(text: str) -> None:
    assert _found(text) == []


def test_kinds() -> None:
    kinds = {f.role: f.kind for f in field.find(utterances("He's six. They're twins. Born on 3 June. It's Sotos."))}
    assert kinds == {
        "exact age": Kind.AGE,
        "multiple birth": Kind.OTHER,
        "date of birth": Kind.DATE,
        "rare diagnosis": Kind.OTHER,
    }


def test_reasons_hold_no_word() -> None:
    findings = field.find(utterances("Tilda's seven. She was born on the 3rd of June, a 29 weeker with Noonan's."))
    assert {f.reason.rule for f in findings} == {"field"}
    assert all(f.reason.detail == f.role for f in findings)


@pytest.mark.parametrize("piece", ["twins ", "born on 3 June ", "Quillon ", "she was two ", "7-", "one ", "a"])
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    begun = time.perf_counter()
    field.find(utterances(piece * (100_000 // len(piece))))
    assert time.perf_counter() - begun < 10
