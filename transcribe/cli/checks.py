"""Commands that ask whether everything is as it was: the audit, and the doctor."""

import typer

from transcribe import audit, console
from transcribe.cli.common import AsJson, PassphraseFile, StudyPath, unlock
from transcribe.errors import StoreError

app = typer.Typer()
audits = typer.Typer(no_args_is_help=True, help="Who did what and when.")


@audits.callback()
def _audits() -> None:
    """Who did what and when."""


@audits.command("verify")
def verify_command(root: StudyPath, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Whether the audit is as it was written: its lines against each other and against the seal in the vault."""
    unlocked = unlock(root, passphrase_file)
    chain = audit.check(unlocked.study.audit_path, unlocked.found_seal)
    data = {
        "lines": chain.lines,
        "whole": chain.whole,
        "broken": list(chain.broken),
        "torn": list(chain.torn),
        "cut": chain.cut,
        "rewritten": chain.rewritten,
        "sealed": {"lines": chain.sealed.lines, "at": chain.sealed.at or None},
        "unsealed": {"lines": chain.unsealed, "since": chain.since or None},
    }
    if chain.whole:
        conclusion = f"The audit holds: {chain.lines} lines, none changed. What came after the seal is sealed now."
    else:
        conclusion = f"The audit was changed. The old seal is kept. Next: transcribe doctor {root}"
    console.say(as_json, data, *audit.told(chain), conclusion)
    if not chain.whole:
        raise typer.Exit(StoreError.exit_code)
