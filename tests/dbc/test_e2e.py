"""Protection of a frame: published vectors, other libraries, and what each fault does."""

from __future__ import annotations

import cantools
import fastcrc
import numpy as np
import pytest
from e2e import p01, p02, p05, p11
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc import checksums, e2e
from tianyuan.dbc.codec import Binding, Protection, Status, build
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.protection_records import Method

DATA_ID = 0x123
P1 = {"M": Protection("P1", DATA_ID, "Crc", "Counter")}
IDS = tuple(range(16))

VECTORS = {
    b"123456789": (0x4B, 0xDF, 0x29B1),
    bytes.fromhex("00000000"): (0x59, 0x12, 0x84C0),
    bytes.fromhex("F20183"): (0x37, 0xC2, 0xD374),
    bytes.fromhex("0FAA0055"): (0x79, 0xC6, 0x2023),
    bytes.fromhex("00FF5511"): (0xB8, 0x77, 0xB8F9),
    bytes.fromhex("332255AABBCCDDEEFF"): (0xCB, 0x11, 0xF53F),
    bytes.fromhex("926B55"): (0x8C, 0x33, 0x0745),
    bytes.fromhex("FFFFFFFF"): (0x74, 0x6C, 0x1D0F),
}


def crcs(octets):
    """The three CRCs as their standards start and invert them."""
    return (
        checksums.crc(Method.CRC_1D, octets, 0xFF) ^ 0xFF,
        checksums.crc(Method.CRC_2F, octets, 0xFF) ^ 0xFF,
        checksums.crc(Method.CRC_1021, octets, 0xFFFF),
    )


@pytest.mark.parametrize(("octets", "wanted"), VECTORS.items())
def test_the_published_vectors_hold(octets, wanted):
    assert crcs(octets) == wanted


@given(st.binary(max_size=64))
def test_the_crcs_are_those_of_fastcrc(octets):
    assert crcs(octets) == (
        fastcrc.crc8.sae_j1850(octets),
        fastcrc.crc8.autosar(octets),
        fastcrc.crc16.ibm_3740(octets),
    )


def places(profile, mode="BOTH", offset=0, length=8):
    """CRC and counter as the profile's variants place them, all other bytes a signal each."""
    at = 8 * offset
    if profile == "P5":
        found = [("Crc", at, 16), ("Counter", at + 16, 8)]
        taken = {offset, offset + 1, offset + 2}
    else:
        found = [("Crc", at, 8), ("Counter", at + 8, 4)]
        found += [("Nibble" if mode == "NIBBLE" else "High", at + 12, 4)]
        taken = {offset, offset + 1}
    rest = [(f"S{byte}", 8 * byte, 8) for byte in range(length) if byte not in taken]
    return found, rest


def protection(profile, data_id=DATA_ID, mode="BOTH", ids=IDS):
    return Protection(profile, data_id, "Crc", "Counter", mode=mode, nibble="Nibble", data_ids=ids)


@pytest.fixture(scope="session")
def wired(wire, signal, message):
    """A message of a profile whose bytes beside CRC and counter have slots in their order."""

    def make(guard, offset=0, length=8):
        found, rest = places(guard.profile, guard.mode, offset, length)
        bindings = [Binding("M", name, slot) for slot, (name, _, _) in enumerate(rest)]
        signals = [signal(*place) for place in found + rest]
        return wire([message(signals, length=length)], bindings, {"M": guard})

    return make


