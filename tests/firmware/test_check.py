"""Every mistake planted in a car is found, all of them at once, and none where there is none."""

from __future__ import annotations

import tomllib

import pytest
from cantools.database.can import Message, Signal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.firmware.bus_load import frame_s, load
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.car_shape import Bus
from tianyuan.firmware.check import check
from tianyuan.firmware.tables import shipped_cars, wire

DBC = """\
VERSION ""
BU_: Host Car
BO_ 1280 STATUS: 8 Car
 SG_ A : 0|8@1+ (1,0) [0|0] "" Host
 SG_ B : 4|8@1+ (1,0) [0|0] "" Host
BO_ 1281 LONG: 4 Car
 SG_ C : 28|8@1+ (1,0) [0|0] "" Host
BO_ 1282 NARROW: 8 Host
 SG_ Steer : 0|8@1- (1,0) [0|0] "deg" Car
 SG_ Brake : 8|16@1+ (0.01,0) [0|20] "bar" Car
 SG_ Odd : 24|8@1+ (1,0) [0|0] "smoots" Car
 SG_ CRC : 32|8@1+ (1,0) [0|0] "" Car
 SG_ Counter : 40|8@1+ (1,0) [0|0] "" Car
BO_ 1283 MANY: 8 Host
 SG_ Type M : 0|2@1+ (1,0) [0|3] "" Car
 SG_ Press m1 : 8|16@1+ (0.01,0) [0|600] "bar" Car
"""


def press(document, **constants):
    """The brake is commanded by a signal that is in a frame only while Type is 1."""
    document["commands"]["brake_bar"] = "MANY.Press"
    document["messages"]["MANY"] = {"cycle_ms": 10}
    document["constants"].update({f"MANY.{name}": value for name, value in constants.items()})


@pytest.mark.parametrize("name", shipped_cars())
def test_the_shipped_cars_have_no_error(name):
    found = check(shipped_cars()[name])
    assert found.errors == []
    assert all(each.worst < 1.0 for each in found.loads)


MISTAKES = {
    "a table": (lambda d: d.update(vehicel={"a": 1}), "vehicel: unknown key; did you mean vehicle"),
    "a parameter": (lambda d: d["limits"].update(steer_rat=1.0), "limits.steer_rat: unknown key"),
    "its bounds": (lambda d: d["vehicle"].update(mass_kg=-3.0), "vehicle.mass_kg = -3.0"),
    "its type": (lambda d: d["speed"].update(kp_1ps="fast"), "speed.kp_1ps = 'fast'"),
    "a channel": (lambda d: d["sensors"].update(gnss_xm="IMU.AccelX"), "sensors.gnss_xm: unknown"),
    "a message": (lambda d: d["sensors"].update(gear="POWER.Gear"), "sensors.gear = 'POWER.Gear'"),
    "a signal": (lambda d: d["sensors"].update(estop="RACE_ESTOP.Stopp"), "no signal Stopp"),
    "a unit": (lambda d: d["sensors"].update(imu_ax_mps2="IMU.YawRate"), "unit 'deg/s'"),
    "an odd unit": (lambda d: d["commands"].update(gear="NARROW.Odd"), "'smoots'"),
    "a narrow angle": (
        lambda d: d["commands"].update(steer_rad={"signal": "NARROW.Steer", "ratio": 14.1}),
        "commands.steer_rad = 'NARROW.Steer': NARROW.Steer carries",
    ),
    "a small range": (lambda d: d["commands"].update(brake_bar="NARROW.Brake"), "limits.brake_bar"),
    "no cycle": (lambda d: d["commands"].update(brake_bar="NARROW.Brake"), "messages.NARROW"),
    "no throttle": (lambda d: d["commands"].pop("throttle"), "commands.throttle: missing"),
    "no position": (lambda d: d["sensors"].pop("gnss_x_m"), "sensors.gnss_x_m: missing"),
    "a protection": (lambda d: d["protection"].update(IMUX={"profile": "P1", "data_id": 1}),
                     "protection.IMUX: no such message"),
    "its counter": (lambda d: d["protection"].update(NARROW={"profile": "P1", "data_id": 1}),
                    "protection.NARROW: message NARROW: signal Counter"),
    "its profile": (lambda d: d["protection"]["IMU"].update(profile="P9"), "IMU.profile = 'P9'"),
    "no selection": (press, "brake_bar = 'MANY.Press': Press is in a frame only while Type is 1"),
    "another selection": (lambda d: press(d, Type=2), "say \"MANY.Type\" = 1 in [constants]"),
    "an echo's selection": (lambda d: d["echo"].update({"MANY.Press": "IMU.AccelX"}),
                            "echo.MANY.Press: Press is in a frame only while Type is 1"),
    "a constant": (lambda d: d["constants"].update({"IMU.Statu": 1}), "IMU.Statu"),
    "its value": (lambda d: d["constants"].update({"NARROW.Odd": 256}), "constants.NARROW.Odd"),
    "an echo": (lambda d: d["echo"].update({"NARROW.Odd": "IMU.X"}), "echo.NARROW.Odd = 'IMU.X'"),
    "a time": (lambda d: d["messages"].update(IMU={"timeout_ms": 1}), "lost to imu after 1 ms"),
    "a message's name": (lambda d: d["messages"].update(IMUU={"cycle_ms": 5}), "messages.IMUU"),
    "half a guard": (lambda d: d["guard"].pop("permit"), "guard.permit: missing"),
    "the engine": (lambda d: d["vehicle"]["engine_torque_nm"].pop(), "vehicle.engine_torque_nm"),
    "a list of values": (
        lambda d: d["sensors"].update(race_go={"signal": "RACE_CONTROL.Go", "values": {"9": "A"}}),
        "sensors.race_go = 'RACE_CONTROL.Go'",
    ),
}  # fmt: skip
FEED = {"MANY.Type": "IMU.Status"}
OVERLAP = ("message STATUS: signal B: overlaps A", "message LONG: signal C: does not fit")


