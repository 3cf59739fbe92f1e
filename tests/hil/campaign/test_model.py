"""A mistake in a campaign's file is one line that names file and key."""

from __future__ import annotations

import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign.model import load


def test_a_file_that_says_no_name_has_its_own(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("scenario = { laps = 1 }\n")
    assert load(file).name == "mine"
    assert load(file, seed=5).seed == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give either scenarios or one"),
        ('scenarios = ["a"]\n[scenario]\nlaps = 1', "give either scenarios or one"),
        ("[scenario]\n[grid]\ncontroler = []", "grid.controler"),
        ("sampels = 3\n[scenario]", "sampels: unknown key"),
        ("samples = 3\n[scenario]", "samples without"),
        ("samples = 0\n[scenario]", "samples = 0"),
        ('method = "halton"\n[scenario]', "method = 'halton'"),
        ('[scenario]\n[grid]\n"a.b" = [1]\n[sample]\n"a.b" = { uniform = [0, 1] }', "a.b is in"),
        ('[scenario]\n[sample]\n"a.b" = { uniform = [1, 0] }', "sample.a.b: from 1 to 0"),
        ("[scenario]\n[grid]\nseed = [1]", "seed cannot vary"),
        ("samples = 9_000_000\nseeds = 2\n[scenario]\n[sample]\na = { uniform = [0, 1] }", "rows"),
        ("seeds = [-1]\n[scenario]", "seeds"),
        ("=", "mine.toml"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        load(file)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)
