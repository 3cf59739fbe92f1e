"""A small campaign on the oval."""

from __future__ import annotations

from pathlib import Path

import pytest

CAMPAIGN = """
seed = 3
samples = 2
[scenario]
track = "oval"
laps = 1
[grid]
controller = ["stanley", "pure-pursuit"]
[sample]
"car_file.stanley.k_1ps" = { uniform = [1.5, 3.0] }
"car_file.speed.preview_s" = { normal = [0.12, 0.02], min = 0.05 }
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(CAMPAIGN)
    return file
