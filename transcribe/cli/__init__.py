"""The command line: parse and call. Each command says what to run next, in words or with --json."""

import sys

import typer
from typer.exceptions import TyperException

from transcribe import console, core_dumps, passphrase, store
from transcribe.cli import (
    batches,
    checks,
    clusters,
    ending,
    keeping,
    keys,
    measures,
    models,
    releases,
    reviews,
    studies,
    taking,
    voices,
)
from transcribe.errors import TranscribeError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
for part in (studies, taking, batches, reviews, releases, measures, keeping, keys, ending, checks, clusters):
    app.add_typer(part.app)
app.add_typer(models.models, name="models")
app.add_typer(checks.audits, name="audit")
app.add_typer(keeping.recordings, name="recordings")
app.add_typer(measures.evaluate, name="evaluate")
app.add_typer(voices.voices, name="voices")
app.add_typer(keys.keys, name="keys")


def _usage(error: TyperException) -> str:
    """What is wrong with the command line; most messages repeat what was typed, and that may be a file name."""
    if type(error).__name__ in ("NoSuchOption", "MissingParameter"):
        return error.format_message().rstrip(".") + "."
    return f"the command line is not understood ({type(error).__name__}); see --help."


def main() -> None:
    """Run a command; every error is one sentence and an exit status of its own."""
    core_dumps.forbid()
    passphrase.scrub()
    as_json = "--json" in sys.argv
    try:
        status_code = app(standalone_mode=False)
    except TranscribeError as error:
        console.fail(str(error), as_json)
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        console.fail("stopped; what is finished is kept, run it again to go on.", as_json)
        sys.exit(130)
    except TyperException as error:
        console.fail(_usage(error), as_json)
        sys.exit(2)
    except OSError as error:
        trouble = store.disk_error(error)
        if trouble is None:
            sys.excepthook = console.on_crash
            raise
        console.fail(str(trouble), as_json)
        sys.exit(trouble.exit_code)
    except BaseException:
        sys.excepthook = console.on_crash  # set here, since typer sets its own, which would print the message
        raise
    sys.exit(status_code if isinstance(status_code, int) else 0)
