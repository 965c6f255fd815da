"""Run the server as `transcribe review` does, over a fake office: python -m tests.review.served FOLDER PORT BROWSER.

FOLDER holds page/ with the page's files, and sound.opus if there is to be any.
"""

import sys
from pathlib import Path

from tests.review.offices import PASSPHRASE, FakeOffice
from transcribe.errors import LockedError, TranscribeError
from transcribe.review import server, serving
from transcribe.review.session import Session


def unlock(passphrase: str) -> FakeOffice:
    if passphrase != PASSPHRASE:
        raise LockedError("the passphrase does not open this study")
    return FakeOffice()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(folder: Path, port: int, browser: bool) -> None:
    server.resources.files = lambda _: folder  # type: ignore[assignment,return-value]
    sound = folder / "sound.opus"
    office = FakeOffice(sound.read_bytes() if sound.exists() else b"")
    session = Session()
    try:
        serving.serve(
            lambda: server.app(unlock, office, session),  # type: ignore[arg-type,return-value]
            session,
            port=port,
            browser=browser,
            say=say,
        )
    except TranscribeError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "browser")
