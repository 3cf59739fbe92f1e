"""The report: one page, nothing from the network, every lap count, every name taken literally."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from tianyuan.control.errors import InputError
from tianyuan.control.records import PATH, Cause, Mode
from tianyuan.hil.analysis.compare import compare
from tianyuan.hil.analysis.corners import find_corners
from tianyuan.hil.analysis.events import Event
from tianyuan.hil.analysis.line import Line
from tianyuan.hil.analysis.loops import Span
from tianyuan.hil.analysis.trace import Trace
from tianyuan.hil.laps import laps, spans
from tianyuan.hil.report import (
    Evidence,
    Run,
    Stage,
    Timing,
    Traffic,
    geometry,
    lap_picture,
    wording,
    write_report,
)
from tianyuan.hil.report.columns import lap_values
from tianyuan.hil.report.comparison import write_comparison
from tianyuan.hil.report.data import spells
from tianyuan.hil.report.palette import ON_DARK, ON_LIGHT, speed_colours
from tianyuan.hil.report.parts import time_line
from tianyuan.hil.telemetry import TELEMETRY


def circuit(points: int = 1200) -> np.ndarray:
    """A smooth closed curve driven anticlockwise, with its speed profile."""
    theta = np.linspace(0, 2 * np.pi, 20 * points, endpoint=False)
    r = 150.0 + 42.0 * np.cos(2 * theta + 0.4) + 22.0 * np.cos(3 * theta) + 8.0 * np.cos(5 * theta)
    x, y = 1.6 * r * np.cos(theta), r * np.sin(theta)
    s = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    length = s[-1] + np.hypot(x[0] - x[-1], y[0] - y[-1])
    path = np.zeros(points, PATH)
    path["s_m"] = np.arange(points) * length / points
    path["x_m"], path["y_m"] = np.interp(path["s_m"], s, x), np.interp(path["s_m"], s, y)
    return finish(path)


def finish(path: np.ndarray) -> np.ndarray:
    """Fill in what follows from x and y: heading, curvature, speed profile and edges."""
    step = path["s_m"][1]
    ahead = np.roll(path["x_m"], -1) - path["x_m"], np.roll(path["y_m"], -1) - path["y_m"]
    heading = np.unwrap(np.arctan2(ahead[1], ahead[0]))
    path["heading_rad"] = heading
    turn = np.angle(np.exp(1j * (heading - np.roll(heading, 1)))) / step
    path["curvature_1pm"] = np.convolve(np.tile(turn, 3), np.ones(9) / 9, "same")[
        len(path) : 2 * len(path)
    ]
    speed = np.minimum(np.sqrt(11.0 / np.maximum(np.abs(path["curvature_1pm"]), 1e-4)), 62.0)
    for _ in range(2):
        for i in range(len(path)):
            speed[i] = min(speed[i], np.sqrt(speed[i - 1] ** 2 + 2 * 5.0 * step))
        for i in range(len(path) - 1, -1, -1):
            speed[i] = min(speed[i], np.sqrt(speed[(i + 1) % len(path)] ** 2 + 2 * 9.0 * step))
    path["speed_mps"] = speed
    path["left_m"], path["right_m"] = 6.0, 6.0
    return path


def drive(path: np.ndarray, completed: int, rate_hz: float = 100.0, part: float = 0.4):
    """Telemetry of ``completed`` laps and a ``part`` of one more, from standstill."""
    length = path["s_m"][-1] + path["s_m"][1]
    fine = np.arange(0.0, (completed + part) * length, 0.05)
    profile = np.interp(fine % length, path["s_m"], path["speed_mps"], period=length)
    target = profile.copy()
    profile = np.minimum(profile, np.sqrt(2 * 5.0 * fine + 0.01))
    profile *= 1.0 - 0.01 * np.sin(fine / 900.0)
    at_s = 3.0 + np.cumsum(0.05 / profile)
    t_s = np.arange(0.0, at_s[-1], 1.0 / rate_hz)
    covered = np.interp(t_s, at_s, fine)
    rows = np.zeros(len(t_s), TELEMETRY)
    s = covered % length
    rows["t_s"], rows["station_m"] = t_s, s
    rows["lap"] = np.where(t_s < 3.0, 0, 1 + covered // length)
    rows["speed_mps"] = np.where(t_s < 3.0, 0.0, np.interp(covered, fine, profile))
    rows["target_mps"] = np.interp(covered, fine, target)
    _fill(rows, path, s, length)
    rows["mode"] = np.where(t_s < 3.0, Mode.READY, Mode.DRIVING)
    rows["cause"] = np.where(t_s < 1.0, Cause.WAITING_FOR_SENSORS, Cause.NONE)
    if completed + part > 1:
        rows["mode"][-200:] = Mode.CONTROLLED_STOP
        rows["cause"][-200:] = Cause.CHEQUERED_FLAG
    return rows


def _fill(rows: np.ndarray, path: np.ndarray, s: np.ndarray, length: float) -> None:
    rng = np.random.default_rng(1)
    heading = np.interp(s, path["s_m"], path["heading_rad"])
    curvature = np.interp(s, path["s_m"], path["curvature_1pm"], period=length)
    t_s = rows["t_s"]
    error = 0.12 * np.sin(
        2 * np.pi * round(length / 150.0) * s / length + 0.01 * t_s
    ) + 9.0 * np.roll(curvature, 40)
    rows["x_m"] = np.interp(s, path["s_m"], path["x_m"], period=length) - error * np.sin(heading)
    rows["y_m"] = np.interp(s, path["s_m"], path["y_m"], period=length) + error * np.cos(heading)
    rows["cross_track_m"] = error
    rows["heading_error_rad"] = np.gradient(error, t_s) / np.maximum(rows["speed_mps"], 5.0)
    rows["heading_rad"] = heading + rows["heading_error_rad"]
    rows["edge_margin_m"] = 6.0 - 0.9 - np.abs(error)
    rows["position_error_m"] = np.abs(0.04 * np.sin(t_s) + rng.normal(0, 0.01, len(s)))
    rows["ax_mps2"] = np.gradient(rows["speed_mps"], t_s) + rng.normal(0, 0.2, len(s))
    rows["ay_mps2"] = rows["speed_mps"] ** 2 * curvature + rng.normal(0, 0.2, len(s))
    rows["steer_command_rad"] = 2.6 * curvature
    rows["steer_rad"] = np.roll(rows["steer_command_rad"], 6)
    rows["throttle_command"] = np.clip(rows["ax_mps2"] / 6.0 + 0.2, 0, 1)
    rows["throttle"] = np.roll(rows["throttle_command"], 4)
    rows["brake_command_bar"] = np.clip(-rows["ax_mps2"] * 8.0 - 8.0, 0, 100)
    rows["brake_bar"] = np.roll(rows["brake_command_bar"], 5)
    rows["gear"] = np.clip(1 + rows["speed_mps"] // 11.0, 1, 6)
    rows["engine_speed_radps"] = 250.0 + 60.0 * (rows["speed_mps"] % 11.0)


def timing() -> Timing:
    """Histograms as a real-time run has them."""
    rng = np.random.default_rng(2)
    edges = np.logspace(0, 4, 81)
    stages = {}
    for name, typical in (("Wake-up latency", 18.0), ("Tick", 9.0), ("Cycle", 60.0)):
        took = typical * rng.lognormal(0, 0.35, 60000)
        counts, _ = np.histogram(took, edges)
        stages[name] = Stage(edges, counts, *np.percentile(took, [50, 99, 99.9]), took.max())
    overruns = {"Wake-up": 0, "Tick": 2, "Send": 0}
    return Timing(stages, overruns, {"SCHED_FIFO 80": "granted", "mlockall": "refused"})


def a_run(completed: int = 2, **changes) -> Run:
    path = changes.pop("path", None)
    path = circuit() if path is None else path
    telemetry = changes.pop("telemetry", None)
    telemetry = drive(path, completed) if telemetry is None else telemetry
    given = {
        "title": "Two laps",
        "track": "Bean",
        "car": "tianyuan",
        "controller": "Stanley",
        "date": "2025-01-02 03:04",
        "machine": "a machine",
        "stop_cause": "CHEQUERED_FLAG",
        "laps": laps(telemetry),
        "real_time_factor": 41.5,
    }
    return Run(telemetry=telemetry, path=path, **(given | changes))


VOID = {"meta", "col", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """A strict reader: every element must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.ids = [], [], [], []
        self.words: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("id", "")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            tag, name = self.open[-1]
            key = name or tag
            self.words[key] = self.words.get(key, "") + data


