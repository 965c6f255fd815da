"""A file imports only from those above it; heavy engines stay behind their doors; exporters see no identified type."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "transcribe"

# From the bottom to the top, as DESIGN draws it. A folder stands for all files in it.
LAYERS = [
    "errors", "core_dumps", "offline", "plugins", "schema", "sealed_forms", "wordforms",
    "pulse", "slack",
    "store", "tables", "config", "keys", "replacement", "study", "passphrase", "registry", "downloads", "weights",
    "audit", "inventory", "parting", "vault", "rekeying", "participants", "consent", "retention",
    "containers", "media", "audio", "audio_writing", "bundle", "channels", "microphones",
    "side_by_side", "stored_sound", "folders",
    "export", "detect/lexicon", "imports", "labels", "intake", "joining", "watching", "listening", "describe",
    "asr", "diarise", "detect",
    "assemble", "invented", "vaguer", "pseudonyms", "levels", "people",
    "review/refusals", "review/decisions", "review/corrections", "review/log", "history", "review/carrying",
    "review/renewal", "anonymise", "interludes", "verbatim", "gate", "reread", "review/learning", "casebook",
    "changes", "methods", "quote", "replacements",
    "speakers", "permission", "enrolment", "engines", "hearing", "pipeline",
    "ready", "explain", "companions", "redact", "sound_copies",
    "publishing", "release", "redraw", "giving_back", "backup",
    "evaluate", "review/settling", "overview", "show",
    "withdrawal", "certificates", "forgetting", "closing",
    "review/bodies", "review/swaps", "review/agreement", "review/alike", "review/suggesting", "review/uncommon",
    "review/searching", "review/documents", "review/desk", "review/acts", "review/roll",
    "review/rows", "review/office", "review/ranges", "review/guard", "review/session", "review/server",
    "review/serving",
    "doctor", "batch", "console", "live", "looks", "cli",
]  # fmt: skip


def layer(path: Path) -> int:
    """The place of a file in the list."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    for candidate in (name, name.split("/")[0]):
        if candidate in LAYERS:
            return LAYERS.index(candidate)
    raise AssertionError(f"{name} has no layer: draw it into LAYERS")


def module_path(module: str) -> Path | None:
    """The file of one of our modules."""
    base = PACKAGE.parent / Path(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.exists():
            return path
    return None


def imports(path: Path) -> list[str]:
    """All of our modules that a file names in imports, those inside functions too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
    return [name for name in found if name.split(".")[0] == "transcribe"]


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_file_imports_only_from_those_above_it_in_the_design(path: Path) -> None:
    here = layer(path) if path.name != "__init__.py" or path.parent.name in LAYERS else None
    if here is None:
        return
    for module in imports(path):
        target = module_path(module)
        if target is None or (target.parent == PACKAGE and target.name == "__init__.py"):
            continue
        if target.name == "__init__.py" and target.parent.name not in LAYERS:
            continue
        assert layer(target) <= here, f"{path.name} imports {module}, which stands above it"


def test_the_package_and_its_command_line_start_without_a_heavy_engine() -> None:
    heavy = ["torch", "whisper", "faster_whisper", "ctranslate2", "pyannote.audio", "spacy", "presidio_analyzer"]
    code = f"import sys, transcribe.cli\nprint([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_network_guard_stands_before_any_engine() -> None:
    first = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    assert "from transcribe import offline as offline" in first


def test_an_exporter_sees_no_identified_type() -> None:
    identified = {"Transcript", "Utterance", "Findings", "Finding", "Person", "Vault"}
    for path in (PACKAGE / "export").glob("*.py"):
        names = {name.rsplit(".", 1)[-1] for name in imports(path)}
        assert not names & identified, path.name


def test_functions_and_files_keep_their_measure() -> None:
    long = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                if lines > 45:
                    long.append(f"{path.name}:{node.name} {lines}")
    assert not long
