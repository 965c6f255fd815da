"""Make a study as an early version made it, run from that version's tree: `python tests/frozen/make_older.py FOLDER`.

It uses what all versions had in common: a roster, a transcript that is brought in, decisions, a release. All words and
names are invented.
"""

import sys
from pathlib import Path
from typing import Any

from tests.builders import NoEngines
from transcribe import intake, people, release, store, study, vault
from transcribe.batch import plan
from transcribe.batch import run as batch
from transcribe.review import settling

PASSPHRASE = "correct horse battery"
ROSTER = """\
id,kind,role,names,relation,of,pseudonym
P1,person,participant,Wilhelmina Tarn;Wilhelmina,self,P1,Amelia
R1,person,interviewer,Osgood Quill;Osgood,interviewer,,
"""
SAID = "Osgood: How was the week?\n\nWilhelmina: Better. Osgood came on Tuesday, and Tarn is a name I kept.\n"


def make(folder: Path) -> None:
    """The study in `folder`/study, and its recovery key beside it."""
    folder.mkdir()
    identity = store.new_identity()
    unlocked: Any = vault.create(study.create(folder / "study", identity, PASSPHRASE), identity)
    (folder / "key.txt").write_text(f"{identity}\n")
    roster, said = folder / "roster.csv", folder / "said.txt"
    roster.write_text(ROSTER)
    said.write_text(SAID)
    people.bring_in(unlocked, roster, "")
    intake.add_transcript(unlocked, said, intake.Request(who=("P1", "R1")))
    engines: Any = NoEngines(unlocked.study.config)
    batch.run(unlocked, plan.tasks(unlocked), engines, lambda event: None)
    settling.settle(unlocked, "T001", "AB", reject=("F0002",), add=("U0002:0-6=place",))
    release.write(unlocked, ("T001",), ("txt", "json"), engines, unreviewed=False)
    for path in (roster, said):
        path.unlink()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