@pytest.mark.parametrize(
    ("guard", "counter", "begins"),
    [
        *((protection("P1"), *each) for each in ((0, "CC00"), (1, "9101"), (14, "CD0E"))),
        *((protection("P11"), *each) for each in ((0, "CC00"), (1, "9101"), (14, "CD0E"))),
        (protection("P1", mode="ALT"), 0, "CE00"),
        (protection("P1", mode="ALT"), 1, "0201"),
        (protection("P1", mode="LOW"), 0, "CE00"),
        (protection("P1", mode="LOW"), 1, "9301"),
        (protection("P1", mode="NIBBLE"), 0, "2A10"),
        (protection("P1", mode="NIBBLE"), 1, "7711"),
        (protection("P11", mode="NIBBLE"), 0, "2A10"),
        (protection("P11", mode="NIBBLE"), 1, "7711"),
        (protection("P2", ids=(0,) * 16), 1, "4501"),
        (protection("P5", 0x1234), 0, "1CCA00"),
        (protection("P5", 0x1234), 1, "CF8D01"),
    ],
)
def test_eight_zero_bytes_are_protected_as_autosar_publishes(wired, guard, counter, begins):
    tried = wired(guard)
    tried.sent[0].counter = counter
    result, payload = tried.make(0, [0.0] * 6)
    assert result == Status.OK
    assert payload == bytes.fromhex(begins).ljust(8, b"\0")
    tried.put(0, payload)
    assert tried.take()[0] == 0


@pytest.mark.parametrize(("counter", "whole"), [(1, "6101"), (2, "BC02")])
def test_profile_2_counts_in_the_id_of_the_counter(wired, counter, whole):
    tried = wired(protection("P2"))
    tried.sent[0].counter = counter
    assert tried.make(0, list(range(2, 8)))[1] == bytes.fromhex(whole + "020304050607")


def by_the_book(guard, payload, offset):
    """The same bytes protected by autosar-e2e, and its check of any bytes."""
    data, modes = bytearray(payload), {"increment_counter": False}
    if guard.profile == "P2":
        p02.e2e_p02_protect(data, bytes(guard.data_ids), **modes)
        return data, lambda other: p02.e2e_p02_check(other, bytes(guard.data_ids), length=0)
    if guard.profile == "P5":
        p05.e2e_p05_protect(data, guard.data_id, offset=offset, **modes)
        return data, lambda other: p05.e2e_p05_check(other, guard.data_id, offset=offset)
    if guard.profile == "P1":
        mode = {"data_id_mode": getattr(p01, f"E2E_P01_DATAID_{guard.mode}"), "offset": offset}
        p01.e2e_p01_protect(data, guard.data_id, **mode, **modes)
        return data, lambda other: p01.e2e_p01_check(bytearray(other), guard.data_id, **mode)
    mode = {"data_id_mode": getattr(p11, f"E2E_P11_DATAID_{guard.mode}"), "offset": offset}
    p11.e2e_p11_protect(data, guard.data_id, **mode, **modes)
    return data, lambda other: p11.e2e_p11_check(bytearray(other), guard.data_id, **mode)


PROFILES = [
    *(("P1", mode) for mode in ("BOTH", "ALT", "LOW", "NIBBLE")),
    ("P11", "BOTH"),
    ("P11", "NIBBLE"),
    ("P2", "BOTH"),
    ("P5", "BOTH"),
]


