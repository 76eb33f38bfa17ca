"""The monitor's page and metrics: small, offline, Chinese first, whatever the facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anxin.features.catalogue import of
from anxin.judging.drift import settings
from anxin.serving import monitoring
from anxin.serving.monitoring import metrics
from anxin.serving.reports.monitor import at, line, lines, page, path

SHARES = [0.1] * 10 + [0.0]


def shift(name: str, state: str, psi: float) -> dict[str, Any]:
    return {
        "name": name,
        "psi": psi,
        "usual": 0.02,
        "ks": 0.1,
        "missing_before": 0.0,
        "missing_now": 0.25,
        "state": state,
        "now": SHARES,
        "zh": f"指标<{name}>",
        "en": name,
        "before": SHARES,
    }


def month(as_of: str, group: str, first: int | None, ratio: float | None) -> dict[str, Any]:
    low, high = (None, None) if ratio is None else (ratio * 0.7, ratio * 1.4)
    return {
        "as_of": as_of,
        "group": group,
        "first": first,
        "observed": 7,
        "expected": 9.5,
        "ratio": ratio,
        "low": low,
        "high": high,
        "without_averted": {"observed": 6, "expected": 9.5, "ratio": ratio, "low": low, "high": high},
    }


def facts(state: str = "alarm", months: int = 24, projects: bool = False) -> dict[str, Any]:
    """Return what `monitor` says of a city with every feature moved and two years of lists."""
    names = [feature.name for feature in of("employer")]
    steps = [
        {
            "as_of": f"2025-{i % 12 + 1:02d}-01",
            "observed": 3,
            "averted": 1,
            "expected": 2.5,
            "wealth": 0.8 + i,
        }
        for i in range(months)
    ]
    watched = {"wealth": 95.0, "threshold": 80.0, "alarmed": "2025-09-01" if months else None, "steps": steps}
    kind = {
        "model_id": "employer-2025-06-01-0123456789abcdef",
        "through": "2025-06-01",
        "shadows": ["employer-2025-07-01-0123456789abcdef"],
        "subjects": 25000,
        "reference": {"rows": 300000, "dates": 12},
        "features": [shift(name, state, 3.1 - i / 1000) for i, name in enumerate(names)],
        "population": [
            {
                "name": "district",
                "psi": 0.3,
                "state": "alarm",
                "moved": [
                    {"value": "500103", "before": 0.1, "now": 0.4},
                    {"value": "", "before": 0.0, "now": 0.1},
                ],
            }
        ],
        "score": {**shift("p90", "watch", 0.12), "edges": [0.1] * 9},
        "calibration": [
            month(f"{2024 + i // 12}-{i % 12 + 1:02d}-01", group, first, None if first else 1.1)
            for i in range(months)
            for group in ("all", "new")
            for first in (None, 100, 500)
        ],
        "alarm": {"all": watched, "new": {**watched, "alarmed": None, "steps": []}},
        "service": {
            "since": "2025-01-01",
            "answered": ["2024-05-01"] if months else [],
            "alarm": {"all": watched, "new": {**watched, "alarmed": None, "steps": []}},
        },
        "state": state,
    }
    without = {**kind, "reference": None, "features": [], "score": None}
    feed = {"rows": 0, "last_event": None, "last_received": None, "silent_days": None, "expected_days": None}
    return {
        "day": "2026-03-01",
        "lake_commit": 3,
        "state": state,
        "feeds": {
            "cases": {**feed, "state": "watch"},
            "energy_daily": {
                "rows": 10,
                "last_event": "2026-01-01",
                "last_received": "2026-01-02",
                "silent_days": 58,
                "expected_days": 3,
                "state": "alarm",
            },
        },
        "kinds": {"employer": kind, "project": kind if projects else without},
    }


@pytest.mark.parametrize("state", ["alarm", "steady"])
def test_the_page_is_small_opens_offline_and_escapes(state: str) -> None:
    text = page(facts(state, projects=True))
    assert len(text.encode()) < 150_000
    assert not re.search(r"https?://|<script|src=|@import|url\(", text)
    assert "<指标" not in text
    assert "指标&lt;" in text
    assert "渝中区" in text
    assert "平稳</b>" in text if state == "steady" else "报警</b>" in text


def test_a_page_without_a_mature_list_says_so() -> None:
    text = page(facts(months=0))
    assert "尚无标签成熟的已发布清单" in text
    assert "尚无成熟月份" in text
    assert "此模型未附训练基准" in text


def test_lines_name_what_alarms() -> None:
    text = "\n".join(lines(facts()))
    assert "energy_daily" in text
    assert "静默 silent 58 天" in text
    assert "自 since 2025-09-01" in text
    assert "须重新训练" in text


def test_metrics_are_prometheus_text() -> None:
    text = metrics(facts())
    for each in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) anxin_\w+ .+|anxin_\w+\{(\w+="[^"]*",?)+\} -?[\d.e+-]+', each), (
            each
        )
    assert 'anxin_feed_silent_days{feed="energy_daily"} 58' in text
    assert 'anxin_alarm_share{kind="employer",group="all"} 1.1875' in text
    assert "None" not in text


def test_a_ratio_stands_where_its_logarithm_is_and_wealth_below_its_line() -> None:
    assert [at(ratio) for ratio in (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 9.0)] == [
        0.0,
        0.0,
        60.0,
        120.0,
        180.0,
        240.0,
        240.0,
    ]
    assert path([0.5, 0.0, 1.0], 1.0, 0, 8) == "M0 26v-13h8v13M18 26v-26h8v26"
    points = line({"steps": [{"wealth": 80.0}], "threshold": 80.0}).split()
    assert points[-1] == "200.0,5.0"
    assert float(points[0].split(",")[1]) == 28.0


@dataclass(frozen=True)
class Listed:
    """A list of a day and the model that made it, as far as the watch asks."""

    day: date
    made_by: str

    def model(self, kind: str) -> str:
        return self.made_by


def _lists(months: int, model: Callable[[int], str]) -> list[Any]:
    return [Listed(date(2024, 1, 1) + timedelta(days=30 * i), model(i)) for i in range(months)]


def _service_of(
    monkeypatch: pytest.MonkeyPatch, lists: list[Any], times: Callable[[date], float]
) -> dict[str, Any]:
    """Watch lists of 400 subjects at one in ten each, of whom so many times as many came true."""

    def matured(_: Any, __: Any, ___: Any, part: Sequence[Any], *____: Any) -> pd.DataFrame:
        each = [
            pd.DataFrame(
                {
                    "as_of": one.day,
                    "p30": 0.1,
                    "in_hand": False,
                    "state": np.where(np.arange(400) < 40 * times(one.day), "verified", "unseen"),
                }
            )
            for one in sorted(part, key=lambda one: one.day)
        ]
        return pd.concat(each, ignore_index=True)

    monkeypatch.setattr(monitoring, "_matured", matured)
    nothing: Any = None
    asked = settings()["alarm"]
    return monitoring._service(nothing, nothing, "employer", lists, date(2027, 1, 1), asked)


def test_lists_of_models_that_change_every_month_are_watched_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = _service_of(monkeypatch, _lists(12, str), lambda _: 2.0)
    # One alarm after the other is answered by the next model, and what that says is wrong again.
    assert found["answered"]
    assert found["answered"][0] < found["since"]
    steady = _service_of(monkeypatch, _lists(12, str), lambda _: 1.0)
    assert (steady["answered"], steady["since"]) == ([], "2024-01-01")
    assert steady["alarm"]["all"]["alarmed"] is None
    assert len(steady["alarm"]["all"]["steps"]) == 12


def test_an_alarm_of_the_service_stays_until_another_model_makes_a_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = _service_of(monkeypatch, _lists(12, lambda _: "m1"), lambda _: 2.0)
    assert (found["answered"], found["since"]) == ([], "2024-01-01")
    raised = date.fromisoformat(found["alarm"]["all"]["alarmed"])
    known = raised + timedelta(days=75)
    found = _service_of(
        monkeypatch,
        _lists(12, lambda i: "m2" if date(2024, 1, 1) + timedelta(days=30 * i) > known else "m1"),
        lambda day: 1.0 if day > known else 2.0,
    )
    assert found["answered"] == [raised.isoformat()]
    assert date.fromisoformat(found["since"]) > known
    assert found["alarm"]["all"]["alarmed"] is None
