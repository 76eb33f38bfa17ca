"""The report as PDF on A4: one page of findings and an annex, with its own fonts inside."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from importlib import resources

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, TextMode, WrapMode, XPos, YPos

from anxin.domain import law
from anxin.serving import wording
from anxin.serving.feeds_named import feed_name
from anxin.serving.looks import long_day, people
from anxin.serving.published import Reason, RuleHit
from anxin.serving.reports.facts import Facts, yuan, yuan_range
from anxin.serving.reports.measures import measured, named
from anxin.serving.wording import Words, percent

# The subsetting of a 4 MB font is told line by line at INFO; nobody running the service wants it.
logging.getLogger("fontTools").setLevel(logging.WARNING)

_INK, _SOFT, _LINE = (27, 31, 36), (106, 111, 118), (217, 220, 224)
_SEALS = {4: (179, 38, 30), 3: (199, 91, 0), 2: (245, 208, 74), 1: (42, 94, 168)}
_UP, _DOWN = (179, 38, 30), (47, 111, 79)
_WIDE = 182.0
# The first page is what a person carries: signals may reach down to here, what lowers the risk to there, and below
# stands who goes and by when. What finds no room is counted, and stands in the annex.
_SIGNALS_END, _LOWERING_END, _DISPATCH_START, _TRACES_START = 174.0, 204.0, 232.0, 236.0
_BOX = 14.0
_COLUMNS = (90.0, 17.0, 17.0, 23.0, 20.0, 15.0)
_LATIN, _HAN = "latin", "han"


class _Sheet(FPDF):  # type: ignore[misc]  # fpdf2 has no types
    """An A4 sheet that knows its margins, its two fonts and its footer."""

    def __init__(self) -> None:
        super().__init__(format="A4")
        fonts = resources.files(__package__ or "").joinpath("fonts")
        for family, style, name in (
            (_LATIN, "", "Roboto-Regular.ttf"),
            (_LATIN, "B", "Roboto-Bold.ttf"),
            (_HAN, "", "DroidSansFallbackFull.ttf"),
        ):
            with resources.as_file(fonts.joinpath(name)) as path:
                self.add_font(family, style, path)
        # Both styles fall back to the one Han face; `bold` below draws its strokes thicker.
        self.set_fallback_fonts([_HAN], exact_match=False)
        self.set_margins(14, 12, 14)
        self.set_auto_page_break(auto=True, margin=17)
        self.set_lang("zh-CN")

    def footer(self) -> None:
        self.set_y(-13)
        self.set_draw_color(*_INK)
        self.line(14, self.get_y(), 14 + _WIDE, self.get_y())
        self.write_line(wording.REPORT_NOTICE.zh, 8, height=4.2, width=_WIDE - 20)
        self.set_xy(14, -8.6)
        self.write_line(wording.REPORT_NOTICE.en, 6.5, colour=_SOFT, height=3.4, width=_WIDE - 20)
        self.set_xy(176, -12)
        self.set_font(_LATIN, "", 8)
        self.cell(20, 4, f"{self.page_no()} / {{nb}}", align="R")

    def write_line(
        self,
        text: str,
        size: float,
        *,
        colour: tuple[int, int, int] = _INK,
        bold: bool = False,
        height: float = 0.0,
        width: float = 0.0,
        align: str = "L",
    ) -> None:
        """Write text across `width` (0: to the right margin) and go to the next line."""
        left = self.get_x()
        self.set_font(_LATIN, "B" if bold else "", size)
        self.set_text_color(*colour)
        step = height or size * 0.52
        lines = self.multi_cell(
            width, step, text, wrapmode=_wrapping(text), dry_run=True, output=MethodReturnValue.LINES
        )
        with self.local_context():
            if bold:  # the Han face has no bold of its own
                self.text_mode = TextMode.FILL_STROKE
                self.set_draw_color(*colour)
                self.set_line_width(size * 0.008)
            for line in lines:
                # fpdf2 2.8 leaves the font out of a second line that begins in the Latin face, and the line is lost:
                # each is a cell of its own, its font said anew.
                self.font_family = ""
                self.set_font(_LATIN, "B" if bold else "", size)
                self.set_x(left)
                self.cell(width, step, line, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_x(left)

    def section(self, zh: str, en: str) -> None:
        """Open a section, on the next page if only the heading would fit on this one."""
        if self.get_y() > 262:
            self.add_page()
        self.ln(2.6)
        self.set_x(14)
        top = self.get_y()
        self.write_line(zh, 11, bold=True, height=5.4)
        self.set_font(_LATIN, "", 11)
        self.set_xy(14 + self.get_string_width(zh) + 2.5, top + 0.5)
        self.write_line(en, 7.5, colour=_SOFT, height=5)
        self.set_xy(14, top + 6.2)

    def both(self, said: Words, size: float = 9.0, *, indent: float = 0.0, bold: bool = False) -> None:
        """Write Chinese, and the English beneath it, small and grey."""
        self.set_x(14 + indent)
        self.write_line(said.zh, size, bold=bold, width=_WIDE - indent)
        if said.en and said.en != said.zh:
            self.write_line(said.en, size * 0.76, colour=_SOFT, width=_WIDE - indent)
        self.set_x(14)


def _wrapping(text: str) -> WrapMode:
    """Break English between words, Chinese (which has no spaces) anywhere."""
    return WrapMode.CHAR if any("\u4e00" <= letter <= "\u9fff" for letter in text) else WrapMode.WORD


def to_pdf(facts: Facts) -> bytes:
    """Return the report as PDF; the same facts give the same bytes."""
    sheet = _Sheet()
    sheet.set_title(f"风险研判报告 {facts.row.name} {facts.as_of}")
    sheet.set_author("安薪 Anxin")
    sheet.set_creation_date(datetime.combine(facts.as_of, time(), tzinfo=None))
    sheet.add_page()
    _header(sheet, facts)
    _summary(sheet, facts)
    _subject(sheet, facts)
    _rules(sheet, facts)
    _families(sheet, facts)
    raising = _parts(sheet, ("主要风险信号", "what raises the risk"), facts.signals, _UP, _SIGNALS_END)
    lowering = _parts(sheet, ("反向因素", "what lowers it"), facts.lowering, _DOWN, _LOWERING_END)
    left_out = (*facts.signals[raising:], *facts.lowering[lowering:])
    _balance(sheet, facts, len(left_out))
    if facts.leave is not None:
        sheet.both(Words(f"如何退出本级：{facts.leave.zh}。", facts.leave.en), 8.5)
    _dispatch(sheet, facts)
    if sheet.page_no() == 1:  # what had no room on the first page has begun the second
        sheet.add_page()
    if left_out:
        sheet.section("首页未列出的信号", "signals the first page has no room for")
        for part in left_out:
            sheet.both(Words(f"{part.zh}（贡献 {part.contribution:+.2f}）", part.en), 8.5)
    _annex(sheet, facts)
    return bytes(sheet.output())


def _header(sheet: _Sheet, facts: Facts) -> None:
    row = facts.row
    sheet.set_fill_color(*_SEALS.get(row.grade, _SOFT))
    sheet.rect(14, 12, 15, 15, style="F", round_corners=True, corner_radius=1)
    sheet.set_xy(14, 14.6)
    ink = _INK if row.grade == 2 else (255, 255, 255)
    sheet.write_line(wording.grade(row.grade).zh, 22, colour=ink, bold=True, height=10, width=15, align="C")
    sheet.set_xy(32, 11.6)
    sheet.write_line("风险研判报告  explanation report", 8, colour=_SOFT, width=110, height=4)
    sheet.set_x(32)
    sheet.write_line(row.name, 15 if len(row.name) < 24 else 12, bold=True, width=116)
    sheet.set_x(32)
    kind = wording.words(wording.KINDS, row.kind).zh
    sheet.write_line(f"{kind} {row.subject_id}", 8.5, colour=_SOFT, width=116, height=4.4)
    bottom = max(sheet.get_y(), 28.0)
    sheet.set_xy(146, 12)
    sheet.write_line(long_day(facts.as_of), 9, width=50, height=5, align="R")
    sheet.set_x(146)
    sheet.write_line(row.warning_id, 8, colour=_SOFT, width=50, height=4.4, align="R")
    sheet.set_draw_color(*_INK)
    sheet.set_line_width(0.5)
    sheet.line(14, bottom + 1.5, 14 + _WIDE, bottom + 1.5)
    sheet.set_line_width(0.2)
    sheet.set_xy(14, bottom + 4)


def _summary(sheet: _Sheet, facts: Facts) -> None:
    row = facts.row
    sheet.both(facts.head, 11.5, bold=True)
    if facts.retrospective:
        sheet.both(wording.RETROSPECTIVE, 8.5)
    figures = (
        ("90日概率 p90", percent(row.p90), f"30日 {percent(row.p30)} · 180日 {percent(row.p180)}"),
        ("预计人数 people", people(row.workers), f"{people(row.workers_lo)} – {people(row.workers_hi)}"),
        ("预计金额 amount", _money(row.amount), yuan_range(row.amount_lo, row.amount_hi)),
        ("距春节 to Spring Festival", f"{facts.days_to_spring_festival} 天", f"预警期至 {facts.window_end}"),
    )
    sheet.ln(1.6)
    top, width = sheet.get_y(), _WIDE / len(figures)
    sheet.set_draw_color(*_LINE)
    sheet.line(14, top, 14 + _WIDE, top)
    sheet.line(14, top + 16, 14 + _WIDE, top + 16)
    for at, (name, value, more) in enumerate(figures):
        left = 14 + at * width + (2 if at else 0)
        if at:
            sheet.line(left - 2, top + 2, left - 2, top + 14)
        sheet.set_xy(left, top + 1.2)
        sheet.write_line(name, 7.5, colour=_SOFT, width=width - 2, height=4)
        sheet.write_line(value, 14, bold=True, width=width - 2, height=6)
        sheet.write_line(more, 7.5, colour=_SOFT, width=width - 2, height=4)
    sheet.set_xy(14, top + 16)


def _subject(sheet: _Sheet, facts: Facts) -> None:
    row = facts.row
    place = row.district_name if row.district_name == row.district else f"{row.district_name} {row.district}"
    put_by = wording.words(wording.PUT_BY, row.put_by).zh
    state = (wording.IN_HAND if row.in_hand else wording.NEW_FINDS).zh
    change = wording.words(wording.CHANGES, row.change).zh
    sheet.section("对象概况", "subject")
    pairs = [
        ("属地", place),
        ("主管部门", "、".join(row.regulators)),
        ("状态", f"{state} · {change}"),
        (
            "在榜",
            f"自 {row.since} 起 {facts.days_listed} 天 · 由{put_by}列入",
        ),
    ]
    if row.grade_why_zh:
        pairs.append(("划级", row.grade_why_zh))
    if row.change_zh:
        pairs.append(("变化", row.change_zh))
    if row.visit_why:
        pairs.append(("当日出动", row.visit_why))
    if facts.trend:
        past = "、".join(f"{trend.as_of:%m-%d} {percent(trend.p90)}" for trend in facts.trend[-3:])
        pairs.append(("走势", f"{past}、今日{percent(row.p90)}"))
    if facts.ability is not None:
        said = facts.ability.words.zh
        if facts.ability.level >= 0:
            said += f"（仅凭资金迹象，90日概率 {percent(facts.ability.probability)}）"
        pairs.append(("支付能力", said))
    _pairs(sheet, pairs)
    if facts.major:
        said = f"如发生，达到“一事一策”专班规模（30人以上或100万元以上）的概率为 {percent(row.p_major or 0)}"
        sheet.both(Words(said, ""), 9, bold=True)


def _pairs(sheet: _Sheet, pairs: Sequence[tuple[str, str]]) -> None:
    """Write name and value in two columns, each pair as high as its higher half."""
    half = _WIDE / 2
    for start in range(0, len(pairs), 2):
        top = bottom = sheet.get_y()
        for side, (name, value) in enumerate(pairs[start : start + 2]):
            left = 14 + side * half
            sheet.set_xy(left, top)
            sheet.write_line(name, 8, colour=_SOFT, width=20, height=4.7)
            sheet.set_xy(left + 20, top)
            sheet.write_line(value, 9, width=half - 23, height=4.7)
            bottom = max(bottom, sheet.get_y())
        sheet.set_xy(14, bottom)


def _rules(sheet: _Sheet, facts: Facts) -> None:
    if not facts.rules:
        return
    sheet.section("规则命中", "red flags of law and practice")
    for hit in facts.first_rules:
        sheet.write_line(hit.zh, 9, bold=True, height=4.5)
        basis = law.short(hit.articles)
        told = " · ".join(filter(None, (_evidence(hit), basis, hit.en)))
        sheet.write_line(told, 7.2, colour=_SOFT, height=3.6)
    more = len(facts.rules) - len(facts.first_rules)
    if more:
        sheet.write_line(f"另有 {more} 项，见附页 the others are in the annex", 7.5, colour=_SOFT, height=4)


def _evidence(hit: RuleHit) -> str:
    return " · ".join(filter(None, (named(hit.feature, hit.value), str(hit.date or ""))))


def _families(sheet: _Sheet, facts: Facts) -> None:
    if not facts.families:
        return
    sums = " · ".join(
        f"{wording.words(wording.FAMILIES, one.family).zh} {one.contribution:+.2f}" for one in facts.families
    )
    sheet.ln(1.6)
    sheet.set_x(14)
    sheet.write_line(f"各类合计：{sums}", 8, colour=_SOFT, height=4.2)


def _parts(
    sheet: _Sheet, titled: tuple[str, str], parts: Sequence[Reason], colour: tuple[int, int, int], end: float
) -> int:
    """Write parts strongest first down to `end` on the first page; returns how many found room."""
    if not parts:
        return 0
    sheet.section(*titled)
    _cells(sheet, ("事实 fact", "数值 value", "通常 usual", "日期 date", "来源 source", "贡献"))
    widest = max(abs(part.contribution) for part in parts)
    for place, part in enumerate(parts):
        if sheet.get_y() > end:
            return place
        top = sheet.get_y() + 1
        sheet.set_xy(14, top)
        sheet.write_line(part.zh, 9, width=_COLUMNS[0] - 2, height=4.5)
        if part.en:
            sheet.write_line(part.en, 6.8, colour=_SOFT, width=_COLUMNS[0] - 2, height=3.3)
        bottom = sheet.get_y()
        day = part.date.isoformat() if part.date else "—"
        source = feed_name(part.source) if part.source else "—"
        values = (
            measured(part.feature, part.value),
            measured(part.feature, part.usual),
            day,
            source,
            f"{part.contribution:+.2f}",
        )
        left = 14 + _COLUMNS[0]
        for width, value, align in zip(_COLUMNS[1:], values, "RRLLR", strict=True):
            inset = 3.0 if align == "L" else 0.0
            sheet.set_xy(left + inset, top)
            sheet.write_line(value, 8.5, width=width - inset, height=4.5, align=align)
            bottom = max(bottom, sheet.get_y())
            left += width
        bar = 14 * abs(part.contribution) / widest
        sheet.set_fill_color(*colour)
        sheet.rect(14 + _WIDE - bar - 1, top + 5, bar, 1.2, style="F")
        sheet.set_draw_color(*_LINE)
        sheet.line(14, bottom + 1, 14 + _WIDE, bottom + 1)
        sheet.set_xy(14, bottom + 1)
    return len(parts)


def _cells(sheet: _Sheet, names: Iterable[str]) -> None:
    left, top = 14.0, sheet.get_y()
    for width, name, align in zip(_COLUMNS, names, "LRRLLR", strict=True):
        inset = 3.0 if align == "L" and left > 14 else 0.0
        sheet.set_xy(left + inset, top)
        sheet.write_line(name, 7.5, colour=_SOFT, width=width - inset, height=4, align=align)
        left += width
    sheet.set_draw_color(*_INK)
    sheet.line(14, top + 4.4, 14 + _WIDE, top + 4.4)
    sheet.set_xy(14, top + 4.4)


def _balance(sheet: _Sheet, facts: Facts, left_out: int) -> None:
    balance = facts.balance
    unlisted = facts.rest + left_out
    base = "" if balance.base is None else f"基准 {balance.base:+.2f} · "
    rest = f"（含未列出的 {unlisted} 项）" if unlisted else ""
    sheet.ln(1.2)
    sheet.set_x(14)
    sides = f"升高合计 {balance.raising:+.2f} · 降低合计 {balance.lowering:+.2f}"
    sheet.write_line(f"{base}{sides} · 分值 {balance.score:+.2f}{rest}", 8, colour=_SOFT)


def _dispatch(sheet: _Sheet, facts: Facts) -> None:
    if sheet.get_y() > _DISPATCH_START:  # two columns that a page break parts are not readable
        sheet.add_page()
    sheet.section("交办建议", "dispatch, two legs")
    top = bottom = sheet.get_y()
    half = _WIDE / 2
    for side, (who, what) in enumerate(facts.legs):
        left = 14 + side * half
        sheet.set_xy(left, top)
        sheet.write_line(who.zh, 10, bold=True, width=half - 5, height=5)
        sheet.write_line(what.zh, 8.5, width=half - 5, height=4.3)
        sheet.write_line(f"{who.en} — {what.en}", 6.8, colour=_SOFT, width=half - 5, height=3.3)
        bottom = max(bottom, sheet.get_y())
    sheet.set_xy(14, bottom + 1)
    sheet.both(Words(f"时限建议：{facts.due.zh}。", facts.due.en), 9, bold=True)
    sheet.both(facts.who, 8)


def _annex(sheet: _Sheet, facts: Facts) -> None:
    sheet.section("建议核查清单", "papers to ask for")
    for hit in facts.rules:
        sheet.write_line(
            "，".join(filter(None, (hit.zh, _evidence(hit), law.short(hit.articles)))), 8, height=4
        )
        sheet.write_line(hit.en, 6.2, colour=_SOFT, height=2.9)
    sheet.ln(1.5)
    for asked in facts.asked:
        _box(sheet, asked)
    for paper in facts.papers:
        _box(
            sheet,
            Words(f"{paper.words.zh}（{paper.basis}）" if paper.basis else paper.words.zh, paper.words.en),
        )
    if facts.questions:
        sheet.section("针对本次信号须问清", "questions these signals raise")
        for question in facts.questions:
            _box(sheet, question)

    _records(sheet, facts)

    sheet.section("数据质量与不确定性", "data quality and uncertainty")
    sheet.both(_quality(facts), 8.5)

    _law(sheet, facts)

    if sheet.get_y() > 215:
        sheet.add_page()
    sheet.section("人工研判意见", "the officer's finding")
    _choices(sheet, ("确认交办 confirm", "暂不交办 hold", "不予认可 reject"))
    sheet.set_draw_color(*_INK)
    for name, left, width in (("理由 why", 14, _WIDE), ("", 14, _WIDE)):
        _blank(sheet, name, left, width)
        sheet.ln(9)
    for name, left in (("研判人 officer", 14), ("单位 unit", 77), ("日期 date", 140)):
        _blank(sheet, name, left, 56)
    sheet.ln(10)

    sheet.section("异议渠道", "to object")
    sheet.both(facts.objection, 8.5)
    if sheet.get_y() > _TRACES_START:
        sheet.add_page()
    sheet.section("模型版本、数据截止、留痕编号", "traces")
    for label, value in facts.traces:
        top = sheet.get_y()
        sheet.write_line(label.zh, 8, colour=_SOFT, width=20, height=4.2)
        sheet.set_xy(34, top)
        sheet.write_line(value, 8, width=_WIDE - 20, height=4.2)
        sheet.set_x(14)


def _records(sheet: _Sheet, facts: Facts) -> None:
    if facts.records:
        sheet.section("所依据的记录", "the records behind the signals")
    for table in facts.records:
        counted = "，按月计数" if table.note else ""
        sheet.write_line(f"{table.zh} 共 {table.total:,} 条{counted}，最近：", 8.5, bold=True, height=4.4)
        for line in table.told():
            sheet.write_line(line, 7.5, colour=_SOFT, height=3.9)


def _law(sheet: _Sheet, facts: Facts) -> None:
    if not (facts.reason_bases or facts.law):
        return
    sheet.section("法律依据", "legal basis")
    for basis, source in facts.reason_bases:
        sheet.both(Words(f"{basis}：{source}数据的使用依据" if source else basis, ""), 8.5)
    for article in facts.law:
        sheet.both(Words(f"{article.basis}：{article.words.zh}", ""), 8.5)


def _quality(facts: Facts) -> Words:
    if facts.late_feeds:
        late = "、".join(
            feed_name(mark.feed) + ("未接入" if mark.missing else f"已 {mark.silent_days} 天无新数据")
            for mark in facts.late_feeds
        )
        zh, en = f"{late}；相关信号可能不全。", "Some feeds are late or missing: signals may be incomplete. "
    else:
        zh, en = "各数据来源均在正常更新周期内。", "All feeds are within their usual cycle. "
    zh += "人数、金额为如发生欠薪时的估计及区间。"
    en += "People and amount are estimates if arrears happen, with their interval."
    if facts.sizes_alike:
        zh += "未能区分规模：同类对象的人数、金额均为同类案件的一般水平。"
        en += " They do not tell sizes apart: all subjects of the kind have those of its cases in general."
    if facts.missing_inputs:
        zh += f"{len(facts.missing_inputs)} 项指标无数据，按缺失处理。"
        en += f" Indicators without data: {len(facts.missing_inputs)}."
    return Words(zh, en)


def _box(sheet: _Sheet, said: Words) -> None:
    if sheet.will_page_break(_BOX):  # a box stands beside its words
        sheet.add_page()
    sheet.set_draw_color(*_INK)
    sheet.rect(14.5, sheet.get_y() + 0.9, 2.8, 2.8)
    sheet.both(said, 8.5, indent=6)
    sheet.ln(0.7)


def _choices(sheet: _Sheet, names: Sequence[str]) -> None:
    top = sheet.get_y()
    sheet.set_draw_color(*_INK)
    for at, name in enumerate(names):
        left = 14.5 + at * 45
        sheet.rect(left, top + 0.9, 3, 3)
        sheet.set_xy(left + 5, top)
        sheet.write_line(name, 9, width=38, height=4.8)
    sheet.set_xy(14, top + 7)


def _blank(sheet: _Sheet, name: str, left: float, width: float) -> None:
    top = sheet.get_y()
    sheet.set_xy(left, top)
    sheet.write_line(name, 8, colour=_SOFT, width=width, height=5)
    sheet.line(left, top + 6.5, left + width, top + 6.5)
    sheet.set_xy(14, top)


def _money(amount: float | None) -> str:
    return "—" if amount is None else yuan(amount).zh
