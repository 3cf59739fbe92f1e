"""The bench's contestants make the same of the same log."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.hil.benches import decode

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return decode.write_logs(tmp_path_factory.mktemp("logs"), 1.0, lambda done: None)


def test_every_kind_of_log_gives_the_columns_of_cantools(cases):
    assert [case.name for case in cases] == ["candump", "blf", "mf4"]
    for case in cases:
        dbc = decode.dbc_of(case)
        assert decode.same(decode.ours(case, dbc), decode.by_cantools(case, dbc)), case.name


def test_asammdf_extracts_the_same_log(cases):
    decode.extracted(cases[-1], decode.dbc_of(cases[-1]))


def test_one_value_or_column_more_is_not_the_same():
    columns = {"M.A": np.array([1.0, np.nan])}

    assert decode.same(columns, {"M.A": np.array([1.0, np.nan])})
    assert not decode.same(columns, {"M.A": np.array([1.0, 2.0])})
    assert not decode.same(columns, columns | {"M.B": np.array([1.0])})
