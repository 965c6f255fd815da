"""scripts/setup gets out of a .venv that was left half-made: python3-venv was missing, or Ctrl-C came."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parent.parent / "scripts" / "setup"
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
import zipfile

def build_editable(folder, *given):
    name = "stub-0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("stub-0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: stub\\nVersion: 0\\n")
        wheel.writestr("stub-0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: stub\\nTag: py3-none-any\\n")
        wheel.writestr("stub-0.dist-info/RECORD", "")
    return name
"""


@pytest.mark.slow
def test_a_venv_without_pip_is_made_anew(tmp_path: Path) -> None:
    """In a checkout of nothing, which needs no network."""
    for folder in ("scripts", "transcribe"):
        (tmp_path / folder).mkdir()
    shutil.copy(SETUP, tmp_path / "scripts" / "setup")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "backend.py").write_text(BACKEND)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    command = [tmp_path / "scripts" / "setup"]
    given = {**os.environ, "PYTHON": sys.executable, "PIP_NO_INDEX": "1"}
    for _ in range(2):  # the second finds all as it should be
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "Installing" not in done.stderr
