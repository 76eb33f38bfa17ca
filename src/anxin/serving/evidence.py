"""The records behind the findings of a published list: the lake as it was for that list, asked for one subject."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from anxin.domain import law
from anxin.domain.errors import AnxinError
from anxin.domain.tables import read_yaml
from anxin.features.catalogue import Feature, catalogue
from anxin.features.known import Kind
from anxin.features.records import Records, behind, records
from anxin.feeds.asof import View
from anxin.feeds.contract import contract
from anxin.serving.home import Home
from anxin.serving.published import Published
from anxin.serving.reports.facts import Facts, Table
from anxin.serving.wording import Words

OTHERS = Words(
    "该指标取自其他对象（上游、关联、同行业或同区县）的汇总，此处只列本对象的登记关系，不列他人记录。",
    "This finding sums up other subjects; only whom this one stands with is listed, not their records.",
)
COUNTED = Words(
    "涉及劳动者个人的明细只按月计数，不逐人列出。",
    "Rows about workers are only counted by month; no person is listed.",
)
_FEEDS = 6
_log = logging.getLogger("anxin.serving")
_COUNTS = {"month": "月份", "workers": "人数", "records": "条数"}


class Evidence:
    """Answers for a home which records stand behind a finding."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def of(self, published: Published, kind: str, subject_id: str, feature: Feature) -> list[Table]:
        """Return the subject's known rows in each feed of a feature, on the list's day and from its lake.

        Raises AnxinError if the lake the list was made from is not there.
        """
        view, row = self._view(published), published.find(kind, subject_id)
        found = behind(view, published.as_of, _kind(kind), subject_id, feature)
        return [_table(one, row.district if row else "", published.as_of) for one in found]

    def annex(self, published: Published, facts: Facts) -> Facts:
        """Return a report's facts with the subject's newest rows in the feeds of its signals and rules.

        A report does not fail for them: from a lake that is not there they are left out.
        """
        named = [part.feature for part in facts.signals] + [hit.feature for hit in facts.rules]
        own = [feature for name in named if (feature := catalogue().get(name)) and feature.about == "own"]
        feeds = list(dict.fromkeys(feature.sources[0] for feature in own if feature.sources))
        try:
            view = self._view(published)
            kind, subject = _kind(facts.row.kind), facts.row.subject_id
            found = [records(view, published.as_of, kind, subject, feed) for feed in feeds[:_FEEDS]]
        except AnxinError as error:
            _log.warning("no records in the report of %s: %s", facts.row.subject_id, error)
            return facts
        district, day = facts.row.district, published.as_of
        tables = (_table(one, district, day) for one in found if one is not None and one.total)
        return replace(facts, records=tuple(tables))

    def _view(self, published: Published) -> View:
        commit = published.manifest.content.get("lake_commit")
        if not isinstance(commit, int):
            raise AnxinError(
                f"名单 {published.list_id} 没有记载数据版本，无法列出记录",
                f"list {published.list_id} does not name its lake commit; its records cannot be listed",
            )
        return self._home.view(commit)


def feature_named(name: str, kind: str) -> Feature | None:
    """Return a feature of a kind by its name, None if there is none."""
    found = catalogue().get(name)
    return found if found is not None and kind in found.kinds else None


def _kind(kind: str) -> Kind:
    return "project" if kind == "project" else "employer"


def _table(found: Records, district: str, day: date) -> Table:
    feed = contract()[found.feed]
    names = {column.name: column.zh for column in feed.columns} | _COUNTS
    columns = tuple((name, names[name]) for name in found.rows.column_names)
    said = {column.name: choice_words(found.feed, column.name) for column in feed.columns if column.choices}
    rows = tuple(
        tuple(said[name].get(value, value) if name in said else _cell(value) for name, value in row.items())
        for row in found.rows.to_pylist()
    )
    note = COUNTED if found.per_worker else None
    basis = law.basis_holding(feed.basis, district, day)
    return Table(found.feed, feed.zh, basis, found.total, columns, rows, note)


def choice_words(feed: str, column: str) -> Mapping[str, str]:
    """Return how each value of an enumeration of the contract is said."""
    document = _words()
    words: dict[str, str] = document["words"] | document["columns"].get(f"{feed}.{column}", {})
    return words


@cache
def _words() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("choices.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = read_yaml(text)
    return found


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)