@pytest.fixture
def planted(car_with, tmp_path):
    """A car with a DBC file more, and mistakes."""

    def make(*edits, dbc=DBC):
        (tmp_path / "more.dbc").write_text(dbc)

        def edit(document):
            document["buses"]["car"]["dbc"].append("more.dbc")
            for table in ("constants", "echo", "messages", "speed"):
                document.setdefault(table, {})
            for each in edits:
                each(document)

        return car_with(edit)

    return make


SOUND = DBC.replace("SG_ B : 4", "SG_ B : 8").replace("SG_ C : 28", "SG_ C : 24")


def test_without_a_mistake_nothing_is_found(planted):
    assert check(planted(dbc=SOUND)).errors == []


def test_a_signal_that_its_multiplexor_selects_is_no_mistake(planted):
    for edit in (lambda d: press(d, Type=1), lambda d: (press(d), d["echo"].update(FEED))):
        assert check(planted(edit, dbc=SOUND)).errors == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_alone_is_found_and_refused_in_the_same_words(planted, name):
    edit, said = MISTAKES[name]
    file = planted(edit, dbc=SOUND)
    errors = check(file).errors
    assert any(said in line for line in errors), errors
    assert all("\n" not in line and line.startswith(str(file.parent)) for line in errors)
    with pytest.raises(InputError) as caught:
        wire(load_car(file))
    assert str(caught.value) == errors[0]


# What hides no other: each of these breaks another entry.
TOGETHER = [
    "a table", "a parameter", "its bounds", "its type", "a channel", "a message", "a signal",
    "a unit", "a narrow angle", "a small range", "no cycle", "no throttle", "no position",
    "a protection", "its counter", "its profile", "a constant", "its value", "an echo", "a time",
    "a message's name", "half a guard", "a list of values",
]  # fmt: skip


def test_all_mistakes_are_found_at_once(planted):
    errors = check(planted(*(MISTAKES[name][0] for name in TOGETHER))).errors
    for name in TOGETHER:
        assert any(MISTAKES[name][1] in line for line in errors), name
    for said in OVERLAP:
        assert any(said in line and "more.dbc" in line for line in errors)
    assert len(errors) == len(set(errors))


