"""A file is there whole, or as it was before."""

from __future__ import annotations

import pytest

from tianyuan.hil.whole_file import whole_file, write_whole


def test_a_file_is_as_it_was_until_all_of_it_is_written(tmp_path):
    file = tmp_path / "page.html"
    file.write_text("before")

    with whole_file(file) as made:
        made.write_text("after")
        assert file.read_text() == "before"

    assert file.read_text() == "after"
    assert [*tmp_path.iterdir()] == [file]


def test_what_is_interrupted_leaves_nothing(tmp_path):
    file = tmp_path / "page.html"

    with pytest.raises(KeyboardInterrupt), whole_file(file) as made:
        made.write_text("half of")
        raise KeyboardInterrupt

    assert not [*tmp_path.iterdir()]


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as told:
        write_whole(tmp_path / "no" / "page.html", "text")

    assert told.value.filename == str(tmp_path / "no" / "page.html")


def test_a_link_stays_a_link(tmp_path):
    file, link = tmp_path / "there.txt", tmp_path / "link.txt"
    link.symlink_to(file)

    write_whole(link, "text")

    assert link.is_symlink()
    assert file.read_text() == "text"


def test_a_device_is_written_to(tmp_path):
    device = tmp_path / "full"
    device.symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        write_whole(device, "text")

    assert device.is_symlink()
