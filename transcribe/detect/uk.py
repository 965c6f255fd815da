"""UK and generic patterns as Presidio recognisers: NHS number with its check digit, postcode, phone, e-mail, dates ...

Presidio's own NHS and NINO recognisers are used as they are; the rest are the patterns of default_rules.toml, since
Presidio's are switched off (postcode), reach for the network (e-mail asks tldextract) or match ordinary speech (dates,
web addresses). phonenumbers, which checks number plans, runs beside our phone pattern, which knows how people speak.
"""

import re

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer
from presidio_analyzer.predefined_recognizers import NhsRecognizer, PhoneRecognizer, UkNinoRecognizer

from transcribe.detect import defaults

# Spoken numbers are transcribed with commas between the groups, too.
_SEPARATORS = [("-", ""), (" ", ""), (",", ""), (".", "")]
_REGIONS = ("GB", "IE", "US")


class SpacedNhsRecognizer(NhsRecognizer):
    """The NHS number as it is spoken: 3-3-4 with spaces, commas or hyphens between; check digit modulo 11.

    Source: NHS Data Dictionary, "NHS number": weights 10 to 2, 11 minus the remainder, 11 stands for 0, 10 is invalid.
    """

    def __init__(self) -> None:
        spoken = Pattern("spoken", r"(?<!\d)\d{3}[-,. ]{0,2}\d{3}[-,. ]{0,2}\d{4}(?!\d)", 0.5)
        super().__init__(patterns=[spoken], replacement_pairs=_SEPARATORS)


def _patterns(group: defaults.PatternGroup) -> PatternRecognizer:
    return PatternRecognizer(
        supported_entity=group.entity,
        name=f"our {group.entity}",
        patterns=[Pattern(f"{group.entity} {n}", regex, group.score) for n, regex in enumerate(group.regex, 1)],
        context=list(group.context),
        global_regex_flags=int(re.MULTILINE),  # case matters unless a pattern says otherwise
    )


def recognizers() -> list[EntityRecognizer]:
    """All pattern recognisers; none needs a model or the network."""
    own: list[EntityRecognizer] = [_patterns(group) for group in defaults.load().patterns]
    return [*own, SpacedNhsRecognizer(), UkNinoRecognizer(), PhoneRecognizer(supported_regions=_REGIONS, leniency=1)]
