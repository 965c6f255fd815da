"""The table of promises: each with the tests that attack it, how many cases these tried, and how many failed.

scripts/trust.toml names the tests. A test that tries many cases says how many (`record_property("cases", n)`); any
other is one. A promise none of whose tests ran is a failure, and so is a test that was skipped.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lxml.etree import _Element, parse
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
LAST = ROOT / ".pytest_cache" / "last.xml"
BEGIN, END = "<!-- scripts/trust begins -->\n", "<!-- scripts/trust ends -->\n"
COLUMNS = ("what is promised", "what attacks it", "tests", "cases", "failures")


@dataclass(frozen=True)
class Promise:
    """What we say, how it is attacked, and the test files or single tests that do so."""

    said: str
    attack: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Tried:
    """What came of it."""

    said: str
    attack: str
    tests: int
    cases: int
    failures: int


def promises() -> tuple[Promise, ...]:
    """All of trust.toml, in order."""
    listed = tomllib.loads((ROOT / "scripts" / "trust.toml").read_text(encoding="utf-8"))["promise"]
    return tuple(Promise(said=one["said"], attack=one["attack"], tests=tuple(one["tests"])) for one in listed)


def attack(wanted: Iterable[Promise], *, full: bool) -> Path:
    """Run the tests of these promises; where pytest wrote what came of them."""
    results = Path(tempfile.mkdtemp()) / "results.xml"
    tests = dict.fromkeys(test for promise in wanted for test in promise.tests)
    environment = {**os.environ, "TRANSCRIBE_TEST_ALL": "1", **({"TRANSCRIBE_KILLS": "200"} if full else {})}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        f"--junitxml={results}",
        *(["--timeout=7200"] if full else []),
        *tests,
    ]
    subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
    return results


def outcome(results: Path, promise: Promise) -> Tried:
    """What a run says of a promise."""
    counted: Counter[str] = Counter()
    for case in parse(results).iter("testcase"):
        if any(_is_of(case, test) for test in promise.tests):
            counted["tests"] += 1
            counted["cases"] += _cases(case)
            counted["failures"] += _failed(case)
    ran = counted["tests"] > 0
    return Tried(promise.said, promise.attack, counted["tests"], counted["cases"], counted["failures"] if ran else 1)


def _is_of(case: _Element, test: str) -> bool:
    file, _, name = test.partition("::")
    same = case.get("file", case.get("classname", "").replace(".", "/") + ".py") == file
    return same and (not name or case.get("name", "").partition("[")[0] == name)


def _failed(case: _Element) -> bool:
    """Also where it was skipped; a fault that we know of and tell (xfail) is none."""
    skipped = case.find("skipped")
    known = skipped is not None and skipped.get("type") == "pytest.xfail"
    return not known and any(case.find(what) is not None for what in ("failure", "error", "skipped"))


def _cases(case: _Element) -> int:
    said = [one.get("value", "1") for one in case.iter("property") if one.get("name") == "cases"]
    return int(said[0]) if said else 1


def markdown(rows: Iterable[Tried]) -> str:
    """The table as it stands in the README."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|---|---|---|"]
    lines += [f"| {row.said} | {row.attack} | {row.tests} | {row.cases} | {row.failures} |" for row in rows]
    return "\n".join(lines) + "\n"


def into_readme(rows: Iterable[Tried]) -> None:
    """Put it between its two marks."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(before + BEGIN + markdown(rows) + END + after, encoding="utf-8")


def main() -> None:
    """Exit with 1 where a promise does not hold."""
    parser = argparse.ArgumentParser(prog="scripts/trust", description=__doc__)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--full", action="store_true", help="200 kills rather than 30")
    how.add_argument("--last", action="store_true", help="of the last test run, without another one")
    parser.add_argument("--json", action="store_true", help="say it in JSON")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    asked = parser.parse_args()
    if asked.last and not LAST.exists():
        sys.exit("no test was run here yet; run scripts/test, or scripts/trust without --last")
    results = LAST if asked.last else attack(promises(), full=asked.full)
    rows = [outcome(results, promise) for promise in promises()]
    if asked.readme:
        into_readme(rows)
    if asked.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        table = Table(*COLUMNS)
        for row in rows:
            table.add_row(row.said, row.attack, str(row.tests), str(row.cases), str(row.failures))
        Console().print(table)
    sys.exit(any(row.failures for row in rows))


if __name__ == "__main__":
    main()
