"""The direction of imports is enforced: each wrong import turns its contract red."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[2] / "pyproject.toml"
LINTER = Path(sys.executable).with_name("lint-imports")


def broken_contracts(site: Path) -> list[str]:
    command = [LINTER, "--no-cache", "--config", CONFIGURATION]
    done = subprocess.run(
        command,
        cwd=site,
        env={**os.environ, "COLUMNS": "300"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert bool(broken) == (done.returncode != 0), done.stdout + done.stderr
    return broken


def test_the_sources_keep_every_contract(installed: Path) -> None:
    assert broken_contracts(installed) == []


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("control/extra", "import tianyuan.dbc.frame", "Imports point downwards"),
        ("dbc/extra", "from tianyuan.drivers import extra", "Imports point downwards"),
        ("drivers/extra", "def late():\n    import tianyuan.firmware", "Imports point downwards"),
        ("firmware/extra", "from tianyuan import hil", "Imports point downwards"),
        ("hil/plant/extra", "import tianyuan.cli", "Imports point downwards"),
        ("extra", "import os", "Imports point downwards"),
        ("__init__", "from tianyuan.control import records", "The package itself"),
        ("control/planning/extra", "import pathlib", "The driver does no input"),
        ("control/extra", "from tianyuan import room", "The driver does no input"),
        ("dbc/extra", "import can", "The wire opens no port"),
        ("drivers/extra", "import cantools.database", "The ports know frames"),
        ("firmware/extra", "import plotly.graph_objects", "Nothing on board draws"),
    ],
)
def test_a_wrong_import_breaks_its_contract(
    installed: Path, module: str, statement: str, contract: str
) -> None:
    (installed / "tianyuan" / "cli.py").touch()
    with (installed / "tianyuan" / f"{module}.py").open("a") as file:
        file.write(f"\n{statement}\n")

    assert any(line.startswith(contract) for line in broken_contracts(installed))
