"""Vaguer words for dates and ages: of a date its month or year, of an age the years around it. Pure."""

import calendar
import re
from collections.abc import Sequence

from transcribe.detect.numerals import numbers

_UNITS = {
    "years?|yrs?\\b": 1.0, "m(?:on)?ths?": 12.0, "(?:weeks?|wks?)\\b": 365.25 / 7, "days?\\b": 365.25,
    "hours?\\b": 24 * 365.25, "min(?:ute)?s?\\b": 60 * 24 * 365.25,
}  # fmt: skip
"""What stands for a unit of age -> how many of it make a year."""
OLDEST = 120


def date_in(said: str, *, with_month: bool) -> str:
    """The year of a date, perhaps with its month: "date in March 2019"; nothing where it tells none, or several."""
    years = set(re.findall(r"\b(?:19|20)\d\d\b", said))
    if len(years) != 1:  # of "from May 2018 to March 2019" either would be wrong
        return ""
    months = {name for name in calendar.month_name[1:] if re.search(rf"\b{name}\b", said, re.IGNORECASE)}
    month = f"{months.pop()} " if len(months) == 1 and with_month else ""
    return f"date in {month}{years.pop()}"


def age_band(said: str, bands: Sequence[int]) -> str:
    """The years around all ages in a text: "aged 5 to 9"; nothing where they cannot be told.

    `bands`: the first year of each.
    """
    values = numbers(said)
    if not values:
        return ""
    units = [in_a_year for unit, in_a_year in _UNITS.items() if re.search(rf"(?<![^\W\d_])(?:{unit})", said, re.I)]
    if len(units) > 1 or (not units and max(values) > OLDEST):
        return ""  # "three years and six months": which number is which; "forty in 2019"
    years = [int(value / units[0]) if units else value for value in values]
    if max(years) < bands[0]:
        return "under one year old"
    first = max((band for band in bands if band <= min(years)), default=0)
    after = min((band for band in bands if band > max(years)), default=0)
    return f"aged {first} to {after - 1}" if after else f"aged {first} or more"