def written(tmp_path, run: Run) -> tuple[str, Page]:
    file = tmp_path / "run.html"
    write_report(file, run)
    text = file.read_text(encoding="utf-8")
    return text, Page(text)


def refuse(constant: str):
    raise AssertionError(f"{constant} is no JSON")


def figures(page: Page) -> dict:
    return json.loads(page.words["figures"], parse_constant=refuse)


def payload(page: Page) -> dict:
    packed = gzip.decompress(base64.b64decode(page.words["payload"]))
    return json.loads(packed, parse_constant=refuse)


SECTIONS = (
    "line",
    "laps",
    "grip",
    "corners",
    "speed",
    "errors",
    "actuators",
    "estimate",
    "timing",
    "modes",
)


@pytest.mark.parametrize("completed", [0, 1, 10])
@pytest.mark.parametrize("timed", [False, True])
def test_any_number_of_laps_makes_a_whole_page(tmp_path, completed, timed):
    run = a_run(completed, timing=timing() if timed else None)
    text, page = written(tmp_path, run)
    assert set(SECTIONS) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("tr") >= completed
    assert ('<section id="timing" hidden>' in text) is not timed
    assert [lap["number"] for lap in figures(page)["laps"]] == list(range(1, completed + 1))
    assert len(payload(page)["laps"]) == completed + 1  # the last one was not completed
    assert len(payload(page)["stages"]) == (3 if timed else 0)
    assert len(text) < 5_000_000


