"""The front door: what it says in place of a traceback, before anything is read or driven."""

from __future__ import annotations

import sys

import pytest
import typer

from tianyuan import cli
from tianyuan.commands import validate

TOO_LARGE = str(2**63)
UNWRITABLE = [
    ("lap", "--json"), ("lap", "--report"), ("lap", "--picture"), ("drive", "--json"),
    ("guard", "--json"), ("rig", "--json"), ("rig", "--report"), ("validate", "--markdown"),
    ("validate", "--report"), ("raceline", "--output"), ("warmup", "--json"),
    ("bench loop", "--json"), ("hil all", "--junit"), ("hil all", "--report"),
    ("hil all", "--json"), ("check", "--json"),
]  # fmt: skip


def said(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    """Exit status and standard error of the program."""
    monkeypatch.setattr(sys, "argv", ["tianyuan", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(("command", "option"), UNWRITABLE)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    monkeypatch, capsys, tmp_path, command, option
):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    for file in (tmp_path / "none" / "x", tmp_path, blocked / "x"):
        status, told = said(monkeypatch, capsys, *command.split(), option, str(file))
        assert (status, told.count("\n")) == (2, 1)
        assert told.startswith(f"tianyuan: {option} {file}: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("lap", "--seed", TOO_LARGE), ("rig", "--seed", TOO_LARGE),
        ("hil", "all", "--seed", TOO_LARGE),
        ("drive", "--log-part-mb", "inf"), ("drive", "--log-total-mb", "inf"),
        ("drive", "--log-part-s", "inf"), ("drive", "--seconds", "nan"), ("lap", "--laps", "0"),
    ],
)  # fmt: skip
def test_a_number_beyond_all_sense_is_one_line(monkeypatch, capsys, arguments):
    status, told = said(monkeypatch, capsys, *arguments)
    assert (status, told.count("\n")) == (2, 1)
    assert arguments[-2] in told


def test_an_interrupt_ends_a_command_in_one_line(monkeypatch, capsys):
    def interrupted() -> None:
        raise KeyboardInterrupt

    alone = typer.Typer()
    alone.command()(interrupted)
    monkeypatch.setattr(validate, "validate", alone)
    assert said(monkeypatch, capsys, "validate") == (130, "tianyuan: interrupted\n")
