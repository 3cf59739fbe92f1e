"""The program ``tianyuan``: one front door, a command for each thing the machine does."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Any

import typer

from tianyuan.control.errors import InputError

BAD_INPUT = 2
INTERRUPTED = 130
# Newer typers bring a click of their own, which this finds wherever it is.
UsageError: type[typer.BadParameter] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"
)

COMMANDS = (
    "lap", "drive", "guard", "gnss", "bridge", "rig", "record", "replay", "decode", "report",
    "compare", "raceline", "hil", "campaign", "check", "validate", "warmup", "bench", "demo",
)  # fmt: skip


def _imported(name: str) -> ModuleType:
    # What an import makes lives for good. Looking through it for garbage over and over takes
    # a fifth of a start.
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


class Commands(typer.core.TyperGroup):
    """The commands by name. Each is imported when it is asked for: a start takes no longer."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order in which they are told."""
        return list(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; one that Ctrl-C ends says so."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        if cmd_name not in COMMANDS:
            return None
        found = getattr(_imported(f"tianyuan.commands.{cmd_name}"), cmd_name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(found)
            found = alone
        made = typer.main.get_command(found)
        made.name = cmd_name
        return made


app = typer.Typer(
    name="tianyuan",
    cls=Commands,
    help="The onboard control host of a driverless race car, its rig and its replay.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("tianyuan"))
        raise typer.Exit


@app.callback()
def _front(
    _: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the program; bad input is one line on standard error and exit status 2."""
    try:
        status = app(standalone_mode=False)
    except InputError as error:
        message, status = str(error), BAD_INPUT
    except UsageError as error:
        hint = f"; see {error.ctx.command_path} --help" if error.ctx else ""
        message, status = f"{error.format_message().rstrip('.')}{hint}", BAD_INPUT
    except typer.Abort:
        message, status = "interrupted", INTERRUPTED
    else:
        if status != INTERRUPTED:  # which newer typers make of it themselves
            sys.exit(status)
        message = "interrupted"
    print(f"tianyuan: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
