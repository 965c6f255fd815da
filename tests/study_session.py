"""A study driven through the command line in processes of its own, as a researcher does it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PASSPHRASE = "correct horse battery staple"
PROGRAM = str(Path(sys.executable).parent / "transcribe")
ROSTER = """\
id,kind,role,names,relation,of,pseudonym
P1,person,participant,Diane,self,P1,
R1,person,interviewer,Hartley Quayle,interviewer,,
L1,place,place,Abercwmboi,home town,P1,
"""


def environment(passphrase: str | None = PASSPHRASE) -> dict[str, str]:
    """Ours, with the passphrase or without any, and without a terminal's width or colours."""
    ours = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    ours.pop("TRANSCRIBE_PASSPHRASE", None)
    return ours if passphrase is None else {**ours, "TRANSCRIBE_PASSPHRASE": passphrase}


def call(*arguments: str | Path, passphrase: str | None = PASSPHRASE) -> subprocess.CompletedProcess[str]:
    """One command, whatever becomes of it."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(passphrase),
        stdin=subprocess.DEVNULL,
        check=False,
    )


def succeed(*arguments: str | Path, passphrase: str | None = PASSPHRASE) -> str:
    """The output of a command that must end well."""
    done = call(*arguments, passphrase=passphrase)
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_json(output: str) -> dict[str, Any]:
    """The last line of an output as JSON."""
    value: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return value


def new_study(root: Path, recording: Path, *options: str) -> Path:
    """A study with the roster above and one recording; its recovery key in a file beside it."""
    made = last_json(succeed("new", root, "--json"))
    (root.parent / "recovery.txt").write_text(made["recovery_key"] + "\n")
    roster = root.parent / f"{root.name}-roster.csv"
    roster.write_text(ROSTER, encoding="utf-8")
    succeed("people", root, "import", roster)
    succeed("add", root, recording, "--speakers", "2", "--who", "P1", *options)
    return root


def released_bytes(root: Path, number: int = 1) -> dict[str, bytes]:
    """File name -> bytes of a release."""
    return {path.name: path.read_bytes() for path in sorted((root / "release" / f"{number:03d}").iterdir())}


def journal(root: Path) -> list[dict[str, Any]]:
    """All events."""
    return [json.loads(line) for line in (root / "journal.jsonl").read_text().splitlines()]
