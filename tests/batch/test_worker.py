"""What a worker keeps: the sound of the recordings it is given, each for itself, and nothing after a run."""

from collections.abc import Callable

import pytest

from tests.batch.test_dask_cluster import tone
from tests.builders import NoEngines
from transcribe import store
from transcribe.batch import worker
from transcribe.batch.parcels import Parcel, Reply, seal_key, wrap
from transcribe.batch.worker import Post
from transcribe.config import StudyConfig
from transcribe.diarise import Segmented
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import EngineError
from transcribe.hearing import Order, Segment
from transcribe.schema import Audio

CONFIG = StudyConfig(device="cpu")
PATIENCE_S = 600.0


class Heard(FakeDiariser):
    """Has something done while it hears."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def segment(self, audio: Audio) -> Segmented:
        self.meanwhile()
        return super().segment(audio)


class Damaged(NoEngines):
    """An engine that does not load."""

    fingerprint = ("1",)  # type: ignore[assignment]

    @property
    def diariser(self) -> FakeDiariser:  # type: ignore[override]
        raise EngineError("the device 'cuda' cannot be used", advice="choose cpu or cuda")


class Faked(NoEngines):
    """Engines of no weights."""

    fingerprint = ("1",)  # type: ignore[assignment]
    diariser = Heard()  # type: ignore[assignment]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    monkeypatch.setattr(worker, "Engines", Faked)
    monkeypatch.setattr(worker, "_address", lambda: "tls://w:1")
    return Post()


class Client:
    """A run with one recording, which lies at a place that the worker does not see."""

    def __init__(self, seconds: float) -> None:
        self._key = store.new_identity()
        self.run = str(self._key.to_public())
        secret = store.new_identity()
        self.order = Order(recording_id="R001", sound="/far/R001.age", secret=str(secret), key="k", task=Segment())
        self.sound = bytes(store.pyrage.encrypt(tone(seconds), [secret.to_public()]))

    def join(self, post: Post) -> None:
        post.admit(self.run, seal_key(self._key, post.public))

    def asks(self, post: Post, sound: bytes | None = None) -> str:
        """What is lacking, or the speech that was found."""
        parcel = Parcel(
            order=self.order, settings=CONFIG.model_dump_json(), made_with=Faked.fingerprint, patience_s=PATIENCE_S
        )
        reply = post.work(self.run, wrap(parcel, self.run), sound)
        if "done" not in reply:
            return str(reply.get("lacks", reply))
        made = store.unpack(store.decrypt(reply["done"], store.identity(self.order.secret)), Segmented)
        return str(made.value.speech)


def test_sounds_sent_from_one_place_are_not_taken_for_each_other(post: Post) -> None:
    """Of two runs at once: both sounds are there before either is decoded."""
    first, second = Client(1.0), Client(2.0)
    with post._sound(first.order, first.sound), post._sound(second.order, second.sound):
        assert [post._decoded(one.order).duration_s for one in (first, second)] == [1.0, 2.0]


def test_the_end_of_a_run_leaves_neither_its_key_nor_what_was_heard(post: Post) -> None:
    client, other = Client(1.0), Client(2.0)
    client.join(post)
    other.join(post)
    assert [client.asks(post), client.asks(post, client.sound)] == ["sound", "((0.0, 1.0),)"]
    assert client.asks(post) == "((0.0, 1.0),)"  # it stays decoded for the next task
    post.dismiss(client.run)
    assert client.asks(post) == "key"
    client.join(post)
    assert client.asks(post) == "sound"
    assert other.asks(post, other.sound) == "((0.0, 2.0),)"


def test_what_is_heard_when_its_run_ends_is_let_go_of_afterwards(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(1.0)
    client.join(post)
    monkeypatch.setattr(Heard, "meanwhile", staticmethod(lambda: post.dismiss(client.run)))
    assert client.asks(post, client.sound) == "((0.0, 1.0),)"
    client.join(post)
    assert client.asks(post) == "sound"


def replied(post: Post, client: Client, made_with: tuple[str, ...] = ("1",), sound: bytes | None = None) -> Reply:
    client.join(post)
    parcel = Parcel(order=client.order, settings=CONFIG.model_dump_json(), made_with=made_with, patience_s=PATIENCE_S)
    return post.work(client.run, wrap(parcel, client.run), sound)


def test_who_has_another_version_or_an_engine_that_does_not_load_is_unfit(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(1.0)
    assert replied(post, client, ("99",))["unfit"]
    monkeypatch.setattr(worker, "Engines", Damaged)
    assert replied(Post(), client, sound=client.sound)["unfit"]


def test_a_recording_that_cannot_be_decoded_makes_nobody_unfit(post: Post) -> None:
    client = Client(1.0)
    client.sound = bytes(store.pyrage.encrypt(b"RIFF", [store.identity(client.order.secret).to_public()]))
    reply = replied(post, client, sound=client.sound)
    assert reply["failed"] == "AudioError"
    assert not reply["unfit"]
