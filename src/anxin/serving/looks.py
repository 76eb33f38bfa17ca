"""How pages and reports are drawn: one Jinja environment, escaping everything, with no outside resource."""

from __future__ import annotations

import base64
import hashlib
from datetime import date
from functools import cache
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from anxin.domain import law, regulators
from anxin.serving import wording
from anxin.serving.feeds_named import feed_name
from anxin.serving.reports.facts import yuan, yuan_range
from anxin.serving.reports.measures import measured, named


@cache
def environment() -> Environment:
    """Return the environment of every page and report."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader("anxin.serving.reports"), PackageLoader("anxin.serving.web")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        percent=wording.percent,
        feed_name=lambda feed: feed_name(feed) if feed else "—",
        people=people,
        yuan_zh=lambda amount: "—" if amount is None else yuan(amount).zh,
        amount_range=lambda row: yuan_range(row.amount_lo, row.amount_hi),
        measured=lambda part, value: measured(part.feature, value),
        evidence=lambda hit: " · ".join(filter(None, (named(hit.feature, hit.value), str(hit.date or "")))),
        points=lambda value: f"{value:+.2f}",
        feed=feed_name,
        long_day=long_day,
        english=regulators.english,
        short_law=law.short,
        day=lambda day: day.isoformat() if day else "—",
    )
    made.globals.update(wording=wording, grade=wording.grade, words=wording.words, stylesheet=stylesheet)
    return made


def render(template: str, **values: object) -> str:
    """Return the template filled in."""
    return environment().get_template(template).render(**values)


@cache
def stylesheet(name: str) -> Markup:
    """Return one of our own style sheets, to be put inside the page."""
    package = "anxin.serving.reports" if name == "report.css" else "anxin.serving.web"
    text = resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # our own file, no outside text in it


@cache
def style_hash(name: str) -> str:
    """Return the Content-Security-Policy source that allows exactly this style sheet."""
    digest = hashlib.sha256(str(stylesheet(name)).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def people(value: float | None) -> str:
    """Return a headcount."""
    return "—" if value is None else f"{value:,.0f}"


def long_day(day: date) -> str:
    """Return a day as it is said: 2026年3月2日 星期一."""
    return f"{day.year}年{day.month}月{day.day}日 {wording.WEEKDAYS[day.weekday()]}"