def test_corners_of_the_page_are_those_of_the_line(tmp_path):
    path = circuit()
    _, page = written(tmp_path, a_run(3, path=path))
    found = find_corners(path)
    assert len(found) >= 3
    assert [each["apex_m"] for each in figures(page)["corners"]] == [c.apex_m for c in found]
    for lap in payload(page)["laps"][1:3]:
        speed_kmh = np.array(lap["columns"]["speed"]) / 10
        for (time_s, *_, slowest), corner in zip(lap["passages"], found, strict=True):
            assert time_s * speed_kmh.max() / 3.6 > corner.end_m - corner.begin_m
            assert speed_kmh.min() - 0.1 <= slowest <= speed_kmh.max()


def evidence(name: str = "GNSS_POSITION") -> Evidence:
    traffic = [
        Traffic("car", name, False, 12_345, 10.0, 31.5),
        Traffic(name, "x", True, 1, None, 0),
    ]
    events = [Event(1.5, name, True), Event(2.5, "flag green", False)]
    return Evidence(traffic, events, [f"3.0 s: {name}"], [name])


def test_a_log_has_its_events_messages_and_gaps(tmp_path):
    text, page = written(tmp_path, a_run(2, evidence=evidence()))
    assert {"events", "log", "messages"} <= set(page.ids)
    read = figures(page)
    assert [event["what"] for event in read["events"]] == ["GNSS_POSITION", "flag green"]
    assert read["messages"][0]["frames"] == 12_345
    assert read["gaps"] == ["3.0 s: GNSS_POSITION"]
    assert "12,345" in text
    assert "the host's own estimate" in text
    assert "the plant's truth" not in text


def test_a_flickering_fault_does_not_drown_the_page(tmp_path):
    many = [Event(k * 1e-3, "brake reports a fault", True) for k in range(20_000)]
    text, _ = written(tmp_path, a_run(1, evidence=Evidence([], many, ["gap"] * 9000)))
    assert "and 19,700 more" in text
    assert "and 8,950 more" in text


def test_a_fault_is_seen_among_any_number_of_missed_deadlines(tmp_path):
    late = [Event(k * 1.5, "deadlines missed: 1", True, 1) for k in range(1000)]
    told = [*late, Event(2000.0, "brake reports a fault", True)]

    text, _ = written(tmp_path, a_run(1, evidence=Evidence([], told, [], [])))

    assert "<td>2000.00</td><td>brake reports a fault</td>" in text


def compared(path: np.ndarray, name: str):
    """Lap 2 beside lap 1 of the same drive."""
    rows = drive(path, 2)
    columns = ("t_s", "x_m", "y_m", "speed_mps", "steer_rad", "throttle", "brake_bar")
    trace = Trace(name, *(rows[column].astype(float) for column in columns))
    one, two = (Span(*each[:3]) for each in spans(rows))
    return compare(Line(path.view(np.recarray), True), (trace, one), (trace, two))


