"""Patterns: what is a number, an address or an identifying date, and what is ordinary speech. All invented."""

from functools import cache

import pytest

from transcribe.detect import uk


@cache
def _recognizers() -> tuple:
    return tuple(uk.recognizers())


def _found(text: str) -> set[tuple[str, str]]:
    results = [
        result
        for recognizer in _recognizers()
        for result in recognizer.analyze(text, recognizer.supported_entities, None)
    ]
    return {(result.entity_type, text[result.start : result.end]) for result in results}


RIGHT = [
    ("ring me on 07700 900123 please", "PHONE_NUMBER", "07700 900123"),
    ("it's 07700 900 123", "PHONE_NUMBER", "07700 900 123"),
    ("my mobile's O-7700-900-461.", "PHONE_NUMBER", "O-7700-900-461"),  # as Whisper writes a spoken nought
    ("it's 0117, 496, 0999", "PHONE_NUMBER", "0117, 496, 0999"),
    ("call +44 7700 900999", "PHONE_NUMBER", "+44 7700 900999"),
    ("from abroad +49 30 901820", "PHONE_NUMBER", "+49 30 901820"),
    ("NHS number 943 476 5919", "UK_NHS", "943 476 5919"),
    ("it is 943-476-5919", "UK_NHS", "943-476-5919"),
    ("wrong check digit 943 476 5918", "LONG_NUMBER", "943 476 5918"),
    ("my NI is AB 12 34 56 C", "UK_NINO", "AB 12 34 56 C"),
    ("we're at LS9 9ZZ now", "UK_POSTCODE", "LS9 9ZZ"),
    ("at DS9-9ZZ now", "UK_POSTCODE", "DS9-9ZZ"),  # no area of the post, but misheard it may be one
    ("write to tilda.quill@example.org then", "EMAIL_ADDRESS", "tilda.quill@example.org"),
    ("see www.quillfamily.example.org/tilda", "WEB_ADDRESS", "www.quillfamily.example.org/tilda"),
    ("I'm @tilda_q there", "USER_NAME", "@tilda_q"),
    ("born on the 3rd of June 2021", "CALENDAR_DATE", "3rd of June 2021"),
    ("born on the third of May", "CALENDAR_DATE", "third of May"),
    ("the twenty-first of March twenty twenty-one", "CALENDAR_DATE", "twenty-first of March twenty twenty-one"),
    ("on May 3rd", "CALENDAR_DATE", "May 3rd"),
    ("since November 2019", "CALENDAR_DATE", "November 2019"),
    ("on 3/6/2021", "CALENDAR_DATE", "3/6/2021"),
    ("on 3.6.21", "CALENDAR_DATE", "3.6.21"),
    ("at 99 Quillon Crescent", "ADDRESS", "99 Quillon Crescent"),
    ("on the Old Quillon Road", "STREET", "Old Quillon Road"),
    ("at Quillon Road Surgery", "INSTITUTION", "Quillon Road Surgery"),
    ("at Saint Quill's Primary", "INSTITUTION", "Saint Quill's Primary"),
    ("at fourteen Quillon Crescent", "ADDRESS", "fourteen Quillon Crescent"),
    ("from thirty-two Quillon Street", "ADDRESS", "thirty-two Quillon Street"),
    ("it's number 27 Quillon Lane", "ADDRESS", "number 27 Quillon Lane"),
    ("at fourteen quillon crescent", "ADDRESS", "fourteen quillon crescent"),
    ("flat 3, Quillon Court", "ADDRESS", "flat 3, Quillon Court"),
    ("in flat three", "ADDRESS", "flat three"),
    ("flat 3, the Old Quillery", "ADDRESS", "flat 3, the Old Quillery"),
    ("flat three, the old quillery", "ADDRESS", "flat three, the old quillery"),
    ("we were at Quillon Cottage then", "ADDRESS", "Quillon Cottage"),
    ("it's the Old Vicarage, opposite", "ADDRESS", "Old Vicarage"),
    ("on Quillon Hill", "STREET", "Quillon Hill"),
    ("I take the number nine bus and", "BUS_ROUTE", "nine"),
    ("on the 19A bus", "BUS_ROUTE", "19A"),
    ("the corner of Quillon Road and Tilda there", "STREET", "Tilda"),
    ("we live at number twelve and", "ADDRESS", "number twelve"),
    ("the fourth of the fifth, twenty twenty-two", "CALENDAR_DATE", "fourth of the fifth, twenty twenty-two"),
    ("on the third June", "CALENDAR_DATE", "third June"),
    ("on the third May", "CALENDAR_DATE", "third May"),
    ("at the Church of the Quillon Saints", "INSTITUTION", "Church of the Quillon Saints"),
    ("the nursery's called little quills, near", "INSTITUTION", "little quills"),
    ("a school called quillon and she", "INSTITUTION", "quillon"),
    ("on ward b4 then", "WARD", "ward b4"),
    ("we're in BS3 now", "UK_POSTCODE", "BS3"),
    ("at St. Quill's primary.", "INSTITUTION", "St. Quill's primary"),  # as Whisper writes it
    ("in Little Quills nursery", "INSTITUTION", "Little Quills nursery"),
    ("at the Royal Quillon for", "INSTITUTION", "Royal Quillon"),
    ("to the quill tree clinic with", "INSTITUTION", "quill tree clinic"),
    ("he goes to quillon nursery now", "INSTITUTION", "quillon nursery"),
    ("to the quillon surgery with", "INSTITUTION", "quillon surgery"),
    ("at quillon breastfeeding clinic", "INSTITUTION", "quillon breastfeeding clinic"),
    ("at his surgery, quillon lodge surgery", "INSTITUTION", "quillon lodge surgery"),
    ("at the quillon mental health unit", "INSTITUTION", "quillon mental health unit"),
    ("the Quillon Parent Infant Service", "SERVICE_NAME", "Quillon Parent Infant Service"),
    ("with the Quill Tree Clinic.", "SERVICE_NAME", "Quill Tree Clinic"),
    ("on Quillon ward", "WARD", "Quillon ward"),
    ("on Ward 7", "WARD", "Ward 7"),
    ("on Ward D four", "WARD", "Ward D four"),
    ("on ward seven of the hospital", "WARD", "ward seven"),
    ("and ward seven midwives came", "WARD", "ward seven"),  # without "the" it is its name
    ("on ward seven, then", "WARD", "ward seven"),
    ("on the Ward 7 side", "WARD", "Ward 7"),
    ("in Bay C with", "WARD", "Bay C"),
    ("on ward A.", "WARD", "ward A"),
    ("on Ward A3 then", "WARD", "Ward A3"),
    ("in the Quillon Ward", "WARD", "Quillon Ward"),
    ("in Delivery Suite B", "WARD", "Delivery Suite B"),
    ("he drives for Quillon Coaches", "EMPLOYER", "Quillon Coaches"),
    ("since then, in April", "CALENDAR_DATE", "April"),
    ("until Christmas Eve", "CALENDAR_DATE", "Christmas Eve"),
    ("Tuesday the sixth of June", "CALENDAR_DATE", "Tuesday the sixth of June"),
    ("I work for Quillon and Sons in", "EMPLOYER", "Quillon and Sons"),
]


