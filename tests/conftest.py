"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Published circuits, DBC files and logs, beside the checkout."""
    folder = Path(os.environ.get("TIANYUAN_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no published data at {folder}; set TIANYUAN_SHARED to the folder above data/")
    return folder