@pytest.mark.parametrize("name", ["human.blf", "<script>alert(1)</script>", "${title}"])
def test_a_comparison_is_one_whole_page(tmp_path, name):
    found = compared(circuit(), name)
    write_comparison(tmp_path / "page.html", found)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.words["h1"] == f"{name}, lap 1 and {name}, lap 2"
    assert page.tags.count("script") == 4
    assert [a for a in page.attributes if a[1] in {"src", "href"}] == []
    drawn = payload(page)
    late = [np.array(lap["columns"]["time"], float)[-2] / 1000 for lap in drawn["laps"]]
    assert late[1] - late[0] == pytest.approx(found.total_s, abs=3e-3)
    read = figures(page)
    assert read["delta_s"] == found.total_s
    assert sum(c["delta_s"] for c in read["corners"]) == pytest.approx(found.total_s)
    assert {"speed", "steer", "throttle", "brake", "cross_track"} <= set(
        drawn["laps"][0]["columns"]
    )


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    text, page = written(tmp_path, a_run())
    loading = {"src", "href", "srcset", "data", "action", "poster", "background"}
    assert [a for a in page.attributes if a[1] in loading] == []
    policy = next(v for _, name, v in page.attributes if name == "content" and "src" in v)
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "*" not in policy
    packed = page.words["library"] + page.words["payload"]
    own = text.replace(packed[: len(page.words["library"])], "")
    assert (
        re.findall(r"https?:|//[a-z]+\.|@import|url\(", own.replace(page.words["payload"], ""))
        == []
    )


def test_the_library_travels_along_whole_and_with_its_licence(tmp_path):
    _, page = written(tmp_path, a_run())
    library = gzip.decompress(base64.b64decode(page.words["library"])).decode()
    assert library == get_plotlyjs()
    assert "MIT" in library[:400]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "</script><b>",
        "<!--<script>",
        "\"&amp;'",
        "${title}",
        "$style",
        "\\u003c",
    ],
)
def test_names_are_taken_literally(tmp_path, name):
    fields = ("title", "track", "car", "controller", "date", "machine", "stop_cause")
    stages = {name: timing().stages["Tick"]}
    hostile = Timing(stages, {name: 1}, {name: name})
    run = a_run(
        1,
        **dict.fromkeys(fields, name),
        timing=hostile,
        figures={name: name},
        evidence=evidence(name),
    )
    _, page = written(tmp_path, run)
    _, clean = written(tmp_path, a_run(1, timing=hostile))
    assert page.tags.count("script") == clean.tags.count("script") == 4
    assert "b" not in page.tags[: page.tags.index("section")]
    assert page.words["h1"] == page.words["title"] == name
    assert figures(page)["track"] == name
    assert list(payload(page)["stages"]) == [name]


def test_what_is_not_finite_never_reaches_the_page(tmp_path):
    path = circuit()
    telemetry = drive(path, 2)
    for field in ("position_error_m", "cross_track_m", "edge_margin_m", "ax_mps2"):
        telemetry[field][500:700] = np.nan
    telemetry["brake_bar"][800] = np.inf
    telemetry["position_error_m"][:] = np.nan
    run = a_run(path=path, telemetry=telemetry, real_time_factor=np.inf, figures={"x": np.nan})
    text, page = written(tmp_path, run)
    assert payload(page)["laps"]
    assert figures(page)["real_time_factor"] is None
    shown = text[: text.index('<script type="text/plain"')]
    assert re.findall(r"\b(?:nan|NaN|inf|Infinity)\b", shown) == []


def test_a_plant_that_ends_in_nan_still_makes_a_page(tmp_path):
    path = circuit()
    telemetry = drive(path, 2)
    for field in telemetry.dtype.names[2:]:
        if telemetry.dtype[field].kind == "f":
            telemetry[field][-300:] = np.nan
    _, page = written(tmp_path, a_run(path=path, telemetry=telemetry))
    assert [lap["number"] for lap in payload(page)["laps"]] == [1, 2, 3]
    assert any(payload(page)["laps"][2]["columns"]["speed"])  # up to where it ended
    lap_picture(tmp_path / "lap.svg", a_run(path=path, telemetry=telemetry))


def test_coarse_rows_make_a_page_and_no_lap_shows_rows_of_the_next(tmp_path):
    path = circuit()
    telemetry = drive(path, 2, rate_hz=10.0)
    telemetry["cross_track_m"] = np.where(telemetry["lap"] == 2, 5.0, 0.1)
    _, page = written(tmp_path, a_run(path=path, telemetry=telemetry))
    first = payload(page)["laps"][0]["columns"]["cross_track"]
    assert max(v for v in first[:-4] if v is not None) == 100


