"""A made-up published list: both kinds, all grades, names that want to do harm."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anxin.models.grades import ByRules, Promise, Promises
from anxin.serving import schema

FORMULA_NAME = "=cmd|' /C calc'!A0"
SCRIPT_NAME = "<script>alert(1)</script>劳务有限公司"
CLEARED_ID = "91500106MA5CLEAR01"
SECTION_ID = "2403-500106-04-01-123456#2"
DAY = date(2026, 1, 12)
PROMISES = Promises(
    confidence=0.9,
    ageing=0.12,
    dates=("2025-03-02", "2025-05-31", "2025-08-29"),
    each=(
        Promise(4, 0.4, 0.37, True, "", 61, 35, 30, 14),
        Promise(3, 0.2, 0.18, True, "", 140, 44, 90, 25),
        Promise(2, 0.1, 0.08, False, "not_shown", 300, 27, 250, 20),
        Promise(1, 0.05, 0.05, False, "not_shown", 500, 20, 450, 15),
    ),
    by_rules=(
        ByRules(4, 9, 5, 4, 1),
        ByRules(3, 12, 4, 8, 2),
        ByRules(2, 40, 3, 30, 1),
        ByRules(1, 0, 0, 0, 0),
    ),
)
DISTRICTS = [("500106", "沙坪坝区"), ("500119", "南川区"), ("500112103", "渝北区"), ("500103", "渝中区")]
EMPLOYERS = ["渝江精密机械制造", "南麓服饰", "巴渝火锅餐饮管理", "长嘉物流", "云篆山文旅开发", "金佛劳务"]
PROJECTS = ["沙坪坝区西永组团L12地块住宅项目", "南川区凤嘴江综合治理工程", "渝北两路标准厂房三期(总承包)"]

REASONS: list[dict[str, Any]] = [
    {
        "feature": "wage_gap_days",
        "family": "payroll",
        "value": 47.0,
        "usual": 31.0,
        "source": "payroll",
        "basis": "条例 31 (代发)",
        "zh": "距上次足额代发工资已 47 天,平时约 31 天",
        "en": "47 days since wages were last paid in full, usually about 31",
    },
    {
        "feature": "energy_level_28d",
        "family": "energy",
        "value": 0.38,
        "usual": 0.96,
        "source": "energy_usage",
        "basis": "条例 38 (水电燃气)",
        "zh": "近28天日均用电为此前半年自身水平的38%，同类对象通常为96%",
        "en": "Daily electricity of the last 28 days is 38% of its own level in the half year before; "
        "comparable subjects usually 96%",
    },
    {
        "feature": "overdue_days",
        "family": "credit",
        "value": 58.0,
        "usual": 0.0,
        "source": "credit",
        "basis": "条例 38 (信贷)",
        "zh": "贷款逾期 58 天",
        "en": "a loan is 58 days overdue",
    },
    {
        "feature": "suits_90",
        "family": "litigation",
        "value": 3.0,
        "usual": 0.0,
        "source": "litigation",
        "basis": "方案 20 (诉讼)",
        "zh": "90 天内新增 3 件买卖、劳务合同被告案件",
        "en": "3 new suits as defendant in 90 days",
    },
]
LOWERING = {
    "feature": "insured_trend",
    "family": "profile",
    "value": 1.02,
    "usual": 1.0,
    "source": "payroll",
    "basis": "条例 38",
    "zh": "参保人数稳定,近半年增长 2%",
    "en": "insured headcount steady, up 2 % in half a year",
}


RULE: dict[str, Any] = {
    "name": "unpaid_two_months",
    "zh": "欠发工资两个月及以上",
    "en": "wages of two months or more unpaid",
    "articles": ["tiaoli-12", "jiancha-26"],
    "law": "《保障农民工工资支付条例》第12条、《劳动保障监察条例》第26条",
    "law_en": "Regulation on Ensuring Wage Payment to Migrant Workers, art. 12",
    "ask": "书面工资支付台账；银行代发回单",
    "ask_en": "written wage ledger; bank pay slips",
    "feature": "wages_unpaid_months",
    "value": 2.0,
    "raises_to": 3,
}


LEAVE: list[dict[str, Any]] = [
    {
        "reached": True,
        "p90": 0.21,
        "changes": [
            {
                "feature": "bills_unpaid_days",
                "family": "energy",
                "value": 47.0,
                "to": 0.0,
                "others": 3,
                "zh": "账单最长逾期天数由47恢复到0",
                "en": "longest days a utility bill is overdue from 47 to 0",
            }
        ],
    },
    {"reached": False, "p90": 0.5, "changes": []},
    {"reached": True, "p90": 0.1, "changes": []},
]


def publish(
    lists: Path, day: date = DAY, list_id: str = "L-20260112-7f3a", previous: str | None = None
) -> Path:
    """Write a list of 40 rows for `day` and return its folder."""
    folder = lists / day.isoformat() / list_id
    folder.mkdir(parents=True)
    rows = [_row(number, day) for number in range(40)]
    if day < DAY:
        rows[39] |= {"subject_id": CLEARED_ID, "name": "已解除电子厂"}
    explanations = [line for row in rows for line in _explained(row)]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.LIST), folder / "list.parquet")
    scores = [{name: row.get(name) for name in schema.SCORES.names} | {"as_of": day} for row in rows]
    scores.append({**scores[0], "subject_id": "91500000UNLISTED0X", "grade": 0, "p90": 0.01})
    pq.write_table(pa.Table.from_pylist(scores, schema=schema.SCORES), folder / "scores.parquet")
    pq.write_table(
        pa.Table.from_pylist(explanations, schema=schema.EXPLANATIONS), folder / "explanations.parquet"
    )
    cleared = {
        "kind": "employer",
        "subject_id": CLEARED_ID,
        "name": "已解除电子厂",
        "warning_id": "W-0",
        "grade": 2,
        "why_zh": "工资已补发",
        "why_en": "wages were made up",
    }
    pq.write_table(pa.Table.from_pylist([cleared], schema=schema.CLEARED), folder / "cleared.parquet")
    (folder / "manifest.json").write_text(json.dumps(_manifest(day, list_id, previous)), encoding="utf-8")
    return folder


def _row(number: int, day: date) -> dict[str, Any]:
    kind = "project" if number % 3 == 2 else "employer"
    place = number % len(DISTRICTS)
    grade = (4, 3, 3, 2, 2, 2, 1, 1)[number % 8]
    p90 = round(0.94 - 0.02 * number, 4)
    name = (
        f"{EMPLOYERS[number % len(EMPLOYERS)]}有限公司{'第' + str(number) + '分公司' if number > 5 else ''}"
    )
    subject = f"91500{number:03d}MA5U{number:05d}X"
    if kind == "project":
        name, subject = PROJECTS[number % len(PROJECTS)], f"2403-500106-04-01-{number:06d}"
    name, subject = {3: (FORMULA_NAME, subject), 4: (SCRIPT_NAME, subject), 5: (name, SECTION_ID)}.get(
        number, (name, subject)
    )
    contributions = (1.42, 0.93, 0.61, 0.22)
    reasons = [
        {**reason, "contribution": part, "date": day - timedelta(days=3 + 5 * at)}
        for at, (reason, part) in enumerate(zip(REASONS, contributions, strict=True))
    ][number % 2 :]
    return {
        "rank": number + 1,
        "warning_id": f"W-{day:%Y}-{number:05d}",
        "kind": kind,
        "subject_id": subject,
        "name": name,
        "district": DISTRICTS[place][0],
        "district_name": DISTRICTS[place][1],
        "regulator": "住房城乡建委" if kind == "project" else ("经济信息委", "商务委")[number % 2],
        "regulators_also": ["国资委"] if number % 5 == 0 else [],
        "grade": grade,
        "in_hand": number % 4 == 1,
        "p30": round(p90 * 0.55, 4),
        "p90": p90,
        "p180": min(0.99, round(p90 * 1.12, 4)),
        "score": sum(reason["contribution"] for reason in reasons) - 0.35 - 2.1,
        "workers": float(12 + 9 * (number % 7)),
        "workers_lo": float(5 + 4 * (number % 7)),
        "workers_hi": float(30 + 20 * (number % 7)),
        "amount": 184_000.0 * (1 + number % 9),
        "amount_lo": 81_000.0 * (1 + number % 9),
        "amount_hi": 402_000.0 * (1 + number % 9),
        "p_major": (0.04, 0.31, 0.12)[number % 3],
        "change": ("new", "continuing", "upgraded", "eased")[number % 4],
        "change_zh": ("首次出现逾期", "", "新增 2 件被告案件", "已补发 12 月工资")[number % 4],
        "change_en": ("first overdue loan", "", "2 new suits", "December wages made up")[number % 4],
        "since": day - timedelta(days=0 if number % 4 == 0 else number),
        "put_by": "rule" if number == 7 else "model",
        "reasons": reasons[:3],
        "lowering": [{**LOWERING, "contribution": -0.35, "date": day}],
        "families": _families([*reasons, {**LOWERING, "contribution": -0.35}]),
        "rules": [{**RULE, "date": day - timedelta(days=9)}] if number % 2 == 0 else [],
        "leave": LEAVE[number % len(LEAVE)],
        **_visit(number, day),
        "model_version": f"{kind}-2025-12-01-a1b2c3",
    }


def _visit(number: int, day: date) -> dict[str, Any]:
    by = ("check", "call", "beyond")[number % 3]
    gone = by != "beyond"
    return {
        "grade_model": 1,
        "grade_why_zh": "规则「欠发工资两个月及以上」升为蓝（模型：未列）" if number == 7 else "",
        "grade_why_en": "raised to blue by a rule" if number == 7 else "",
        "propensity": None,
        "visit": f"V{day:%Y%m%d}-500106-{number:08d}" if gone else None,
        "visit_by": by,
        "visit_order": number + 1 if gone else None,
        "visit_why": f"{'检查' if by == 'check' else '走访'}第{number + 1}处，概率45%"
        if gone
        else "超出力量：今日检查4处、走访12处已排满",
        "visit_why_en": "one of today's visits" if gone else "beyond today's strength",
        "visited_on": day if gone else None,
    }


def _families(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[str, float] = {}
    for part in parts:
        sums[part["family"]] = sums.get(part["family"], 0.0) + part["contribution"]
    return [
        {"family": name, "contribution": size} for name, size in sorted(sums.items(), key=lambda one: -one[1])
    ]


def _explained(row: dict[str, Any]) -> list[dict[str, Any]]:
    day = row["reasons"][0]["date"]
    who = {"kind": row["kind"], "subject_id": row["subject_id"]}
    parts = [
        {**who, **reason, "contribution": part, "date": day - timedelta(days=at)}
        for at, (reason, part) in enumerate(zip(REASONS, (1.42, 0.93, 0.61, 0.22), strict=True))
    ][0 if len(row["reasons"]) == 3 and row["reasons"][0]["feature"] == "wage_gap_days" else 1 :]
    quiet = {
        **LOWERING,
        "feature": "quiet",
        "contribution": 0.0,
        "value": None,
        "zh": "",
        "en": "",
        "date": None,
    }
    base = {"feature": "", "family": "", "contribution": -2.1, "zh": "", "en": ""}
    lowering = {**LOWERING, "contribution": -0.35, "date": day}
    return [*parts, {**who, **lowering}, {**who, **quiet}, {**who, **base}]


def _manifest(day: date, list_id: str, previous: str | None) -> dict[str, Any]:
    def mark(silent: int, rows: int = 120_000) -> dict[str, Any]:
        last = day - timedelta(days=silent)
        return {
            "last_event": str(last),
            "last_received": f"{last}T05:12:00",
            "rows": rows,
            "silent_days": silent,
        }

    return {
        "list_id": list_id,
        "as_of": day.isoformat(),
        "lake_commit": 41,
        "lake_commit_hash": "9c1f" * 16,
        "models": {
            "employer": {"model_id": "employer-2025-12-01-a1b2c3", "base_rate": 0.021},
            "project": {"model_id": "project-2025-12-01-a1b2c3", "base_rate": 0.034},
        },
        "config_hash": "55aa" * 8,
        "code_version": "0.1.0+g13c59b7",
        "previous_list_id": previous,
        "seed": 1,
        "watermarks": {
            "energy_usage": mark(2),
            "credit": mark(43),
            "litigation": mark(1),
            "payroll": mark(6),
            "complaints": {"last_event": None, "last_received": None, "rows": 0, "silent_days": None},
        },
        "counts": {"employer": 27, "project": 13},
        "promises": {"employer": PROMISES.to_json(), "project": Promises.configured().to_json()},
        "retrospective": False,
    }
