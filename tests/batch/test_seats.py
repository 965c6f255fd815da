"""Which worker hears what."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest

from transcribe.batch import seats
from transcribe.batch.seats import Seats, Workers
from transcribe.errors import ClusterLost
from transcribe.pulse import DIARISATION, RECOGNITION

SOON_S = 5.0


class Asking:
    """Somebody with an order, in a thread of its own; sits until told to leave."""

    def __init__(self, made: Seats, engine: str, sound: str, failed_at: frozenset[str] = frozenset()) -> None:
        self.address, self.error = "", ""
        self._seated, self._leaves = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(made.taken(engine, sound, failed_at),), daemon=True)
        self._thread.start()

    def _ask(self, taken: AbstractContextManager[str]) -> None:
        try:
            with taken as self.address:
                self._seated.set()
                self._leaves.wait(SOON_S)
        except ClusterLost as error:
            self.error = str(error)
            self._seated.set()

    def seated(self) -> str:
        assert self._seated.wait(SOON_S)
        return self.address

    @property
    def waits(self) -> bool:
        return not self._seated.wait(0.2)

    def leaves(self) -> None:
        self._leaves.set()
        self._thread.join(SOON_S)


def asked(made: Seats, engine: str, sound: str, *failed_at: str) -> Asking:
    """One that is seated or waits by now: orders are asked for one after the other."""
    one = Asking(made, engine, sound, frozenset(failed_at))
    one._seated.wait(0.1)
    return one


def test_two_engines_of_a_worker_are_taken_and_no_third() -> None:
    made = Seats(lambda: {"a": 2})
    first, second = asked(made, RECOGNITION, "1"), asked(made, DIARISATION, "1")
    third = asked(made, RECOGNITION, "2")
    assert (first.seated(), second.seated()) == ("a", "a")
    assert third.waits
    first.leaves()
    assert third.seated() == "a"


def test_a_worker_that_does_one_thing_at_a_time_gets_one_order() -> None:
    made = Seats(lambda: {"a": 1})
    first, second = asked(made, RECOGNITION, "1"), asked(made, DIARISATION, "1")
    assert first.seated() == "a"
    assert second.waits
    first.leaves()
    assert second.seated() == "a"


def test_no_engine_stands_idle_while_an_order_for_it_waits() -> None:
    made = Seats(lambda: {"a": 2, "b": 2})
    busy = [asked(made, DIARISATION, "1"), asked(made, DIARISATION, "2")]
    assert {one.seated() for one in busy} == {"a", "b"}
    words = [asked(made, RECOGNITION, "3"), asked(made, RECOGNITION, "4")]
    assert {one.seated() for one in words} == {"a", "b"}


def test_the_sound_that_a_worker_has_goes_before_the_one_that_waited_longer() -> None:
    made = Seats(lambda: {"a": 1})
    first = asked(made, DIARISATION, "1")
    other, same = asked(made, DIARISATION, "2"), asked(made, DIARISATION, "1")
    first.leaves()
    assert same.seated() == "a"
    assert other.waits
    same.leaves()
    assert other.seated() == "a"


def test_an_order_goes_where_its_sound_is_and_not_to_who_was_named_first() -> None:
    made = Seats(lambda: {"a": 1, "b": 1})
    first, second = asked(made, DIARISATION, "1"), asked(made, DIARISATION, "2")
    places = {"1": first.seated(), "2": second.seated()}
    first.leaves()
    second.leaves()
    again = [asked(made, RECOGNITION, "2"), asked(made, RECOGNITION, "1")]
    assert [one.seated() for one in again] == [places["2"], places["1"]]


def test_without_affinity_those_that_wait_are_served_in_turn() -> None:
    made = Seats(lambda: {"a": 1})
    first = asked(made, RECOGNITION, "1")
    waiting = [asked(made, RECOGNITION, name) for name in ("2", "3", "4")]
    first.leaves()
    for one in waiting:
        assert one.seated() == "a"
        one.leaves()


def test_a_worker_that_is_gone_gets_nothing_and_a_new_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOKS_S", 0.05)
    there = {"a": 1}
    made = Seats(lambda: dict(there))
    first = asked(made, RECOGNITION, "1")
    assert first.seated() == "a"
    there.clear()
    made.gone("a")
    first.leaves()
    second = asked(made, RECOGNITION, "1")
    assert second.waits
    there["b"] = 1
    assert second.seated() == "b"


def test_an_order_that_failed_at_a_worker_waits_for_another_though_that_one_is_idle() -> None:
    made = Seats(lambda: {"a": 1, "b": 1, "c": 1})
    busy = [asked(made, RECOGNITION, name) for name in ("1", "2", "3")]
    idle = next(one for one in busy if one.seated() == "a")
    again = asked(made, RECOGNITION, "4", "a")
    idle.leaves()
    assert again.waits
    asked(made, RECOGNITION, "5").leaves()  # another order is done there meanwhile
    next(one for one in busy if one.seated() == "b").leaves()
    assert again.seated() == "b"


def test_a_worker_is_begun_anew_at_the_same_place_and_where_there_is_no_other_it_is_asked_again() -> None:
    made = Seats(lambda: {"a2": 1}, place=lambda address: address[0])
    assert not made.elsewhere({"a"})
    assert asked(made, RECOGNITION, "1", "a").seated() == "a2"
    assert made.elsewhere({"b"})


def test_where_orders_failed_that_others_did_none_goes_any_more_until_one_is_done_there() -> None:
    made = Seats(lambda: {"a": 2, "b": 2})
    for _ in range(seats.DOUBTED):
        made.done(RECOGNITION, "b", {"a"})
        made.done(DIARISATION, "a", ())
    first, second = asked(made, RECOGNITION, "1"), asked(made, RECOGNITION, "2")
    assert first.seated() == "b"
    assert second.waits
    first.leaves()
    assert second.seated() == "b"
    assert {asked(made, DIARISATION, name).seated() for name in ("1", "2")} == {"a", "b"}  # that engine is not to blame
    second.leaves()
    made.done(RECOGNITION, "a", {"a"})
    assert {asked(made, RECOGNITION, name).seated() for name in ("3", "4")} == {"a", "b"}


def test_what_fails_everywhere_is_given_everywhere() -> None:
    made = Seats(lambda: {"a": 1, "b": 1})
    for _ in range(seats.DOUBTED):
        made.done(RECOGNITION, "c", {"a", "b"})
    assert {asked(made, RECOGNITION, name).seated() for name in ("1", "2")} == {"a", "b"}


def test_an_unfit_worker_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOKS_S", 0.05)
    made = Seats(lambda: {"a": 1, "b": 1})
    asked(made, RECOGNITION, "0").leaves()
    assert made.unfit("a")
    first, second = asked(made, RECOGNITION, "1"), asked(made, RECOGNITION, "2")
    assert first.seated() == "b"
    assert second.waits
    first.leaves()
    assert second.seated() == "b"
    assert not made.unfit("b")


def test_where_one_is_unfit_others_that_may_come_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "BACK_S", 0.05)
    assert Seats(lambda: {"a": 1}, awaited=lambda: True).unfit("a")
    made = Seats(lambda: {"a": 1, "b": 1})
    asked(made, RECOGNITION, "0").leaves()
    made.gone("a")  # it died over an order, and is begun anew
    assert made.unfit("b")
    time.sleep(0.1)
    assert not made.unfit("b")


NONE, SOME = Workers(state="none", waits_s=0.2), Workers(state="some")


def test_where_no_worker_is_left_it_is_told_at_once_and_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOKS_S", 0.05)
    made, told = Seats(dict, patience_s=0.2), []
    made.tell = told.append
    for one in [asked(made, RECOGNITION, "1"), asked(made, DIARISATION, "2")]:
        one.seated()
        assert "no worker is left" in one.error
        assert "run again, what is done is kept" in one.error
    assert told == [NONE]


def test_a_worker_that_comes_in_time_is_told_and_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOKS_S", 0.05)
    there: dict[str, int] = {}
    made, told = Seats(lambda: dict(there), patience_s=0.4), []
    made.tell = told.append
    for number in range(3):  # each wait is one of its own
        there.clear()
        one = asked(made, RECOGNITION, "1")
        assert one.waits
        there[f"w{number}"] = 1
        assert one.seated() == f"w{number}"
        one.leaves()
        made.gone(f"w{number}")
    assert [one.state for one in told] == ["none", "some"] * 3


def test_a_busy_worker_is_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOKS_S", 0.05)
    made, told = Seats(lambda: {"a": 1}, patience_s=0.1), []
    made.tell = told.append
    first, second = asked(made, RECOGNITION, "1"), asked(made, RECOGNITION, "2")
    assert second.waits
    first.leaves()
    assert second.seated() == "a"
    assert told == []


def test_workers_that_a_queue_will_bring_are_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOKS_S", 0.05)
    awaited, told = [True], []
    made = Seats(dict, patience_s=0.6, awaited=lambda: awaited[0])
    made.tell = told.append
    one = asked(made, RECOGNITION, "1")
    assert one.waits
    assert one.waits
    awaited[0] = False
    assert one.waits  # its patience begins now
    one.seated()
    assert "no worker is left" in one.error
    assert told == [Workers(state="none", waits_s=None), Workers(state="none", waits_s=0.6)]


def test_who_waits_when_a_run_is_stopped_is_told_and_who_asks_afterwards_too() -> None:
    made = Seats(lambda: {"a": 1})
    first, second = asked(made, RECOGNITION, "1"), asked(made, RECOGNITION, "2")
    made.close()
    second.seated()
    assert "run again" in second.error
    first.leaves()
    third = asked(made, RECOGNITION, "3")
    third.seated()
    assert "run again" in third.error


def test_a_look_that_fails_is_told_to_who_asked_and_leaves_nobody_behind() -> None:
    looks: list[Callable[[], dict[str, int]]] = [lambda: {}["gone"], lambda: {"a": 1}]  # type: ignore[dict-item]
    made = Seats(lambda: looks.pop(0)())
    with pytest.raises(KeyError), made.taken(RECOGNITION, "1"):
        pass
    with ExitStack() as stack:
        assert stack.enter_context(made.taken(RECOGNITION, "2")) == "a"


def test_every_order_is_done_once_by_many_threads() -> None:
    made = Seats(lambda: {"a": 2, "b": 1, "c": 2})
    at_work: dict[str, list[str]] = {name: [] for name in "abc"}
    done = []

    def ask(number: int) -> None:
        engine = (RECOGNITION, DIARISATION)[number % 2]
        with made.taken(engine, str(number // 2)) as address:
            at_work[address].append(engine)
            now = tuple(at_work[address])
            assert len(set(now)) == len(now) <= {"a": 2, "b": 1, "c": 2}[address]
            at_work[address].remove(engine)
            done.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON_S)
    assert sorted(done) == list(range(200))
