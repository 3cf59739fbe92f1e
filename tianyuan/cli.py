"""The program ``tianyuan``: one front door, a command for each thing the machine does."""

from __future__ import annotations

import sys
from importlib.metadata import version

import typer

from tianyuan.commands import bench, demo, drive, guard, lap, raceline, replay, rig
from tianyuan.control.errors import InputError

BAD_INPUT = 2
# Newer typers bring a click of their own, which this finds wherever it is.
UsageError: type[typer.BadParameter] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"
)

app = typer.Typer(
    name="tianyuan",
    help="The onboard control host of a driverless race car, its rig and its replay.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    lap.lap,
    drive.drive,
    guard.guard,
    rig.rig,
    raceline.raceline,
    replay.replay,
    demo.demo,
):
    app.command()(command)
app.add_typer(bench.bench, name="bench")


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
        message, status = "interrupted", 130
    else:
        sys.exit(status)
    print(f"tianyuan: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
