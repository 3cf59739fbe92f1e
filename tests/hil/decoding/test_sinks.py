"""What is written is what is decoded, in every kind of file, read as its users read it."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from asammdf import MDF
from mcap.reader import make_reader
from mcap.records import Chunk, DataEnd
from mcap.stream_reader import StreamReader

from tianyuan.control.errors import InputError
from tianyuan.hil.decoding.catalogue import Catalogue
from tianyuan.hil.decoding.databases import database
from tianyuan.hil.decoding.run import decode
from tianyuan.hil.decoding.signals import read_signals
from tianyuan.hil.decoding.sinks import foxglove, gather
from tianyuan.hil.decoding.sinks.arrays import decimal_seconds
from tianyuan.hil.decoding.sinks.choose import sink_of
from tianyuan.hil.decoding.sinks.sink import Told

STAMP = 2**64 - 1
BEGAN_NS = 170_000_000_000


@pytest.fixture
def written(tmp_path, log, dbc):
    """Decode the log into a file of a name."""

    def write(name, logs=1, **told):
        file, catalogue = tmp_path / name, Catalogue([database(dbc)])
        decode([log] * logs, catalogue, sink_of(file, Told(**told)), told.get("partial", False))
        return file

    return write


def test_a_folder_has_a_table_for_each_message(written):
    folder = written("out")

    plain = pq.read_table(folder / "PLAIN.parquet")
    assert plain["time"].cast("int64").to_pylist() == [BEGAN_NS + 1, BEGAN_NS + 40_000_000]
    assert plain["Speed"].to_pylist() == [100 * 0.1 - 5, -100 * 0.1 - 5]
    assert plain.schema.field("Speed").metadata == {b"unit": b"m/s"}
    assert pq.read_table(folder / "LONG.parquet")["Stamp"].to_pylist() == [STAMP]


def test_a_signal_that_is_not_selected_is_null(written):
    muxed = pq.read_table(written("out") / "MUXED.parquet")

    assert muxed["Which"].to_pylist() == [1, 2]
    assert muxed["First"].to_pylist() == [14, None]
    assert muxed["Second"].to_pylist() == [None, 0x0102]


def test_words_take_the_place_of_numbers_that_have_one(written):
    plain = pq.read_table(written("out", texts=True) / "PLAIN.parquet")

    assert plain["Mode"].to_pylist() == ["On, really", "2"]


def test_a_signal_called_time_leaves_the_time_another_name(written, dbc):
    dbc.write_text(dbc.read_text().replace("SG_ Speed", "SG_ time"))

    plain = pq.read_table(written("out") / "PLAIN.parquet")

    assert plain.column_names == ["log_time", "time", "Mode", "Ratio"]


def test_a_long_table_has_the_frames_in_the_logs_order(written):
    table = pq.read_table(written("out.parquet", texts=True))

    names = list(zip(table["message"].to_pylist(), table["signal"].to_pylist(), strict=True))
    assert names == [
        ("PLAIN", "Speed"), ("PLAIN", "Mode"), ("PLAIN", "Ratio"),
        ("MUXED", "Which"), ("MUXED", "First"), ("MUXED", "Which"), ("MUXED", "Second"),
        ("LONG", "Stamp"), ("PLAIN", "Speed"), ("PLAIN", "Mode"), ("PLAIN", "Ratio"),
    ]  # fmt: skip
    assert table["value"].to_pylist()[:5] == [5.0, 1.0, 1.0, 1.0, 14.0]
    assert table["text"].to_pylist()[1] == "On, really"
    assert set(table["channel"].to_pylist()) == {"can0"}


def test_a_csv_file_has_times_to_the_nanosecond(written):
    lines = written("out.csv").read_text().splitlines()

    assert lines[1] == '170.000000001,"can0","PLAIN","Speed","m/s",5'
    assert len(lines) == 12


def test_times_in_seconds_are_exact_at_both_ends():
    ends = np.array([-(2**63), -1, 0, 2**63 - 1])

    seconds = [str(each) for each in decimal_seconds(ends).to_pylist()]

    assert seconds == [
        "-9223372036.854775808", "-1E-9", "0E-9", "9223372036.854775807",
    ]  # fmt: skip


def test_an_mf4_file_opens_in_asammdf_with_units_and_words(written):
    with MDF(written("out.mf4", texts=True)) as mdf:
        speed, stamp = mdf.get("Speed"), mdf.get("Stamp")
        assert speed.samples.tolist() == [5.0, -15.0]
        assert speed.unit == "m/s"
        assert speed.timestamps.tolist() == [170.000000001, 170.04]
        assert mdf.get("Mode").samples.tolist()[0] == b"On, really"
        assert mdf.get("Second").samples.tolist() == [0x0102]
        assert stamp.samples.tolist() == [STAMP]


def test_an_mf4_file_of_a_log_with_dates_begins_when_it_did(written, log):
    log.write_text("(1700000000.000000) can0 100#640001000000803F\n")

    with MDF(written("out.mf4")) as mdf:
        assert mdf.header.start_time.timestamp() == 1.7e9
        assert mdf.get("Speed").timestamps.tolist() == [0.0]


def test_an_mcap_file_has_a_topic_for_each_message(written):
    with written("out.mcap", texts=True).open("rb") as file:
        messages = [
            (channel.topic, message.log_time, json.loads(message.data))
            for _, channel, message in make_reader(file).iter_messages()
        ]

    assert messages == [
        ("/PLAIN", BEGAN_NS + 1, {"Speed": 5.0, "Mode": "On, really", "Ratio": 1.0}),
        ("/MUXED", BEGAN_NS + 10_000_000, {"Which": 1.0, "First": 14.0}),
        ("/MUXED", BEGAN_NS + 20_000_000, {"Which": 2.0, "Second": 258.0}),
        ("/LONG", BEGAN_NS + 30_000_000, {"Stamp": STAMP}),
        ("/PLAIN", BEGAN_NS + 40_000_000, {"Speed": -15.0, "Mode": "2"}),
    ]


@pytest.mark.parametrize("texts", [False, True])
def test_an_mcap_message_is_what_its_schema_says_in_the_words_that_foxglove_knows(written, texts):
    """Its parser takes one type a property, and refuses a topic with any other."""
    kinds = {"number": (int, float), "string": str}
    with written("out.mcap", texts=texts, partial=True).open("rb") as file:
        for schema, _, message in make_reader(file).iter_messages():
            told = json.loads(schema.data)["properties"]
            for name, value in json.loads(message.data).items():
                assert isinstance(value, kinds[told[name]["type"]]), name


def types_in(schema):
    yield schema["type"]
    for each in (*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])):
        yield from types_in(each)


@pytest.mark.parametrize("name", foxglove.SCHEMAS)
def test_a_schema_of_foxgloves_is_in_the_words_that_foxglove_knows(name):
    assert set(types_in(foxglove.SCHEMAS[name])) <= {
        "object",
        "array",
        "number",
        "integer",
        "string",
    }


def test_an_mcap_file_is_whole_by_its_own_checksums(written):
    with written("out.mcap").open("rb") as file:
        records = list(StreamReader(file, emit_chunks=True, validate_crcs=True).records)
    checked = [each.uncompressed_crc for each in records if isinstance(each, Chunk)]
    checked += [each.data_section_crc for each in records if isinstance(each, DataEnd)]
    assert len(checked) == 2
    assert all(checked)


def test_what_there_is_of_a_short_frame_is_kept_only_if_asked_for(written):
    plain = pq.read_table(written("out", partial=True) / "PLAIN.parquet")

    assert plain["Speed"].to_pylist() == [5.0, -15.0, 5.0]
    assert plain["Mode"].to_pylist() == [1.0, 2.0, None]


@pytest.mark.parametrize("kind", ["", ".mf4"])
def test_pieces_make_the_same_file_as_one(written, monkeypatch, kind):
    whole = values_in(written(f"whole{kind}", logs=3))
    monkeypatch.setattr(gather, "MOST_BYTES", 1)

    in_pieces = values_in(written(f"pieces{kind}", logs=3))

    assert repr(in_pieces) == repr(whole)
    assert len(whole["Speed"]) == 6


def values_in(output):
    if output.is_dir():
        tables = [pq.read_table(file) for file in output.iterdir()]
        found = {name: table[name].to_pylist() for table in tables for name in table.column_names}
    else:
        with MDF(output) as mdf:
            found = {channel.name: channel.samples.tolist() for channel in mdf.iter_channels()}
    return dict(sorted(found.items()))


def test_series_are_what_the_files_have(log, dbc):
    signals = read_signals([log], [database(dbc)])

    assert signals["MUXED.Second"].t_ns.tolist() == [BEGAN_NS + 20_000_000]
    assert math.isnan(signals["PLAIN.Ratio"].values[1])
    assert signals["LONG.Stamp"].values.dtype == np.float64


@pytest.mark.parametrize(
    ("name", "problem"),
    [("out.xlsx", "no such kind"), ("no/out.csv", "cannot be written"), (".", "not an empty")],
)
def test_what_cannot_be_written_is_told_in_one_line(tmp_path, name, problem):
    (tmp_path / "something").touch()

    with pytest.raises(InputError, match=problem) as told:
        sink_of(tmp_path / name, Told())

    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["csv", "parquet", "mf4", "mcap"])
def test_a_full_disk_is_told_in_one_line(written, tmp_path, kind):
    (tmp_path / f"full.{kind}").symlink_to("/dev/full")

    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        written(f"full.{kind}")


@pytest.mark.parametrize("name", ["out", "out.csv", "out.parquet", "out.mf4", "out.mcap"])
def test_what_is_interrupted_leaves_nothing_behind(tmp_path, log, dbc, name):
    sink = sink_of(tmp_path / "to" / name if name == "out" else tmp_path / name, Told())
    before = {file for file in tmp_path.rglob("*") if file.is_file() and "out" not in file.name}

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode([log], Catalogue([database(dbc)]), sink, progress=interrupt)

    assert {file for file in tmp_path.rglob("*") if file.is_file()} == before
    assert not (tmp_path / "to" / name).exists()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.mf4", "out.mcap"])
def test_what_was_there_stays_until_the_new_is_whole(written, tmp_path, log, dbc, name):
    kept = written(name).read_bytes()
    sink = sink_of(tmp_path / name, Told())
    sink.take([])

    sink.drop()

    assert (tmp_path / name).read_bytes() == kept


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_a_log_that_is_not_there_leaves_no_output(tmp_path, log, dbc, name):
    with pytest.raises(InputError, match="cannot be read"):
        decode(
            [log, tmp_path / "no.log"],
            Catalogue([database(dbc)]),
            sink_of(tmp_path / name, Told()),
        )

    assert not [file for file in tmp_path.iterdir() if file.name.startswith("out")]
