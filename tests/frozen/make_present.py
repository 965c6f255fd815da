"""Make the study of the present form that is frozen here: `python -m tests.frozen.make_present FOLDER`.

Run it once for a schema, before the next one is begun; what is frozen is never made again, since it stands for studies
that researchers have.
"""

import sys
from pathlib import Path

from tests import whole_studies
from tests.frozen.make_older import PASSPHRASE

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir()
    made = whole_studies.build(folder / "study", PASSPHRASE, folder)
    (folder / "key.txt").write_text(f"{made.identity}\n")
    for source in ("a.flac", "b.txt"):
        (folder / source).unlink()
