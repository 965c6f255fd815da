"""Secrets of a session: good once, in time, and only exactly; and the idle time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.review.offices import Watch
from transcribe.review.session import Session


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def session(watch: Watch) -> Session:
    return Session(clock=watch, idle_minutes=30)


def test_no_secret_is_like_another_or_guessable() -> None:
    made = [Session() for _ in range(3)]
    secrets = [s for one in made for s in (one.page_token, one.sound_ticket, one.new_entry())]
    assert len(set(secrets)) == 9
    assert all(len(secret) == 43 for secret in secrets)  # 32 bytes in base 64
    assert repr(made[0]) == "<Session>"


def test_an_entry_is_open_until_it_is_used_or_a_minute_has_passed(session: Session, watch: Watch) -> None:
    assert not session.entry_open
    assert not session.enter("")
    first = session.new_entry()
    assert session.entry_open
    assert session.enter(first)
    assert not session.entry_open
    assert not session.enter(first)
    second = session.new_entry()
    watch.now += 59.9
    assert session.entry_open
    assert not session.enter(first)
    watch.now += 0.1
    assert not session.entry_open
    assert not session.enter(second)


def test_a_new_entry_voids_the_one_before(session: Session) -> None:
    first, second = session.new_entry(), session.new_entry()
    assert not session.enter(first)
    assert session.enter(second)


@settings(deadline=None)
@given(st.text())
def test_nothing_but_the_secret_itself_is_taken(text: str) -> None:
    session = Session()
    entry = session.new_entry()
    for secret in (session.page_token, session.sound_ticket):
        for near in (text, secret[:-1], secret + text if text else "x", secret.lower() + "x"):
            assert not session.is_page(near)
            assert not session.may_hear(near)
            assert not session.enter(near)
    assert session.is_page(session.page_token)
    assert session.may_hear(session.sound_ticket)
    assert not session.is_page(session.sound_ticket)
    assert not session.may_hear(session.page_token)
    assert session.enter(entry)


def test_idle_time_counts_from_the_last_work(session: Session, watch: Watch) -> None:
    watch.now += 29 * 60
    assert not session.idle
    session.work()
    watch.now += 29 * 60
    assert not session.idle
    watch.now += 60
    assert session.idle


def test_the_clock_goes_on_while_the_machine_sleeps() -> None:
    session = Session(idle_minutes=0)
    assert session.idle  # by the clock that counts sleep, which every Linux has
