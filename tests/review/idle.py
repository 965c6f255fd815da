"""`transcribe review` with an idle time in seconds: python -m tests.review.idle STUDY SECONDS."""

import os
import sys
from pathlib import Path

from transcribe import study, vault
from transcribe.engines import Engines
from transcribe.review import server, serving
from transcribe.review.desk import Reviewer
from transcribe.review.office import Office
from transcribe.review.session import Session


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(root: Path, idle_s: float) -> None:
    opened = study.open_study(root)

    def office(passphrase: str) -> Office:
        return Office(vault.unlock(opened, passphrase), Engines(opened.config), Reviewer(alias="AB"), "R001")

    first = office(os.environ["TRANSCRIBE_PASSPHRASE"])
    session = Session(idle_minutes=idle_s / 60)
    serving.serve(lambda: server.app(office, first, session), session, browser=False, say=say)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
