"""DBC files that cannot be used: one line, the file, and what to do."""

from __future__ import annotations

import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.read import read

MESSAGE = "BO_ 1 M: 8 X\n"
SIGNAL = ' SG_ {name} : {start}|{length}@{order}+ ({scale},0) [0|0] "{unit}" X\n'


def line(name="S", start=0, length=8, order=1, scale="1", unit=""):
    return SIGNAL.format(**locals())


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "car.dbc"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "message", "signal", "words"),
    [
        (MESSAGE + line("A") + line("B", 4), "M", "B", "overlaps A"),
        (MESSAGE + line("A") + line("A", 8), "M", "A", "defined twice"),
        (MESSAGE + line(start=60), "M", "S", "does not fit"),
        (MESSAGE + line(start=58, length=16, order=0), "M", "S", "does not fit"),
        (MESSAGE + line(length=0), "M", "S", "length 0"),
        ("BO_ 4096 M: 8 X\n", "M", "", "more than 11 bits"),
        (MESSAGE + line(scale="x"), "", "", "syntax at line 2"),
        ("hello", "", "", "syntax at line 1"),
        ("", "", "", "syntax"),
        (
            'BO_ 1 M: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] "" X\nBA_ "Q" SG_ 1 S 3;\n',
            "",
            "",
            "cannot be",
        ),
        ("VERSION".encode("utf-16"), "", "", "UTF-16"),
        (b'VERSION ""\nCM_ "\x81\x82";\n', "", "", "line 2: byte 0x81"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(file, content, message, signal, words):
    path = file(content)
    with pytest.raises(DbcError) as caught:
        read(path)
    error = caught.value
    assert isinstance(error, InputError)
    assert (error.file, error.message, error.signal) == (str(path), message, signal)
    assert str(error).startswith(str(path))
    assert words in str(error)
    assert "\n" not in str(error)
    assert error.__cause__ is None


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    for path in (tmp_path / "none.dbc", tmp_path):
        with pytest.raises(DbcError, match="cannot be read") as caught:
            read(path)
        assert caught.value.file == str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_degree_sign_is_one_in_either_encoding(file, encoding):
    path = file(('VERSION ""\n' + MESSAGE + line(unit="°/s")).encode(encoding))
    assert read(path).messages[0].signals[0].unit == "°/s"