def test_a_message_of_a_dbc_file_that_cannot_be_read_is_not_said_to_be_missing(planted):
    names = ("a narrow angle", "a signal", "its counter", "its value", "a small range")
    wired = [MISTAKES[name][0] for name in names]
    errors = check(planted(*wired, dbc="BO_ nonsense")).errors
    assert any("more.dbc" in line for line in errors)
    assert any(MISTAKES["a signal"][1] in line for line in errors)
    assert not any("NARROW" in line for line in errors)


def test_a_file_that_is_none_is_one_error(tmp_path):
    file = tmp_path / "car.toml"
    file.write_text("[car\n")
    assert len(check(file).errors) == 1
    assert len(check(tmp_path / "none.toml").errors) == 1


def say_modes(document, *meant):
    """The driver's modes by a signal of few values; the stops are the last of them."""
    values = {str(raw): names for raw, names in enumerate(meant)}
    values[str(len(meant))] = ["CONTROLLED_STOP", "EMERGENCY_STOP"]
    document["commands"]["mode"] = {"signal": "HOST_HEARTBEAT.Mode", "values": values}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d["sensors"].pop("estop"), "sensors.estop: not wired"),
        (lambda d: d["commands"].pop("gear"), "commands.gear: not wired"),
        (lambda d: say_modes(d, ["OFF"], ["READY", "DRIVING"]), "READY and DRIVING are sent alike"),
        (lambda d: say_modes(d, ["OFF", "READY"], ["DRIVING"]), "OFF and READY are sent alike"),
        (lambda d: d["messages"].update(IMU={"cycle_ms": 40}), "timeout_ms = 120"),
        (lambda d: d["sensors"].update(brake_rear_bar="LOOSE.Rear"), "no cycle time"),
        (lambda d: d["sensors"].update(brake_front_bar="LOOSE.Front"), "carries 0 to 25.5 bar"),
        (lambda d: d["buses"]["car"].update(bitrate=250_000), "buses.car: up to"),
        (lambda d: d["sensors"].update(brake_travel="WIDE.Travel"), "WIDE is CAN FD"),
        (
            lambda d: d["sensors"].update(brake_rear_bar="EITHER.Rear"),
            "on the rig Rear is in a frame",
        ),
    ],
)
def test_what_may_be_meant_is_a_warning(planted, edit, said):
    more = 'BO_ 1290 LOOSE: 8 Car\n SG_ Rear : 0|16@1+ (0.01,0) [0|0] "bar" Host\n'
    more += ' SG_ Front : 16|8@1+ (0.1,0) [0|0] "bar" Host\n'
    more += 'BO_ 1291 WIDE: 16 Car\n SG_ Travel : 64|8@1+ (0.01,0) [0|1] "" Host\n'
    more += 'BO_ 1292 EITHER: 4 Car\n SG_ Which M : 0|8@1+ (1,0) [0|0] "" Host\n'
    more += ' SG_ Rear m2 : 8|16@1+ (0.01,0) [0|0] "bar" Host\n'
    found = check(planted(edit, dbc=SOUND + more))
    assert found.errors == []
    assert any(said in line for line in found.warnings), found.warnings


