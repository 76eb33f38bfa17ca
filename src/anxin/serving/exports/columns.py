"""The columns of the risk list as people export it, in the order they read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from anxin.domain import law
from anxin.serving import leaving, wording
from anxin.serving.exports.sheets import Cell, Heading
from anxin.serving.published import Row


@dataclass(frozen=True)
class Column(Heading):
    """One column of the list, with the cell of a row on the list's day."""

    cell: Callable[[Row, date], Cell]


def _reason(position: int) -> Callable[[Row, date], Cell]:
    def cell(row: Row, _: date) -> Cell:
        return row.reasons[position].zh if position < len(row.reasons) else None

    return cell


def _basis(row: Row, _: date) -> Cell:
    return "; ".join(dict.fromkeys(reason.basis for reason in row.reasons[:3] if reason.basis))


def _rules(field: str) -> Callable[[Row, date], Cell]:
    def cell(row: Row, _: date) -> Cell:
        return "；".join(dict.fromkeys(getattr(hit, field) for hit in row.rules))

    return cell


def _ask(row: Row, _: date) -> Cell:
    return "；".join(dict.fromkeys(paper for hit in row.rules for paper in hit.ask.split("；")))


def _lowering(row: Row, _: date) -> Cell:
    return row.lowering[0].zh if row.lowering else None


def _leave(row: Row, _: date) -> Cell:
    said = leaving.said(row.leave)
    return None if said is None else said.zh


def _law(row: Row, _: date) -> Cell:
    return law.short(dict.fromkeys(id for hit in row.rules for id in hit.articles))


def _visit(row: Row, _: date) -> Cell:
    return None if row.visit_by is None else wording.words(wording.VISITS, row.visit_by).zh


COLUMNS: tuple[Column, ...] = (
    Column("预警编号", "warning_id", "text", 20, lambda row, _: row.warning_id),
    Column("数据截止日", "as_of", "date", 12, lambda _, day: day),
    Column("等级", "grade", "grade", 7, lambda row, _: wording.grade(row.grade).zh),
    Column("名次", "rank", "count", 7, lambda row, _: row.rank),
    Column("对象类型", "kind", "text", 10, lambda row, _: wording.words(wording.KINDS, row.kind).zh),
    Column("名称", "name", "long", 34, lambda row, _: row.name),
    Column("代码", "subject_id", "text", 24, lambda row, _: row.subject_id),
    Column("属地", "district_name", "text", 14, lambda row, _: row.district_name),
    Column("区划代码", "district", "text", 11, lambda row, _: row.district),
    Column("行业主管部门", "regulator", "text", 18, lambda row, _: row.regulator),
    Column("协同部门", "regulators_also", "text", 18, lambda row, _: "、".join(row.regulators_also)),
    Column(
        "新发现/在办",
        "in_hand",
        "text",
        12,
        lambda row, _: (wording.IN_HAND if row.in_hand else wording.NEW_FINDS).zh,
    ),
    Column("划级说明", "grade_why", "long", 30, lambda row, _: row.grade_why_zh),
    Column("列入方式", "put_by", "text", 10, lambda row, _: wording.words(wording.PUT_BY, row.put_by).zh),
    Column("30日概率", "p30", "percent", 10, lambda row, _: row.p30),
    Column("90日概率", "p90", "percent", 10, lambda row, _: row.p90),
    Column("180日概率", "p180", "percent", 10, lambda row, _: row.p180),
    Column("分值", "score", "number", 9, lambda row, _: row.score),
    Column("预计人数", "workers", "count", 10, lambda row, _: row.workers),
    Column("人数下限", "workers_lo", "count", 10, lambda row, _: row.workers_lo),
    Column("人数上限", "workers_hi", "count", 10, lambda row, _: row.workers_hi),
    Column("预计金额（元）", "amount_yuan", "money", 15, lambda row, _: row.amount),
    Column("金额下限（元）", "amount_lo_yuan", "money", 15, lambda row, _: row.amount_lo),
    Column("金额上限（元）", "amount_hi_yuan", "money", 15, lambda row, _: row.amount_hi),
    Column("重大概率（≥30人或≥100万元）", "p_major", "percent", 14, lambda row, _: row.p_major),
    Column("较上期变化", "change", "text", 12, lambda row, _: wording.words(wording.CHANGES, row.change).zh),
    Column("变化原因", "change_why", "long", 34, lambda row, _: row.change_zh),
    Column("首次列入", "since", "date", 12, lambda row, _: row.since),
    Column("连续在榜天数", "days_listed", "count", 12, lambda row, day: row.days_listed(day)),
    Column("原因一", "reason_1", "long", 46, _reason(0)),
    Column("原因二", "reason_2", "long", 46, _reason(1)),
    Column("原因三", "reason_3", "long", 46, _reason(2)),
    Column("依据", "basis", "long", 30, _basis),
    Column("反向因素", "lowering_1", "long", 46, _lowering),
    Column("退出本级", "leave", "long", 46, _leave),
    Column("规则命中", "rules", "long", 40, _rules("zh")),
    Column("规则法条", "rule_law", "long", 30, _law),
    Column("建议索取", "ask_for", "long", 46, _ask),
    Column("今日出动", "visit_by", "text", 10, _visit),
    Column("出动次序", "visit_order", "count", 9, lambda row, _: row.visit_order),
    Column("联合出动编号", "visit", "text", 26, lambda row, _: row.visit),
    Column("出动说明", "visit_why", "long", 40, lambda row, _: row.visit_why),
    Column("模型版本", "model_version", "text", 22, lambda row, _: row.model_version),
)