@pytest.mark.parametrize(("text", "entity", "surface"), RIGHT)
def test_found(text: str, entity: str, surface: str) -> None:
    assert (entity, surface) in _found(text)


WRONG = [
    "today, thirty minutes, last week, Monday, two years, the weekend, at half past three",
    "in 2019 we moved, by the end of June, and at Easter",
    "it may second my view, and we march on",
    "the second may be easier than the first",
    "she was 3 and he was 11, about 10.30, 20 to 30 of them",
    "that cost 10,000,000 pounds or 1,250.50",
    "between 1990 and 2000, or 1990 2000",
    "It was fine.So we went.Okay.",
    "The Hospital said so, and The School",
    "On the road, in the street, at the clinic",
    "a1, b2 and so on, 5 p.m.",
    "two doors down the road, a one way street, the two lovely gardens",
    "on the postnatal ward, at the local surgery, to the nearest nursery, on a ward, in the Postnatal Ward",
    "the Queen Mother, the Royal Family",
    "the M25, WD40, CO2 and vitamin B12",
    "I work for them, at work for a bit, I worked with Quillon",
    "number one, number two of them, a flat tyre, flat out",
    "So at 17 he went into care, at 21 we got married, By 30 he was gone",
    "He moved in on 21st, I had my 21st in Bath, had him at 22 at Southmead",
    "She had to have heart surgery, they had to have emergency surgery, took him to emergency surgery",
    "he was about to start nursery, we had to paint nursery furniture and to paint nursery walls",
    "at the breastfeeding clinic, to the perinatal mental health unit, to undergo bowel surgery, to leave nursery",
    "recovering from knee surgery, to open heart surgery, at the early pregnancy clinic",
    "The ward I was on, on the ward two days, on the ward two of them, the postnatal ward I think",
    "on the ward three times, on ward two weeks, on the ward 2 nights, in Room I was",
    "the delivery suite I was in, on the ward one midwife, in the room A midwife had",
    "the school called me, the nursery called again, in the Church of England",
    "we went to Family Court, to the High Court and to the Magistrates' Court",
    "the one bus, the two bus stops, the bus 3 times, the bus number was hidden",
    "Antibodies ward off a lot, Good night and Good day, in the Intensive Care Unit, on the High Dependency Unit",
    "the Special Care Baby Unit and the Mental Health Unit",
    "the M25 at rush hour, the A38 by the sea, Vitamin B12 as well",
]


@pytest.mark.parametrize("text", WRONG)
def test_left_alone(text: str) -> None:
    assert _found(text) == set()


def test_check_digit() -> None:
    assert ("UK_NHS", "943 476 5918") not in _found("943 476 5918")
