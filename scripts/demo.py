"""The demo: a real telephone call (it comes in the pyannote.audio wheel) through the whole job, checked at the end.

Diane is on the roster, Sheila is not. Fails if either name, or a place they come from, is in the release.
"""

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

NAMES = ("Diane", "Sheila", "New Jersey", "Texas", "Chicago")
ROSTER = "id,kind,role,names,relation,of,pseudonym\nP1,person,participant,Diane,self,P1,\n"


def command(*arguments: str) -> str:
    """One `transcribe` command, shown as it would be typed; its output."""
    print("$ transcribe " + " ".join(arguments), flush=True)
    program = str(Path(sys.executable).parent / "transcribe")
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"demo: transcribe {arguments[0]} ended with {done.returncode}")
    return done.stdout


def readable(path: Path) -> str:
    """The text of a released file; of a docx all its parts, tags taken out."""
    if path.suffix != ".docx":
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as parts:
        return "\n".join(
            re.sub(r"<[^>]+>", "", parts.read(name).decode("utf-8", "replace")) for name in parts.namelist()
        )


def leaks(folder: Path) -> list[str]:
    """Released files in which one of the names can be read."""
    pattern = re.compile(r"\b(" + "|".join(NAMES) + r")\b", re.IGNORECASE)
    return [path.name for path in sorted(folder.iterdir()) if pattern.search(readable(path))]


def turns(text: str) -> list[tuple[str, str]]:
    """(speaker, words) of each line `[hh:mm:ss] Speaker: words`."""
    return re.findall(r"^\[[\d:]+\] ([^:\n]+): (.*)$", text, re.MULTILINE)


def side_by_side(identified: str, released: str) -> Table:
    """Both texts, turn by turn."""
    table = Table(show_lines=True)
    table.add_column("identified (with the key only)")
    table.add_column("released")
    for before, after in zip(turns(identified), turns(released), strict=True):
        table.add_row(Text(": ".join(before)), Text(": ".join(after)))
    return table


def main() -> None:
    """Make the study, run it, release it, show it, check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, help="where to make the study (default: a new folder)")
    study = parser.parse_args().study or Path(tempfile.mkdtemp(prefix="transcribe-demo-")) / "study"
    passphrase = os.environ.setdefault("TRANSCRIBE_PASSPHRASE", "-".join(secrets.token_hex(3) for _ in range(4)))
    call = Path(str(distribution("pyannote.audio").locate_file("pyannote/audio/sample/sample.wav")))
    with tempfile.TemporaryDirectory() as folder:
        roster = Path(folder) / "roster.csv"
        roster.write_text(ROSTER)
        command("new", str(study))
        command("people", str(study), "import", str(roster))
    command("add", str(study), str(call), "--speakers", "2", "--who", "P1")
    command("run", str(study))
    identified = command("show", str(study), "R001", "--identified")
    written = json.loads(command("release", str(study), "--unreviewed", "--to", "txt,docx,vtt,json", "--json"))
    folder = Path(written["folder"])
    Console(width=110).print(side_by_side(identified, (folder / "R001_pseudonymised.txt").read_text(encoding="utf-8")))
    found = leaks(folder)
    if found:
        sys.exit(f"demo: a name can be read in {', '.join(found)}")
    print(
        f"None of {', '.join(NAMES)} is in the release.\n"
        f"The study: {study}\nIts passphrase: {passphrase}\nThe release: {folder}"
    )
    for name in written["files"]:
        print(f"  {name}")


if __name__ == "__main__":
    main()
