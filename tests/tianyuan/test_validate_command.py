"""``tianyuan validate``: what it writes, and what it says of bad input."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tianyuan.cli import app
from tianyuan.commands import validate
from tianyuan.control.errors import InputError
from tianyuan.hil.validation import comparison, theory
from tianyuan.rooms import room

RUNNER = CliRunner()


def row(found: float) -> theory.Check:
    return theory.Check("A turn", "yaw rate", "1/s", found, 1.0, 0.01, False, "a book", "No slip.")


@pytest.fixture
def quick(monkeypatch):
    """One row of theory, one manoeuvre of the peer's."""
    monkeypatch.setattr(validate, "checks", lambda _: iter([row(1.001)]))
    one = comparison.compare
    monkeypatch.setattr(comparison, "compare", lambda: one(["coasting"]))


def test_it_writes_its_tables_as_json_markdown_and_a_page_without_addresses(quick, tmp_path):
    files = {name: tmp_path / name for name in ("v.json", "v.md", "v.html")}
    done = RUNNER.invoke(
        app,
        ["validate", "--json", str(files["v.json"]), "--markdown", str(files["v.md"]),
         "--report", str(files["v.html"])],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "every difference is inside its bound" in done.output
    told = json.loads(files["v.json"].read_text())
    assert told["holds"] is True
    assert told["theory"][0]["figure"] == "yaw rate"
    assert {each["peer"] for each in told["peer"][0]["beside"]} == {"MB", "STD"}
    line = "| A turn | yaw rate, 1/s | 1.001 | 1.000 | +0.10 % | 1 % | 1 |"
    assert line in files["v.md"].read_text()
    page = files["v.html"].read_text()
    assert "Coasting" in page
    assert "src=" not in page.split('id="library"')[0]


def test_a_plant_is_chosen_by_the_path_of_its_file(quick, monkeypatch, tmp_path):
    shipped = room("hil") / "vehicles" / "indy.toml"
    mine = tmp_path / "mine.plant.toml"
    mine.write_text(shipped.read_text().replace('name = "', 'name = "my ', 1))
    done = RUNNER.invoke(app, ["validate", "--vehicle", str(mine), "--json", "-"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["vehicle"].startswith("my ")


def test_a_broken_bound_is_marked_and_ends_with_status_one(quick, monkeypatch):
    monkeypatch.setattr(validate, "checks", lambda _: iter([row(1.02)]))
    done = RUNNER.invoke(app, ["validate"])
    assert done.exit_code == validate.BROKEN
    assert "+2.00 % !" in done.output


def test_a_figure_that_is_no_number_is_on_the_page_as_well(quick, monkeypatch, tmp_path):
    monkeypatch.setattr(validate, "checks", lambda _: iter([row(float("nan"))]))
    page = tmp_path / "v.html"
    done = RUNNER.invoke(app, ["validate", "--report", str(page)])
    assert done.exit_code == validate.BROKEN
    figures = page.read_text().split('id="figures">')[1].split("</script>")[0]
    assert json.loads(figures)["too_large"] == 1


def test_a_page_that_cannot_be_written_is_one_line(quick, tmp_path):
    done = RUNNER.invoke(app, ["validate", "--report", str(tmp_path / "no" / "v.html")])
    assert isinstance(done.exception, InputError)
    assert "--report" in str(done.exception)
    assert "No such file or directory" in str(done.exception)


def test_without_the_peers_package_theory_is_told_and_the_remedy(quick, monkeypatch):
    monkeypatch.setattr(validate, "peer", lambda: None)
    done = RUNNER.invoke(app, ["validate"])
    assert done.exit_code == 0
    assert validate.HINT in " ".join(done.output.split())


def test_a_vehicle_that_is_not_there_is_refused():
    done = RUNNER.invoke(app, ["validate", "--vehicle", "hovercraft"])
    assert isinstance(done.exception, InputError)
