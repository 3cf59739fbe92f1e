"""Circuits from files: what is published, what is shipped, and what is wrong with the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.firmware.track_file import load_track

OVAL = """
name = "Oval"
start = { x_m = 0.0, y_m = 0.0, heading_deg = 90.0 }
left_m = 4.0
right_m = 5.0
curvature = [
    [0.0, 0.0], [100.0, 0.0], [140.0, 0.02], [257.08, 0.02], [297.08, 0.0],
    [497.08, 0.0], [537.08, 0.02], [654.16, 0.02], [694.16, 0.0], [794.16, 0.0],
]
"""


def toml(folder: Path, text: str) -> Path:
    file = folder / "oval.toml"
    file.write_text(text)
    return file


def test_published_circuits_load_as_published(shared_data: Path) -> None:
    files = sorted((shared_data / "tracks").glob("*.csv"))
    assert len(files) == 13
    for file in files:
        x, y, right, left = np.loadtxt(file, delimiter=",").T
        track = load_track(file)
        polygon = np.sum(np.hypot(np.roll(x, -1) - x, np.roll(y, -1) - y))
        assert track.length_m == pytest.approx(polygon, rel=5e-4)
        assert track.left_m[0] == pytest.approx(left[0], abs=1e-6)
        assert track.right_m[0] == pytest.approx(right[0], abs=1e-6)
        assert (track.x_m[0], track.y_m[0]) == pytest.approx((x[0], y[0]), abs=1e-6)
        near = np.hypot(track.x_m - x[:, None], track.y_m - y[:, None]).min(axis=1)
        assert near.max() < 0.6 * track.spacing_m


def test_zhuzhou_is_3774_m_closes_and_turns_left() -> None:
    track = load_track(names.track_file("zhuzhou"))
    assert track.name == "Zhuzhou International Circuit"
    assert abs(track.length_m - 3774) < 1
    turned = track.heading_rad[-1] - track.heading_rad[0] + track.curvature_1pm[-1] * 2
    assert turned == pytest.approx(2 * np.pi, abs=1e-3)
    assert np.degrees(track.heading_rad[0]) == pytest.approx(-79.73, abs=0.01)
    step = np.hypot(track.x_m[0] - track.x_m[-1], track.y_m[0] - track.y_m[-1])
    assert step == pytest.approx(track.spacing_m, rel=1e-3)
    assert np.allclose(track.left_m, 6)
    # No kink where it was closed: as straight as the published knots on both sides.
    assert np.abs(track.curvature_1pm[np.r_[-50:50]]).max() < 1e-4


def test_every_shipped_circuit_loads() -> None:
    folder = names.track_file("zhuzhou").parent
    for file in sorted(folder.glob("*.toml")):
        assert load_track(file).length_m > 500


def test_a_layout_is_read_with_its_widths_and_heights(tmp_path: Path) -> None:
    text = OVAL.replace("left_m = 4.0\nright_m = 5.0\n", "") + (
        "widths = [[0.0, 4.0, 5.0], [400.0, 6.0, 7.0]]\n"
        "elevation = [[0.0, 0.0], [200.0, 4.0], [400.0, 8.0], [600.0, 4.0]]\n"
        "bank = [[0.0, 0.0], [200.0, -9.0], [400.0, 0.0]]\n"
    )
    track = load_track(toml(tmp_path, text))
    assert track.name == "Oval"
    assert track.length_m == pytest.approx(794.16, abs=0.01)
    assert track.left_m[100] == pytest.approx(5.0, abs=0.02)
    assert track.right_m[200] == pytest.approx(7.0, abs=0.02)
    # Round the lap there is as much up as down, and half way up it climbs.
    assert np.sum(np.tan(track.slope_rad)) * track.spacing_m == pytest.approx(0, abs=0.02)
    assert track.slope_rad[100] > 0.015
    assert track.slope_rad[300] < -0.015
    assert track.bank_rad[50] == pytest.approx(np.radians(-4.5), abs=0.002)
    assert track.bank_rad[300] == pytest.approx(0, abs=1e-3)


def test_a_start_is_optional_and_turns_the_whole_track(tmp_path: Path) -> None:
    turned = load_track(toml(tmp_path, OVAL))
    plain = load_track(toml(tmp_path, OVAL.replace("heading_deg = 90.0", "heading_deg = 0.0")))
    assert np.allclose(turned.x_m, -plain.y_m, atol=1e-6)
    assert np.allclose(turned.y_m, plain.x_m, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("left_m = 4.0", "", "oval.toml: left_m: missing; give left_m and right_m, or widths"),
        ("left_m = 4.0", "left = 4.0", "oval.toml: left: unknown key; use bank, curvature, elev"),
        ("left_m = 4.0", "left_m = '4'", "oval.toml: left_m: '4' is no number; give a number"),
        ("left_m = 4.0", "left_m = true", "oval.toml: left_m: True is no number"),
        ("left_m = 4.0", "left_m = nan", "oval.toml: left_m: nan is not finite"),
        ("left_m = 4.0", "left_m = -4.0", "oval.toml: station 0.0 m: width left_m = -4: negative"),
        (
            "left_m = 4.0",
            "left_m = 4.0\nbank = [[0, 0], [9, 60]]",
            "oval.toml: bank[1]: 60 degrees",
        ),
        ("left_m = 4.0", "left_m = ", "oval.toml: not TOML: Invalid value (at line 4, column 10)"),
        ("left_m = 4.0", "left_m = 4.0\nwidths = [[0, 4, 4], [9, 4, 4]]", "oval.toml: widths: giv"),
        (
            "y_m = 0.0,",
            "",
            "oval.toml: start: {'x_m': 0.0, 'heading_deg': 90.0}; give x_m, y_m, he",
        ),
        ('"Oval"', "7", "oval.toml: name: 7 is no text; put it in quotation marks"),
        ("[0.0, 0.0], ", "", "oval.toml: curvature[0]: station 100; begin at station 0"),
        ("[140.0, 0.02]", "[90.0, 0.02]", "oval.toml: curvature[2]: station 90 does not rise; p"),
        ("[140.0, 0.02]", "[140.0]", "oval.toml: curvature[2]: [140.0]; give 2 numbers"),
        ("[140.0, 0.02]", "[140.0, inf]", "oval.toml: curvature[2]: inf is not finite"),
        ("[140.0, 0.02]", "[140.0, 0.03]", "oval.toml: curvature: open loop: the lap ends"),
        ("curvature = [", "source = [", "oval.toml: curvature: missing or of fewer than two rows"),
        (
            "left_m = 4.0\nright_m = 5.0",
            "widths = [[0, 4, 4], [900, 4, 4]]",
            "oval.toml: widths[1]: station 900 beyond the lap; end by 794.16",
        ),
        (
            "left_m = 4.0\nright_m = 5.0",
            "widths = [[0, 4, 4], [794.16, 5, 4]]",
            "oval.toml: widths[1]: differs from the start of the lap; make them equal",
        ),
    ],
)
def test_mistakes_in_toml_name_file_key_and_remedy(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in OVAL
    with pytest.raises(InputError) as caught:
        load_track(toml(tmp_path, OVAL.replace(old, new, 1)))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def circle_rows() -> list[str]:
    angle = np.arange(60) * 2 * np.pi / 60
    rows = [f"{100 * np.cos(a):.6f},{100 * np.sin(a):.6f},5.0,6.0" for a in angle]
    return ["# x_m,y_m,w_tr_right_m,w_tr_left_m", *rows]


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (5, "1.0,2.0,3.0", "ring.csv: line 6: 3 values, not 4; write x_m,y_m,w_tr_right_m,w_tr_le"),
        (5, "1.0,2.0,3.0,wide", "ring.csv: line 6: '1.0,2.0,3.0,wide': not four numbers"),
        (0, "x_m,y_m,w_tr_right_m,w_tr_left_m", "ring.csv: line 1: 'x_m,y_m,w_tr_right_m,w_tr_lef"),
        (5, "nan,2.0,5.0,6.0", "ring.csv: line 6: x_m = nan: not a finite number; correct or del"),
        (5, "100.0,2.0,-5.0,6.0", "ring.csv: line 6: width right_m = -5: negative; give metres"),
        (2, "100.0,0.0,5.0,6.0", "ring.csv: line 3: repeats line 2 at (100.000, 0.000); delete"),
    ],
)
def test_mistakes_in_csv_name_file_line_and_remedy(
    tmp_path: Path, line: int, text: str, message: str
) -> None:
    rows = circle_rows()
    rows[line] = text
    file = tmp_path / "ring.csv"
    file.write_text("\n".join(rows))
    with pytest.raises(InputError) as caught:
        load_track(file)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_loops_that_are_open_short_or_tangled_are_refused(tmp_path: Path) -> None:
    rows = circle_rows()
    cases = {
        "open loop: ": rows[:40],
        "5 points: fewer than 8": rows[:6],
        "no points; give rows of x_m,y_m": rows[:1],
        "crosses itself: the step after line": rows[:10] + rows[20:9:-1] + rows[21:],
    }
    file = tmp_path / "ring.csv"
    for message, text in cases.items():
        file.write_text("\n".join(text))
        with pytest.raises(InputError, match=message):
            load_track(file)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml: no such track file; check its name"):
        load_track(tmp_path / "gone.toml")
    with pytest.raises(InputError, match=r"ends in \.toml or \.csv"):
        load_track(tmp_path / "track.json")
    binary = tmp_path / "track.csv"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="cannot be read as text"):
        load_track(binary)
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(InputError, match="cannot be read as text"):
        load_track(folder)