DOCUMENT = tomllib.loads(shipped_cars()["tianyuan"].read_text())
PLACES = [(table, key) for table, keys in DOCUMENT.items() for key in (*keys, "nonsense")] + [
    (table, key)
    for table, keys in {
        "messages": ("IMU", "NARROW"), "constants": ("NARROW.Odd", "IMU"),
        "echo": ("NARROW.Odd", "A"), "supervisor": ("stale_s",), "planning": ("nonsense",),
    }.items()
    for key in keys
]  # fmt: skip
WORDS = st.sampled_from(
    ["signal", "ratio", "offset", "unit", "radius_m", "values", "default", "unavailable", "valid",
     "is", "cycle_ms", "timeout_ms", "profile", "data_id", "dbc", "bitrate", "1", "0x3", "Go"]
)  # fmt: skip
SCALARS = st.one_of(
    st.integers(-(1 << 62), 1 << 62), st.integers(-2, 9), st.floats(), st.booleans(),
    st.sampled_from(["IMU.AccelX", "NARROW.Odd", "IMU", "P1", "GREEN", "tianyuan.dbc", "", "deg"]),
    st.text(max_size=5),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS, inner, max_size=4)
        | st.fixed_dictionaries(
            {"signal": st.sampled_from(["IMU.AccelX", "NARROW.Odd"])},
            optional=dict.fromkeys(("values", "valid", "ratio", "unavailable", "unit"), inner),
        )
    ),
    max_leaves=8,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_whatever_a_file_says_check_and_start_agree_on_it(planted, changes):
    """No traceback, a line each, and no error exactly where the start of a host finds none."""

    def edit(document):
        for (table, key), value in changes:
            document.setdefault(table, {})[key] = value

    file = planted(edit, dbc=SOUND)
    errors = check(file).errors
    assert all("\n" not in line and line.startswith(str(file.parent)) for line in errors)
    try:
        wire(load_car(file))
    except InputError as error:
        assert errors
        assert str(error) == errors[0]
    else:
        assert errors == []


def frame(length: int, extended: bool = False, fd: bool = False) -> Message:
    signals = [Signal("S", 0, 1)] if length else []
    return Message(0x123, "M", length, signals, is_extended_frame=extended, is_fd=fd)


@pytest.mark.parametrize(
    ("length", "extended", "bits"),
    [(0, False, 55), (1, False, 65), (8, False, 135), (0, True, 80), (1, True, 90), (8, True, 160)],
)
def test_a_classic_frame_takes_at_most_what_davis_and_others_give(length, extended, bits):
    """55 + 10 s and 80 + 10 s bits, their equations 2 and 3."""
    bus = Bus(dbc=["x"], bitrate=500_000)
    assert frame_s(frame(length, extended), bus, stuffed=True) == pytest.approx(bits / 500_000)
    least = (67 if extended else 47) + 8 * length
    assert frame_s(frame(length, extended), bus, stuffed=False) == pytest.approx(least / 500_000)


@pytest.mark.parametrize("length", [1, 8, 12, 16, 20, 32, 48, 64])
def test_an_fd_frame_takes_what_bordoloi_and_samii_give_and_isos_stuff_count(length):
    """32 bits at one rate and 28 + 5 ceil((s - 16) / 64) + 10 s at the other, before ISO added
    a stuff count of four bits and a fixed stuff bit; that they count the delimiter of the CRC
    and the bit that switches back at the second rate shifts bits, and adds none."""
    bus = Bus(dbc=["x"], bitrate=500_000, data_bitrate=500_000)
    bits = frame_s(frame(length, fd=True), bus, stuffed=True) * 500_000
    theirs = 32 + 28 + 5 * (1 if length > 16 else 0) + 10 * length
    assert 5 <= bits - theirs <= 8


def test_the_faster_rate_counts_only_for_a_frame_that_switches_to_it():
    slow, fast = (Bus(dbc=["x"], bitrate=500_000, data_bitrate=rate) for rate in (None, 4_000_000))
    still = frame(64, fd=True)
    assert frame_s(still, fast, True) == frame_s(still, slow, True)


def test_a_buss_load_is_the_sum_over_its_messages(planted):
    times = {"STATUS": {"cycle_ms": 10}, "LONG": {"cycle_ms": 1}}
    file = planted(lambda d: d["messages"].update(times), dbc=SOUND)
    car = load_car(file)
    messages = [
        Message(1, "STATUS", 8, [Signal("S", 0, 1)]),
        Message(2, "LONG", 4, [Signal("S", 0, 1)]),
        Message(3, "NARROW", 8, [Signal("S", 0, 1)]),
    ]
    found = load(car, "car", messages)
    assert found.worst == pytest.approx((135 * 100 + 95 * 1000) / 500_000)
    assert found.load == pytest.approx((111 * 100 + 79 * 1000) / 500_000)
    assert (found.messages, found.missing_cycle) == (3, ["NARROW"])