def test_a_run_without_rows_still_makes_a_page(tmp_path):
    run = a_run(telemetry=np.zeros(0, TELEMETRY), laps=[])
    _, page = written(tmp_path, run)
    assert payload(page)["laps"] == []
    assert figures(page)["max_cross_track_m"] is None


def test_the_figures_are_those_of_the_laps(tmp_path):
    run = a_run(3)
    _, page = written(tmp_path, run)
    read = figures(page)
    flying = [lap.time_s for lap in run.laps[1:]]
    assert read["best_lap_s"] == min(flying)
    assert read["laps_completed"] == 3
    driven = run.telemetry[run.telemetry["lap"] >= 1]
    assert read["max_cross_track_m"] == np.abs(driven["cross_track_m"]).max()
    assert [lap["best"] for lap in payload(page)["laps"]].count(True) == 1


def test_thinning_keeps_every_peak_and_every_lap_time(tmp_path):
    path = circuit()
    telemetry = drive(path, 3)
    spike = np.flatnonzero(telemetry["lap"] == 2)[777]
    telemetry["cross_track_m"][spike] = -3.21  # one row alone
    telemetry["edge_margin_m"][spike] = 0.07
    run = a_run(path=path, telemetry=telemetry)
    _, page = written(tmp_path, run)
    for lap, drawn in zip(run.laps, payload(page)["laps"], strict=False):
        errors = [abs(v) for v in drawn["columns"]["cross_track"] if v is not None]
        assert max(errors) / 1000 > lap.max_cross_track_m - 6e-4
        assert max(errors) / 1000 < lap.max_cross_track_m + 2e-3  # the line, between two rows
        margins = [v for v in drawn["columns"]["edge_margin"] if v is not None]
        assert min(margins) / 100 == pytest.approx(lap.min_edge_margin_m, abs=6e-3)
        if lap.number > 1:
            assert drawn["columns"]["time"][0] == 0
            assert drawn["columns"]["time"][-1] / 1000 == pytest.approx(lap.time_s, abs=2e-3)


def test_a_column_says_at_each_station_what_the_telemetry_says(tmp_path):
    path = circuit()
    telemetry = drive(path, 2)
    telemetry["gear"] = np.where(telemetry["t_s"] % 2.0 < 1.0, 2, 5)
    run = a_run(path=path, telemetry=telemetry)
    _, page = written(tmp_path, run)
    read = payload(page)
    rows = run.telemetry[run.telemetry["lap"] == 2]
    stations = np.linspace(0, read["length_m"], read["points"])[5:-5]
    wanted = np.interp(stations, rows["station_m"], rows["speed_mps"]) * 3.6
    assert np.array(read["laps"][1]["columns"]["speed"])[5:-5] / 10 == pytest.approx(
        wanted, abs=0.06
    )
    assert set(read["laps"][1]["columns"]["gear"]) == {2, 5}  # never between two gears


def test_a_car_that_starts_behind_the_line_is_drawn_from_the_line(tmp_path):
    path = circuit()
    telemetry = drive(path, 2)
    length = path["s_m"][-1] + path["s_m"][1]
    telemetry["station_m"] = (telemetry["station_m"] - 8.0) % length
    telemetry = telemetry[telemetry["t_s"] < telemetry["t_s"][-1] - 5]
    first = telemetry["lap"] == 1
    telemetry["lap"][first & (telemetry["station_m"] > length / 2)] = 1
    values = lap_values(telemetry, path, 1)
    assert np.nanmin(values["speed"][:3]) > 5.0  # moving when it comes to the line
    assert values["speed"][100] > values["speed"][1]


def test_edges_lie_left_and_right_of_the_line():
    """Driving east, the left edge is north.

    left  ------------
    line  ->->->->->->
    right ------------
    """
    path = np.zeros(4, PATH)
    path["x_m"] = path["s_m"] = np.arange(4.0)
    path["left_m"], path["right_m"] = 5.0, 3.0
    left, right = geometry.edges(path)
    assert left[:4].tolist() == [[0, 5], [1, 5], [2, 5], [3, 5]]
    assert right[:4].tolist() == [[0, -3], [1, -3], [2, -3], [3, -3]]
    assert left[4].tolist() == left[0].tolist()


def test_turning_the_plan_keeps_its_size_and_lays_it_flat():
    path = circuit()
    turn = geometry.landscape_rad(path)
    x, y = geometry.rotate(path["x_m"], path["y_m"], turn)
    assert np.hypot(np.diff(x), np.diff(y)) == pytest.approx(
        np.hypot(np.diff(path["x_m"]), np.diff(path["y_m"]))
    )
    assert np.ptp(x) > np.ptp(y)


