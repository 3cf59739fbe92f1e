"""What `tianyuan bench` writes has the keys it promises."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tianyuan.cli import app
from tianyuan.commands.benches.codec import codec_figures, print_codec
from tianyuan.hil.benches.codec import Figures

pytestmark = [pytest.mark.compiled, pytest.mark.timed]


def figures(name="six-signals", **peers):
    return Figures(name, {"ours": 8.0, **peers}, {"ours": 12.0, **peers}, "")


def test_a_ratio_is_ours_to_theirs():
    found = codec_figures([figures(c=16.0, c_inlined=4.0, cantools=800.0)], turns=3)

    assert found["decode_ns"] == {"ours": 8.0, "c": 16.0, "c_inlined": 4.0, "cantools": 800.0}
    assert found["decode_ratio"] == {"c": 0.5, "c_inlined": 2.0, "cantools": 0.01}
    assert found["encode_ratio"] == {"c": 0.75, "c_inlined": 3.0, "cantools": 0.015}


def test_the_first_traffic_is_at_the_top_and_all_are_below():
    found = codec_figures([figures("a", c=4.0), figures("b", c=2.0)], turns=3)

    assert found["decode_ratio"] == found["traffic"]["a"]["decode_ratio"]
    assert found["traffic"]["b"]["decode_ratio"]["c"] == 4.0


def test_who_did_not_run_is_null_in_json_and_a_dash_in_the_table(capsys):
    found = codec_figures([figures()], turns=3)
    print_codec([figures()])

    assert found["decode_ns"]["c"] is found["encode_ratio"]["cantools"] is None
    assert "-" in capsys.readouterr().out


def test_the_codecs_figures_are_json_alone_on_standard_output():
    result = CliRunner().invoke(app, ["bench", "codec", "--turns", "1", "--json", "-"])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["decode_ns"]["ours"] > 0 and found["encode_ns"]["cantools"] > 0
    assert set(found["traffic"]) == {"six-signals", "car", "car-protected"}


def test_the_decoders_figures_are_json_alone_on_standard_output():
    arguments = ["bench", "decode", "--turns", "1", "--seconds", "1", "--json", "-"]
    result = CliRunner(env={"TIANYUAN_SHARED": "/nowhere"}).invoke(app, arguments)

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == {"candump", "blf", "mf4", "published"}
    for kind in ("candump", "blf", "mf4"):
        assert found[kind]["equal"], kind
        assert {"ours_s", "peer_s", "ratio"} <= found[kind].keys()