@pytest.mark.parametrize(("profile", "mode"), PROFILES)
@given(data=st.data())
def test_each_profile_is_that_of_autosar_e2e(wired, profile, mode, data):
    """At any byte the header may be at; and each bit that flips is found."""
    length = data.draw(st.sampled_from([8, 12, 20, 64]))
    last = 0 if profile == "P2" else length - 3
    offset = data.draw(st.integers(0, last))
    ids = tuple(data.draw(st.binary(min_size=16, max_size=16)))
    guard = protection(profile, data.draw(st.integers(0, 0xFFFF)), mode, ids)
    tried = wired(guard, offset, length)
    tried.sent[0].counter = data.draw(st.integers(0, 14))

    octets = data.draw(st.binary(min_size=tried.size, max_size=tried.size))
    _, payload = tried.make(0, [float(each) for each in octets])

    book, check = by_the_book(guard, payload, offset)
    assert payload == bytes(book)
    assert check(payload)
    tried.put(0, payload)
    assert tried.take()[0] == 0
    bit = data.draw(st.integers(0, 8 * length - 1))
    wrong = bytearray(payload)
    wrong[bit // 8] ^= 1 << bit % 8
    tried.put(0, bytes(wrong))
    assert tried.take()[0] == Status.WRONG_CRC


@pytest.fixture
def protected(wire, signal, message):
    """CRC in byte 0, counter in the low half of byte 1, as profile 1A has them."""
    signals = [signal("Crc", 0, 8), signal("Counter", 8, 4), signal("S", 16, 16)]
    return wire([message(signals)], [Binding("M", "S", 0)], P1)


@pytest.mark.parametrize(
    ("guard", "last"),
    [
        (protection("P1"), 14),
        (protection("P11"), 14),
        (protection("P2"), 15),
        (protection("P5"), 255),
    ],
)
def test_the_counter_runs_to_its_profiles_end_and_around(wired, guard, last):
    tried = wired(guard)
    at = 2 if guard.profile == "P5" else 1
    seen = [tried.make(0, [0.0] * 6)[1][at] & 255 for _ in range(600)]
    assert seen == [each % (last + 1) for each in range(600)]
    assert tried.sent[0].count == 600


def test_a_frame_that_is_not_made_takes_no_counter(protected):
    protected.make(0, [1.0])
    assert protected.make(0, [np.nan])[0] == Status.NOT_FINITE
    assert protected.make(0, [1.0])[1][1] & 15 == 1


@pytest.mark.parametrize(("profile", "mode"), PROFILES)
def test_what_is_made_is_taken_for_ever(wired, profile, mode):
    tried = wired(protection(profile, mode=mode))
    for step in range(600):
        _, payload = tried.make(0, [float(step % 256)] * 6)
        tried.put(0, payload)
        result, values = tried.take()
        assert result == 0
        assert values[0] == step % 256


def test_every_single_wrong_bit_is_found(protected):
    _, payload = protected.make(0, [1234.0])
    for bit in range(64):
        wrong = bytearray(payload)
        wrong[bit // 8] ^= 1 << bit % 8
        protected.put(0, bytes(wrong))
        result, values = protected.take()
        assert result == Status.WRONG_CRC
        assert np.isnan(values).all()
    record = protected.received[0]
    assert (record.count, record.errors, record.t_ns, record.counter) == (0, 64, 0, 0)


def test_another_data_id_is_a_wrong_crc(wire, protected):
    other = wire(protected.messages, protected.bindings, {"M": P1["M"]._replace(data_id=0x124)})
    _, payload = other.make(0, [1.0])
    protected.put(0, payload)
    assert protected.take()[0] == Status.WRONG_CRC


def test_another_nibble_of_the_data_id_is_a_wrong_crc(wired):
    """Whose CRC is right, since it runs over the nibble that the frame has."""
    tried, other = (wired(protection("P1", each, "NIBBLE")) for each in (0x123, 0x223))
    tried.put(0, other.make(0, [0.0] * 6)[1])
    assert tried.take()[0] == Status.WRONG_CRC


def test_crc_and_counter_may_lie_anywhere(wire, signal, message):
    """Motorola, in the second word, the CRC behind the counter; also bound to a slot."""
    signals = [
        signal("S", 0, 16),
        signal("Counter", 71, 4, byte_order="big_endian"),
        signal("Crc", 87, 8, byte_order="big_endian"),
    ]
    bindings = [Binding("M", "S", 0), Binding("M", "Counter", 1), Binding("M", "Crc", 2)]
    tried = wire([message(signals, length=12)], bindings, P1)
    for step in range(20):
        result, payload = tried.make(0, [7.0, np.nan, np.nan])  # their values are not asked for
        wanted = checksums.crc(Method.CRC_1D, b"\x23\x01" + payload[:10] + payload[11:])
        assert (result, payload[8], payload[10]) == (Status.OK, step % 15 << 4, wanted)
        tried.put(0, payload)
        assert tried.take()[1].tolist() == [7.0, step % 15, wanted]


@pytest.mark.parametrize(
    ("width", "first", "last"),
    [(1, 0, 1), (2, 0, 3), (8, 0, 255), (8, 0, 9), (8, 1, 14), (16, 0, 999)],
)
def test_a_plain_counter_has_any_width_and_range(wire, signal, message, width, first, last):
    guard = Protection(
        "counter", counter="Counter", counter_first=first, counter_last=last, max_delta=1
    )
    signals = [signal("Counter", 5, width), signal("S", 32, 8)]
    tried = wire(
        [message(signals)], [Binding("M", "S", 0), Binding("M", "Counter", 1)], {"M": guard}
    )
    for step in range(1100):
        tried.put(0, tried.make(0, [1.0, np.nan])[1])
        result, values = tried.take()
        assert (result, values[1]) == (0, first + step % (last - first + 1))
    assert tried.take()[0] == Status.REPEATED


def test_a_plain_counter_runs_to_the_end_that_the_dbc_file_declares(wire, signal, message):
    signals = [signal("Counter", 40, 8, minimum=0, maximum=9), signal("S", 0, 8)]
    guard = Protection("counter", counter="Counter")
    tried = wire([message(signals)], [Binding("M", "S", 0)], {"M": guard})
    assert [tried.make(0, [0.0])[1][5] for _ in range(12)] == [*range(10), 0, 1]


def hyundai(address, payload):
    """As opendbc has it: CRC-16 from 0 over all but itself, then the address, then a mask."""
    masks = {8: 0x5F29, 16: 0x041D, 24: 0x819D, 32: 0x9F5B}
    crc = checksums.crc(Method.CRC_1021, payload[2:] + address.to_bytes(2, "little"))
    return crc ^ masks[len(payload)]


def body(octets):
    crc = 0xFF
    for octet in reversed(octets):
        crc ^= octet
        for _ in range(8):
            crc = ((crc << 1) ^ 0xD5) & 0xFF if crc & 0x80 else (crc << 1) & 0xFF
    return crc


def xored(octets):
    return int(np.bitwise_xor.reduce(np.frombuffer(octets, np.uint8)))


def bytes_of(address):
    return sum(address.to_bytes(4, "little"))


PUBLISHED = [
    (
        "new_eagle/New_Eagle_DBW_3.3.388.dbc", "AKit_SteeringRequest", "crc8-j1850",
        "AKit_SteeringChecksum", "AKit_SteerRollingCntr",
        lambda _, octets: fastcrc.crc8.sae_j1850(octets),
    ),
    (
        "opendbc/comma_body.dbc", "TORQUE_CMD", "crc8-body", "CHECKSUM", "COUNTER",
        lambda _, octets: body(octets),
    ),
    (
        "opendbc/hongqi_hs5.dbc", "LKAS", "xor", "CHECKSUM", "COUNTER",
        lambda _, octets: xored(octets),
    ),
    (
        "opendbc/tesla_model3_party.dbc", "ESP_wheelSpeeds", "sum-id",
        "ESP_wheelSpeedsChecksum", "ESP_wheelSpeedsCounter",
        lambda address, octets: (bytes_of(address) + sum(octets)) & 0xFF,
    ),
    (
        "opendbc/toyota_adas.dbc", "TRACK_B_0", "sum-id-length", "CHECKSUM", "COUNTER",
        lambda address, octets: (bytes_of(address) + 1 + len(octets) + sum(octets)) & 0xFF,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "name", "checksum", "crc", "counter", "oracle"),
    PUBLISHED,
    ids=[checksum for _, _, checksum, *_ in PUBLISHED],
)
def test_the_checksums_of_published_cars(
    wire, shared_data, file, name, checksum, crc, counter, oracle
):
    # Not strict: one of these files has overlapping signals, in other messages.
    database = cantools.database.load_file(shared_data / "dbc" / file, strict=False)
    found = [database.get_message_by_name(name)]
    guard = Protection("counter", crc=crc, counter=counter, checksum=checksum)
    tried = wire(found, None, {name: guard})
    rng = np.random.default_rng(1)
    at = found[0].get_signal_by_name(crc).start // 8
    for _ in range(40):
        _, payload = tried.make(0, rng.uniform(-100, 100, tried.size))
        rest = payload[:at] + payload[at + 1 :]
        assert payload[at] == oracle(found[0].frame_id, rest)
        tried.put(0, payload)
        assert tried.take()[0] == 0


@pytest.mark.parametrize(
    ("name", "counter", "last"),
    [
        ("steering_cmd", "steering_motor_cmd_counter", 255),
        ("brake_pressure_cmd", "brk_pressure_cmd_counter", 255),
        ("ct_report", "ct_state_rolling_counter", 9),
    ],
)
def test_the_counters_of_the_indy_car_need_no_more_than_their_name(
    wire, shared_data, name, counter, last
):
    file = shared_data / "dbc" / "iac" / "CAN1-INDY-V14.dbc"
    found = [cantools.database.load_file(file, strict=False).get_message_by_name(name)]
    tried = wire(found, None, {name: Protection("counter", counter=counter)})
    sender = found[0].get_signal_by_name(counter).start // 8
    seen = [tried.make(0, np.zeros(tried.size))[1][sender] for _ in range(600)]
    assert seen == [each % (last + 1) for each in range(600)]


@pytest.mark.parametrize("length", [8, 16, 24, 32])
def test_hyundais_can_fd_checksum_is_profile_5(wired, length):
    address = 0x1A0
    tried = wired(protection("P5", 0xF800 + address), 0, length)
    rng = np.random.default_rng(length)
    for _ in range(40):
        _, payload = tried.make(0, rng.integers(0, 256, tried.size).astype(float))
        assert int.from_bytes(payload[:2], "little") == hyundai(address, payload)


@pytest.mark.parametrize(
    ("change", "words", "culprit"),
    [
        ({"profile": "P7"}, "profile 'P7'", ""),
        ({"mode": "HALF"}, "mode 'HALF'", ""),
        ({"profile": "P11", "mode": "ALT"}, "one of BOTH, NIBBLE", ""),
        ({"data_id": 0x10000}, "data id 65536", ""),
        ({"profile": "P2"}, "16 numbers", ""),
        ({"max_delta": 15}, "max_delta 15: must be 1 to 14", ""),
        ({"sync": 16}, "sync 16", ""),
        ({"crc": "Crcc"}, "did you mean Crc", "Crcc"),
        ({"crc": "Half"}, "must fill whole bytes", "Half"),
        ({"counter": "S"}, "unsigned integer of 4 bits", "S"),
        ({"counter": "Mux"}, "is multiplexed", "Mux"),
        ({"counter": "Odd"}, "multiple of 4 bits", "Odd"),
        ({"mode": "NIBBLE", "nibble": "S"}, "unsigned integer of 4 bits", "S"),
        ({"profile": "P5", "counter": "Byte"}, "unsigned integer of 16 bits", "Crc"),
        ({"profile": "P5", "counter": "Byte", "crc": "Big"}, "little-endian", "Big"),
        ({"profile": "counter", "checksum": "md5"}, "one of crc8-j1850", ""),
        ({"profile": "counter"}, "go together", ""),
        ({"mode": "NIBBLE", "nibble": "Counter"}, "must be different ones", ""),
        ({"profile": "counter", "crc": "", "counter_last": 16}, "from 0 to 16", "Counter"),
    ],
)
def test_a_protection_that_cannot_be_is_refused_by_name(signal, message, change, words, culprit):
    signals = [
        signal("Crc", 0, 8),
        signal("Counter", 8, 4, is_multiplexer=True),
        signal("S", 16, 16),
        signal("Half", 36, 8),
        signal("Mux", 48, 4, multiplexer_signal="Counter", multiplexer_ids=[1]),
        signal("Odd", 53, 4),
        signal("Big", 71, 16, byte_order="big_endian"),
        signal("Byte", 80, 8),
    ]
    with pytest.raises(DbcError, match=words) as caught:
        build([message(signals, length=12)], None, {"M": P1["M"]._replace(**change)})
    assert (caught.value.message, caught.value.signal) == ("M", culprit)


def test_a_protected_message_must_exist(message):
    with pytest.raises(DbcError, match="no such message to protect"):
        build([message([])], None, {"N": P1["M"]})


def test_the_counter_after_the_last_is_the_first():
    assert [e2e.next_counter(each, 1, 14) for each in (1, 13, 14, 15)] == [2, 14, 1, 1]
