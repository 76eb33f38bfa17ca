"""What a report says, before how it looks: plain values taken from the published list and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from anxin.domain import calendar, law, regulators
from anxin.domain.tables import read_yaml
from anxin.features.catalogue import catalogue
from anxin.models.reasons import FELT, tells
from anxin.serving import leaving, wording
from anxin.serving.abilities import Ability, of_subject
from anxin.serving.feeds_named import feed_name
from anxin.serving.published import Family, Published, Reason, Row, RuleHit, Watermark
from anxin.serving.wording import Words

# One A4 page holds these; the annex names the sum of the rest.
_SIGNALS = 6
_LOWERING = 4
# The first page names these; the annex has all, with what each lets one ask for.
_RULES = 3
# Of each feed behind the signals the annex shows these, the page of records more.
_RECORDS = 3
_SELF = frozenset({"employer_id", "project_id", "received_at"})


@dataclass(frozen=True)
class Paper:
    """A paper to ask for, and the article that lets one ask; "" where none is in force there and then."""

    words: Words
    basis: str


@dataclass(frozen=True)
class Trend:
    """The subject on an earlier list."""

    as_of: date
    grade: int
    p90: float


@dataclass(frozen=True)
class Balance:
    """The score taken apart: ``base + raising + lowering = score`` (all features, shown or not)."""

    base: float | None
    raising: float
    lowering: float
    score: float


@dataclass(frozen=True)
class Table:
    """What is known of a subject in one feed: cells as text, newest first, of `total` rows.

    `columns` are names with their Chinese; `note` says what is held back.
    """

    feed: str
    zh: str
    basis: str
    total: int
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str | None, ...], ...]
    note: Words | None

    def told(self) -> tuple[str, ...]:
        """Return the newest rows as lines of «name value», without what is empty or names the subject itself."""
        lines = []
        for row in self.rows[:_RECORDS]:
            cells = zip(self.columns, row, strict=True)
            lines.append(
                " · ".join(f"{zh} {cell}" for (name, zh), cell in cells if cell and name not in _SELF)
            )
        return tuple(lines)


@dataclass(frozen=True)
class Facts:
    """Everything a report on one listed subject says."""

    row: Row
    as_of: date
    list_id: str
    head: Words
    families: tuple[Family, ...]
    signals: tuple[Reason, ...]
    lowering: tuple[Reason, ...]
    rest: int
    rules: tuple[RuleHit, ...]
    leave: Words | None
    balance: Balance
    major: bool
    days_listed: int
    days_to_spring_festival: int
    window_end: date
    trend: tuple[Trend, ...]
    late_feeds: tuple[Watermark, ...]
    sizes_alike: bool
    """Whether people and amount are the same for all listed subjects of the kind: no sizes are told apart."""
    missing_inputs: tuple[str, ...]
    watermarks: tuple[Watermark, ...]
    due: Words
    legs: tuple[tuple[Words, Words], ...]
    who: Words
    papers: tuple[Paper, ...]
    questions: tuple[Words, ...]
    law: tuple[Paper, ...]
    reason_bases: tuple[tuple[str, str], ...]
    objection: Words
    traces: tuple[tuple[Words, str], ...]
    retrospective: bool
    ability: Ability | None = None
    """What signs of money alone say of an employer."""
    records: tuple[Table, ...] = ()

    @property
    def first_rules(self) -> tuple[RuleHit, ...]:
        """The rules that raise highest: what the first page has room for."""
        return self.rules[:_RULES]

    @property
    def asked(self) -> tuple[Words, ...]:
        """What the rules let one ask for, each paper once."""
        pairs = (
            Words(zh, en)
            for hit in self.rules
            for zh, en in zip(hit.ask.split("；"), hit.ask_en.split("; "), strict=False)
        )
        return tuple(dict.fromkeys(pairs))


def facts_of(published: Published, row: Row, trend: Sequence[Trend] = (), ledger_head: str = "") -> Facts:
    """Gather the facts of `row`'s report.

    `trend` are the subject's earlier lists, oldest first; `ledger_head` is printed so that the reader can
    prove the list was in the ledger. A section whose facts are empty is left out by every look.
    """
    explained = published.explanation(row.kind, row.subject_id)
    parts = explained.parts or row.reasons
    # What has no value, or cannot be checked by a person (a season, a sector), counts in the balance and is no finding.
    found = [part for part in parts if part.zh and _may_stand(part)]
    raising = tuple(part for part in found if part.contribution > FELT)
    lowering = tuple(part for part in found if part.contribution < -FELT)
    signals = raising[:_SIGNALS]
    standing = _standing()
    bases = {part.basis: part for part in (*signals, *lowering[:_LOWERING]) if part.basis}
    families = dict.fromkeys(part.family for part in signals)
    papers = _papers(standing["papers"].get(row.kind, ()), row.district, published.as_of)
    articles = _papers(standing["law"], row.district, published.as_of)
    return Facts(
        row=row,
        as_of=published.as_of,
        list_id=published.list_id,
        head=_head(row, signals),
        families=tuple(family for family in _families(parts) if abs(family.contribution) > FELT),
        signals=signals,
        lowering=lowering[:_LOWERING],
        rest=max(0, len(parts) - len(signals) - len(lowering[:_LOWERING])),
        rules=row.rules,
        leave=leaving.said(row.leave),
        balance=Balance(
            explained.base,
            sum(part.contribution for part in parts if part.contribution > 0),
            sum(part.contribution for part in parts if part.contribution <= 0),
            row.score,
        ),
        major=row.major,
        days_listed=row.days_listed(published.as_of),
        days_to_spring_festival=calendar.days_to_spring_festival(published.as_of),
        window_end=published.as_of + timedelta(days=89),
        trend=tuple(trend),
        late_feeds=published.manifest.late_feeds,
        sizes_alike=_alike(published, row),
        missing_inputs=tuple(dict.fromkeys(part.feature for part in parts if part.value is None)),
        watermarks=published.manifest.watermarks,
        due=_words(standing["due"][row.grade]) if row.grade in standing["due"] else Words("", ""),
        legs=_legs(row, standing),
        who=_words(standing["who"]),
        papers=papers,
        questions=tuple(_words(standing["questions"][f]) for f in families if f in standing["questions"]),
        law=tuple(article for article in articles if article.basis),
        reason_bases=tuple((basis, feed_name(part.source or "")) for basis, part in bases.items()),
        objection=_words(standing["objection"]),
        traces=_traces(published, row, ledger_head),
        retrospective=published.manifest.retrospective,
        ability=of_subject(published, row.kind, row.subject_id),
    )


def _alike(published: Published, row: Row) -> bool:
    """Say whether every listed subject of the kind is given the same size, which then says nothing of this one."""
    sizes = [(one.workers, one.amount) for one in published.rows if one.kind == row.kind]
    return row.workers is not None and len(sizes) > 1 and len(set(sizes)) == 1


def _papers(entries: Sequence[Mapping[str, str]], district: str, day: date) -> tuple[Paper, ...]:
    return tuple(Paper(_words(entry), law.basis_holding(entry["basis"], district, day)) for entry in entries)


def _families(parts: Sequence[Reason]) -> list[Family]:
    sums: dict[str, float] = {}
    for part in parts:
        sums[part.family] = sums.get(part.family, 0.0) + part.contribution
    return sorted((Family(name, size) for name, size in sums.items()), key=lambda one: -one.contribution)


def _may_stand(part: Reason) -> bool:
    entry = catalogue().get(part.feature)
    if part.value is None or entry is None:
        return part.value is not None
    return entry.reason and tells(entry, part.contribution, part.value, part.usual)


def _head(row: Row, signals: Sequence[Reason]) -> Words:
    grade = wording.grade(row.grade)
    part = signals[0] if signals else (row.reasons[0] if row.reasons else None)
    why = None if part is None or not part.zh else Words(part.zh, part.en)
    if row.put_by == "rule" and row.rules:
        # The grade is the rule's: what the model found is not what put it there.
        why = Words(f"命中规则「{row.rules[0].zh}」", f"the rule “{row.rules[0].en}” holds")
    zh = f"{grade.zh}色风险提示：未来90日查实欠薪的预计概率为 {row.p90:.0%}"
    en = f"{grade.en.capitalize()}: estimated probability of verified arrears within 90 days {row.p90:.0%}"
    if row.workers is not None and row.amount is not None:
        zh += f"；如发生，预计涉及约 {row.workers:,.0f} 人、{yuan(row.amount).zh}"
        en += f"; if it happens, about {row.workers:,.0f} people and {yuan(row.amount).en}"
    if why is not None:
        zh += f"。首要原因：{why.zh}"
        en += f". Main reason: {why.en}"
    return Words(zh.rstrip("。") + "。", en.rstrip(".") + ".")


def _legs(row: Row, standing: Mapping[str, Any]) -> tuple[tuple[Words, Words], ...]:
    also = f"（协同：{'、'.join(row.regulators_also)}）" if row.regulators_also else ""
    english = ", ".join(regulators.english(name) for name in row.regulators)
    return (
        (Words(f"属地：{row.district_name}", f"district {row.district}"), _words(standing["legs"]["place"])),
        (Words(f"行业主管：{row.regulator}{also}", english), _words(standing["legs"]["regulator"])),
    )


def _traces(published: Published, row: Row, ledger_head: str) -> tuple[tuple[Words, str], ...]:
    manifest = published.manifest
    traces = (
        (Words("预警编号", "warning"), row.warning_id),
        (Words("名单编号", "list"), published.list_id),
        (Words("数据截止", "data before"), f"{published.as_of.isoformat()} 00:00 +08:00"),
        (Words("模型版本", "model"), row.model_version),
        (
            Words("数据版本", "lake"),
            f"{manifest.text('lake_commit')} {manifest.text('lake_commit_hash')}".strip(),
        ),
        (Words("配置", "configuration"), manifest.text("config_hash")),
        (Words("程序版本", "code"), manifest.text("code_version")),
        (Words("留痕编号", "ledger head"), ledger_head),
    )
    return tuple(trace for trace in traces if trace[1])


def yuan(amount: float) -> Words:
    """Return an amount of yuan as people say it: 万元 from ten thousand on, 亿元 from a hundred million on.

    >>> yuan(1234567.0).zh, yuan(1234567.0).en
    ('123.5万元', '1.23 million yuan')
    """
    if amount >= 1e8:
        return Words(f"{amount / 1e8:.2f}亿元", f"{amount / 1e6:,.0f} million yuan")
    if amount >= 1e6:
        return Words(f"{amount / 1e4:,.1f}万元", f"{amount / 1e6:,.2f} million yuan")
    if amount >= 1e4:
        return Words(f"{amount / 1e4:.1f}万元", f"{amount:,.0f} yuan")
    return Words(f"{amount:,.0f}元", f"{amount:,.0f} yuan")


def yuan_range(low: float | None, high: float | None) -> str:
    """Return an interval of yuan in Chinese, the unit said once where both ends share it.

    >>> yuan_range(81000.0, 402000.0), yuan_range(900.0, 20000.0)
    ('8.1–40.2万元', '900元–2.0万元')
    """
    if low is None or high is None:
        return "—"
    start, end = yuan(low).zh, yuan(high).zh
    shared = next((unit for unit in ("亿元", "万元") if start.endswith(unit) and end.endswith(unit)), "")
    return f"{start.removesuffix(shared)}–{end}"


def plain_number(value: float | None) -> str:
    """Return a feature's value with as many digits as a reader can use; — where there is none.

    >>> plain_number(1234.5), plain_number(0.25), plain_number(3.0), plain_number(None)
    ('1,234', '0.25', '3', '—')
    """
    if value is None:
        return "—"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.005 else f"{value:.2g}"


def _words(entry: Mapping[str, str]) -> Words:
    return Words(entry["zh"], entry["en"])


@cache
def _standing() -> Mapping[str, Any]:
    text = resources.files(__package__ or "").joinpath("standing.yaml").read_text(encoding="utf-8")
    content: Mapping[str, Any] = read_yaml(text)
    return content
