"""What a snapshot does to the process it is made in."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from anxin.features.snapshots import _Uncollected


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("usual", [True, False])
def test_cycles_are_looked_for_again_when_the_last_of_several_snapshots_is_done(usual: bool) -> None:
    (gc.enable if usual else gc.disable)()
    within = _Uncollected()
    within.__enter__()
    assert not gc.isenabled()
    within.__enter__()
    within.__exit__(None, None, None)
    assert not gc.isenabled()
    within.__exit__(None, None, None)
    assert gc.isenabled() is usual
