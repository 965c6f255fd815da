"""Until when recordings may be kept: days as they are set, and when one is reminded."""

import calendar
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import add_recording, new_unlocked
from tests.study_session import journal
from transcribe import retention
from transcribe.errors import ConfigError, StudyError
from transcribe.overview import overview
from transcribe.study import Study
from transcribe.tables import iso_date
from transcribe.vault import Unlocked

TODAY = date(2026, 11, 28)


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study")
    for recording_id in ("R001", "R002"):
        add_recording(opened, recording_id)
        opened.study.log("added", recording=recording_id, recipient="age1")
    return opened


def months(study: Study, count: int) -> None:
    study.config_path.write_text(f"retention_months = {count}\n")
    study.read_config_again()


@given(st.dates())
def test_a_day_is_read_as_it_is_written(day: date) -> None:
    assert retention.until(f" {day.isoformat()} ") == day


@given(st.text(max_size=12).filter(lambda text: iso_date(text.strip()) is None))
def test_anything_else_is_refused_without_saying_it(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        retention.until(text)
    assert str(refused.value) == "--until takes a day such as 2031-12-31; correct it."


@pytest.mark.parametrize(
    "text", ["2031-13-01", "2031-02-29", "20311231", "2031-W01-1", "31.12.2031", "２０３１-12-31", ""]
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(ConfigError):
        retention.until(text)


@given(st.dates(max_value=date(2900, 1, 1)), st.integers(0, 1200))
def test_months_later_is_the_same_day_or_the_last_of_a_shorter_month(day: date, count: int) -> None:
    later = retention.months_after(day, count)
    assert (later.year - day.year) * 12 + later.month - day.month == count
    assert later.day == min(day.day, calendar.monthrange(later.year, later.month)[1])


def test_one_that_the_journal_does_not_know_is_reminded_of_all_the_same(unlocked: Unlocked) -> None:
    add_recording(unlocked, "R003")  # stopped before its line was written
    months(unlocked.study, 1)
    known = retention.dates(unlocked.study)
    assert known["R003"] == known["R001"]


@pytest.mark.parametrize(
    ("days", "told"),
    [(-400, True), (-1, True), (0, True), (29, True), (30, False), (400, False)],
)
def test_one_is_reminded_from_30_days_before_on(days: int, told: bool) -> None:
    found = retention.reminders({"R001": TODAY + timedelta(days=days)}, TODAY)
    assert [(one.days, one.recording_ids) for one in found] == ([(days, ("R001",))] if told else [])


def test_reminders_are_by_day_and_name_what_to_run() -> None:
    kept = {"R003": date(2026, 12, 8), "R001": date(2026, 1, 1), "R002": date(2026, 12, 8), "R004": date(2026, 11, 29)}
    first, second, third = retention.lines(retention.reminders(kept, TODAY), "study")
    assert first.startswith("R001: to be kept until 2026-01-01, which has passed: transcribe forget study ID")
    assert second.startswith("R004: to be kept until 2026-11-29, 1 day from now: transcribe forget study ID")
    assert third.startswith("R002, R003: to be kept until 2026-12-08, 10 days from now: ")


def test_days_are_set_for_those_named_or_for_all_and_the_last_one_counts(unlocked: Unlocked) -> None:
    study = unlocked.study
    assert retention.dates(study) == {}
    assert retention.retain(study, (), date(2031, 12, 31)) == ("R001", "R002")
    assert retention.retain(study, ("R002", "R002"), date(2030, 1, 1)) == ("R002",)
    assert retention.dates(study) == {"R001": date(2031, 12, 31), "R002": date(2030, 1, 1)}
    assert [line for line in study.audit_path.read_text().splitlines() if '"retention set"' in line][1].count("R002")


def test_an_unknown_recording_sets_no_date_at_all(unlocked: Unlocked, tmp_path: Path) -> None:
    before = journal(unlocked.study.root)
    with pytest.raises(StudyError, match="R009"):
        retention.retain(unlocked.study, ("R001", "R009"), TODAY)
    assert journal(unlocked.study.root) == before
    with pytest.raises(StudyError, match="no recording yet"):
        retention.retain(new_unlocked(tmp_path / "empty").study, (), TODAY)


def test_months_count_from_the_day_of_adding_where_no_day_was_set(unlocked: Unlocked) -> None:
    study = unlocked.study
    retention.retain(study, ("R002",), date(2030, 1, 1))
    months(study, 120)
    today = datetime.now(UTC).date()
    kept = retention.dates(study)
    assert kept["R002"] == date(2030, 1, 1)
    assert kept["R001"] in (retention.months_after(today - timedelta(days=d), 120) for d in (0, 1))


def test_an_id_that_is_given_again_is_a_new_recording(unlocked: Unlocked) -> None:
    study = unlocked.study
    retention.retain(study, (), TODAY)
    study.artefact_path("R001", "recording").unlink()
    assert set(retention.dates(study)) == {"R002"}
    add_recording(unlocked, "R001")
    study.log("added", recording="R001", recipient="age1")
    assert set(retention.dates(study)) == {"R002"}


def test_a_line_that_somebody_spoilt_is_no_day(unlocked: Unlocked) -> None:
    unlocked.study.log(retention.EVENT, recording="R001", until="soon")
    unlocked.study.log("added", recording="R002")
    assert retention.dates(unlocked.study) == {}


def test_the_overview_reminds_without_the_key_and_destroys_nothing(unlocked: Unlocked) -> None:
    study = unlocked.study
    before = {path: path.read_bytes() for path in study.private.rglob("*") if path.is_file()}
    retention.retain(study, ("R001",), date(2020, 1, 1))
    for key in (None, unlocked):
        seen = overview(study, key)
        assert [row.keep_until for row in seen.rows] == [date(2020, 1, 1), None]
        (line,) = (line for line in seen.advice("study") if "2020" in line)
        assert line.startswith("R001: to be kept until 2020-01-01, which has passed: transcribe forget study ID")
    assert before == {path: path.read_bytes() for path in study.private.rglob("*") if path.is_file()}
