"""The table of promises: every promise has tests, what failed is told, and the README says what the list says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
trust = pytest.importorskip("trust")

PASSED = '<testcase file="tests/test_x.py" name="test_a[1]"/>'
RESULTS = {
    "passed": (PASSED, (1, 1, 0)),
    "many cases": (
        '<testcase file="tests/test_x.py" name="test_a"><properties><property name="cases" value="200"/></properties>'
        "</testcase>",
        (1, 200, 0),
    ),
    "failed": ('<testcase file="tests/test_x.py" name="test_a"><failure/></testcase>' + PASSED, (2, 2, 1)),
    "broken": ('<testcase file="tests/test_x.py" name="test_a"><error/></testcase>', (1, 1, 1)),
    "skipped": ('<testcase file="tests/test_x.py" name="test_a"><skipped type="pytest.skip"/></testcase>', (1, 1, 1)),
    "known": ('<testcase file="tests/test_x.py" name="test_a"><skipped type="pytest.xfail"/></testcase>', (1, 1, 0)),
    "not run": ('<testcase file="tests/test_y.py" name="test_a"/>', (0, 0, 1)),
    "by its class": ('<testcase classname="tests.test_x" name="test_a"/>', (1, 1, 0)),
}


@pytest.mark.parametrize("what", RESULTS)
def test_what_a_run_says_of_a_promise(what: str, tmp_path: Path) -> None:
    case, (tests, cases, failures) = RESULTS[what]
    path = tmp_path / "results.xml"
    path.write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    told = trust.outcome(path, trust.Promise("said", "attack", ("tests/test_x.py",)))
    assert (told.tests, told.cases, told.failures) == (tests, cases, failures)


def test_a_single_test_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "results.xml"
    path.write_text(
        f'<testsuite>{PASSED}<testcase file="tests/test_x.py" name="test_b"><failure/></testcase></testsuite>'
    )
    told = trust.outcome(path, trust.Promise("said", "attack", ("tests/test_x.py::test_a",)))
    assert (told.tests, told.failures) == (1, 0)


def test_every_promise_names_tests_that_are_there() -> None:
    listed = trust.promises()
    assert len({one.said for one in listed}) == len(listed) > 8
    for one in listed:
        for test in one.tests:
            file, _, name = test.partition("::")
            assert (ROOT / file).is_file(), test
            assert not name or f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), test


def test_the_readme_has_a_row_for_every_promise_and_no_failure() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition(trust.BEGIN)[2].partition(trust.END)[0]
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == [one.said for one in trust.promises()]
    assert all(row[-1] == "0 |" for row in rows)


def test_the_command_attacks_and_fails_where_a_promise_does(tmp_path: Path) -> None:
    """The whole way over one small promise that holds and one that does not."""
    (tmp_path / "test_small.py").write_text(
        "def test_holds(record_property):\n    record_property('cases', 7)\n\ndef test_fails():\n    assert False\n"
    )
    code = (
        "import sys, trust; from pathlib import Path\n"
        f"trust.ROOT = Path({str(tmp_path)!r})\n"
        "made = [trust.Promise(n, n, (f'test_small.py::test_{n}',)) for n in ('holds', 'fails')]\n"
        "trust.promises = lambda: made\n"
        "sys.argv = ['trust', '--json']\n"
        "trust.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["cases"], row["failures"]) for row in rows] == [(7, 0), (1, 1)]


@pytest.mark.slow
def test_the_bill_of_materials_names_packages_and_weights() -> None:
    import sbom

    from transcribe import registry

    bill = sbom.packages()
    named = {part["name"].lower().replace("_", "-") for part in bill["components"]}
    assert {"torch", "pyrage", "presidio-analyzer", "faster-whisper"} <= named
    assert str(ROOT) not in json.dumps(bill)
    (model,) = [sbom.model(entry) for entry in registry.load() if entry.name == "whisper-base"]
    assert model["components"][0]["hashes"][0]["content"] == registry.load()[0].files[0].sha256


def test_the_lock_holds_every_dependency_with_its_checksum() -> None:
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "scripts" / "locked.txt").read_text(encoding="utf-8").split("\n")
    pins = {canonicalize_name(line.split("==")[0]): line.split("==")[1].split()[0] for line in lines if "==" in line}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement.name
    blocks = "\n".join(lines).replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
