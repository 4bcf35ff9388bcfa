"""`backstay doctor`: what the database lacks to answer the API fast, with the migration that mends it."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer
from rich.markup import escape

from backstay.cli.identity import running
from backstay.cli.project import load_app
from backstay.cli.terminal import OUT, problems
from backstay.errors import BackstayError
from backstay.models.access.finding import Diagnosis, Finding, Fix, Level

MESSAGE = "what doctor found"
_STYLES = {Level.WARNING: "[bold yellow]warning[/]", Level.INFO: "[dim]info[/]"}
_NOT_DONE = 2


def doctor(
    context: typer.Context,
    write_migration: Annotated[
        bool,
        typer.Option(
            "--write-migration", help="Write one migration that mends the warnings, and apply nothing."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look at the database beside the models and their rules; name what is slow or idle, with what mends it.

    Warnings: foreign keys, rules and relations without an index, which read whole tables; duplicate and half made
    indexes; tables without rules; tables that PostgreSQL never analyzed. Information: columns of large tables that
    callers can filter by and no index helps with; indexes that another one contains, or that nobody uses. Each comes
    with the statement of a migration that runs on both engines and keeps no writer waiting, and with the line to change
    in the models. Exits with 1 when there is a warning, with 2 when it could not look.

    Examples:

        backstay doctor

        backstay doctor --json

        backstay doctor --write-migration
    """
    app = load_app(context.obj)
    written: str | None = None

    async def work() -> Diagnosis:
        nonlocal written
        status = await app.migrations.status()
        found = await app.doctor.examine(step.title for step in status.pending)
        fixes = [finding.fix for finding in found.warnings if finding.fix is not None]
        # What is pending may mend it, and a file after those would be made blindly.
        if write_migration and fixes and not status.pending:
            written = str(await app.migrations.write(MESSAGE, *_statements(fixes)))
        return found

    try:
        diagnosis = running(app, work, reads=True)
    except BackstayError as error:
        problems([f"{error.message} ({error.code})"])
        raise typer.Exit(_NOT_DONE) from error
    if json:
        typer.echo(_as_json(diagnosis, written))
    else:
        _show(diagnosis)
        if write_migration:
            OUT.print(_told(written), markup=False)
    raise typer.Exit(1 if diagnosis.warnings else 0)


def _statements(fixes: list[Fix]) -> tuple[list[str], list[str]]:
    """Of all fixes, each once; undone in the other direction."""
    up = dict.fromkeys(line for fix in fixes for line in fix.upgrade)
    down = dict.fromkeys(line for fix in reversed(fixes) for line in fix.downgrade)
    return list(up), list(down)


def _told(written: str | None) -> str:
    if written is None:
        return "no migration was written: there is none to write, or others are pending"
    return f"wrote {written}; change the models as said above before `backstay migrate up`"


def _show(diagnosis: Diagnosis) -> None:
    for finding in diagnosis.findings:
        OUT.print(f"{_STYLES[finding.level]} {finding.code} [bold]{escape(_place(finding))}[/]")
        OUT.print(f"  {finding.problem}", markup=False)
        if finding.fix is not None:
            for line in finding.fix.upgrade:
                OUT.print(f"  migration: {line}", markup=False)
        OUT.print(f"  do: {finding.advice}\n", markup=False)
    for note in diagnosis.notes:
        OUT.print(f"[dim]note: {escape(note)}[/]")
    count, rest = len(diagnosis.warnings), len(diagnosis.findings) - len(diagnosis.warnings)
    if count:
        OUT.print(f"[bold yellow]{_counted(count, 'warning')}[/], {rest} for information")
    else:
        OUT.print(f"[bold green]ok:[/] no warnings, {rest} for information")


def _place(finding: Finding) -> str:
    return f"{finding.table}({', '.join(finding.columns)})" if finding.columns else finding.table


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _as_json(diagnosis: Diagnosis, written: str | None) -> str:
    content: dict[str, Any] = {
        "findings": [_finding_json(finding) for finding in diagnosis.findings],
        "notes": list(diagnosis.notes),
        "migration": written,
    }
    return json_module.dumps(content, indent=2, ensure_ascii=False)


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "table": finding.table or None,
        "columns": list(finding.columns),
        "problem": finding.problem,
        "advice": finding.advice,
        "upgrade": list(finding.fix.upgrade) if finding.fix is not None else [],
        "downgrade": list(finding.fix.downgrade) if finding.fix is not None else [],
    }