def test_apexes_do_not_depend_on_where_the_lap_begins():
    speed = circuit()["speed_mps"]
    found = geometry.apexes(speed)
    assert len(found) >= 3
    for shift in (1, 137, 600):
        moved = geometry.apexes(np.roll(speed, shift))
        assert sorted((moved - shift) % len(speed)) == pytest.approx(found, abs=2)


def test_the_time_line_covers_the_run_without_gaps():
    rows = drive(circuit(), 2)
    found = spells(rows)
    assert found[0][0] == rows["t_s"][0]
    assert found[-1][1] == rows["t_s"][-1]
    assert [a[1] for a in found[:-1]] == [b[0] for b in found[1:]]
    assert [(m, c) for *_, m, c in found][-1] == (Mode.CONTROLLED_STOP, Cause.CHEQUERED_FLAG)
    assert len(found) == 4


def test_a_flickering_mode_does_not_drown_the_page(tmp_path):
    path = circuit()
    telemetry = drive(path, 1)
    telemetry["mode"] = np.arange(len(telemetry)) % 5
    text, _ = written(tmp_path, a_run(path=path, telemetry=telemetry))
    assert "more changes" in text
    assert len(text) < 3_000_000


def test_a_stop_that_grew_worse_is_told_with_what_made_it_so():
    telemetry = drive(circuit(), 1)
    telemetry["mode"][-50:] = Mode.EMERGENCY_STOP
    at_s = float(telemetry["t_s"][-50])
    faults = [Event(at_s, "permit withdrawn", True), Event(at_s - 3.0, "brake fault", True)]

    told = time_line(a_run(telemetry=telemetry, evidence=Evidence([], faults, [], [])))

    assert "Chequered flag at first, then permit withdrawn<" in told


def test_a_mode_nobody_knows_keeps_its_number():
    assert wording.mode_name(99) == "Mode 99"
    assert wording.cause_name(41) == "Chequered flag"


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(96.839, "1:36.839"), (59.9996, "1:00.000"), (7.05, "0:07.050"), (None, "–"), (np.nan, "–")],
)
def test_lap_times_read_as_on_a_timing_screen(seconds, wanted):
    assert wording.lap_time(seconds) == wanted


def test_colours_of_speed_grow_evenly_lighter():
    for part in (ON_LIGHT, ON_DARK):
        rgb = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in speed_colours(16, part)]
        luma = np.array(rgb) @ [0.2126, 0.7152, 0.0722]
        assert np.all(np.diff(luma) > 0)


@pytest.mark.parametrize("completed", [0, 1, 3])
def test_the_picture_is_small_svg_that_needs_nothing_else(tmp_path, completed):
    file = tmp_path / "lap.svg"
    lap_picture(file, a_run(completed, track="<b>&", title="<script>"))
    text = file.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.find("{http://www.w3.org/2000/svg}title").text == "<script>"
    assert "<b>&" in [element.text for element in root.iter()]
    assert "nan" not in text
    assert re.findall(r"href|<image|<script|url\((?!#)", text) == []
    assert len(text) < 70_000


def test_the_picture_shows_the_lap_asked_for(tmp_path):
    run = a_run(3)
    for lap in run.laps:
        lap_picture(tmp_path / "lap.svg", run, lap.number)
        assert wording.lap_time(lap.time_s) in (tmp_path / "lap.svg").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"lap 4: not completed; .*1, 2, 3"):
        lap_picture(tmp_path / "lap.svg", run, 4)


BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium to open the page with")
@pytest.mark.parametrize(("started", "charts"), [(False, 1 + 3), (True, 10 + 2 + 3)])
def test_a_browser_draws_every_chart(tmp_path, started, charts):
    file = tmp_path / "run.html"
    path = circuit()
    telemetry = drive(path, 2)
    telemetry = telemetry if started else telemetry[telemetry["lap"] == 0]
    write_report(file, a_run(path=path, telemetry=telemetry, timing=timing()))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-quic"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"]
    command = [BROWSER, *options, "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=90, check=True)
    page = done.stdout.decode()
    assert re.search(r'<html[^>]* class="ready"', page)
    assert len(re.findall(r'class="[^"]*js-plotly-plot"', page)) == charts
    assert re.search(r'id="trouble"[^>]* hidden', page)
