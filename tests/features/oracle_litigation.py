"""Lawsuits."""

from __future__ import annotations

from collections.abc import Iterable

from .oracle import Past, Row, Values, newest, ratio, total


def litigation(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    rows = [{**row, "filed": past.age(row["filed_on"])} for row in past.rows("litigation", subject)]
    # Of an employer the courts say nothing about, nothing is set against its capital.
    capital = (past.registered(subject) or {}).get("registered_capital") if rows else None
    against = [row for row in rows if row["role"] == "defendant"]
    return _against(against, capital) | _claiming(
        [row for row in rows if row["role"] == "plaintiff"], capital
    )


def _against(rows: list[Row], capital: float | None) -> Values:
    filed = [row for row in rows if row["filed"] > 0]
    year = [row for row in filed if row["filed"] <= 365]
    standing = [row for row in filed if row["status"] != "closed"]
    wages = [row for row in filed if _wages(row)]
    by_status = {
        status: [row for row in rows if row["status"] == status]
        for status in ("enforcing", "dishonest", "restricted")
    }
    enforced = [row for each in by_status.values() for row in each]
    found: Values = {f"suits_{status}": len(each) for status, each in by_status.items()}
    found |= {f"suits_{status}_days": newest(each) for status, each in by_status.items()}
    causes = {
        "construction": "construction_contract",
        "loan": "loan",
        "sale": "sale_contract",
        "lease": "lease",
    }
    found |= {f"suits_{n}_365d": sum(row["cause"] == cause for row in year) for n, cause in causes.items()}
    for name, cause in causes.items():
        found[f"suit_{name}_last_days"] = _latest([row for row in filed if row["cause"] == cause])
    return found | {
        "suits_90d": sum(row["filed"] <= 90 for row in filed),
        "suits_365d": len(year),
        "suits_rise_180d": sum(1 if row["filed"] <= 180 else -1 for row in filed if row["filed"] <= 360),
        "suits_amount_365d": _sum(year),
        "suits_capital_365d": ratio(_sum(year), capital),
        "suits_open": len(standing),
        "suits_open_amount": _sum(standing),
        "suits_open_capital": ratio(_sum(standing), capital),
        "suits_wages_90d": sum(row["filed"] <= 90 for row in wages),
        "suits_wages_365d": sum(row["filed"] <= 365 for row in wages),
        "suits_wages_amount_365d": _sum(row for row in wages if row["filed"] <= 365),
        "suits_wages_open": sum(row["status"] != "closed" for row in wages),
        "suits_wages_enforced": sum(map(_wages, enforced)),
        "suit_wages_days": _latest(wages),
        "suits_enforced": len(enforced),
        "suits_enforced_amount": _sum(enforced),
        "suits_enforced_capital": ratio(_sum(enforced), capital),
        "suits_enforced_days": newest(enforced),
        "suit_open_last_days": _latest(standing),
        "suit_wages_open_last_days": _latest([row for row in standing if _wages(row)]),
        "suit_wages_enforced_last_days": newest(row for row in enforced if _wages(row)),
        "suit_last_days": _latest(filed),
    }


def _claiming(rows: list[Row], capital: float | None) -> Values:
    filed = [row for row in rows if row["filed"] > 0]
    year = [row for row in filed if row["filed"] <= 365]
    owed = [row for row in filed if row["cause"] in ("construction_contract", "sale_contract")]
    standing = [row for row in owed if row["status"] != "closed"]
    enforced = [row for row in owed if row["status"] in ("enforcing", "dishonest", "restricted")]
    return {
        "suits_claiming_365d": len(year),
        "suits_claiming_amount_365d": _sum(year),
        "suit_claiming_last_days": _latest(year),
        "suits_owed_365d": sum(row["filed"] <= 365 for row in owed),
        "suits_owed_open": len(standing),
        "suits_owed_amount": _sum(standing),
        "suits_owed_capital": ratio(_sum(standing), capital),
        "suits_owed_enforced": len(enforced),
        "suit_owed_open_last_days": _latest(standing),
        "suit_owed_enforced_last_days": newest(enforced),
        "suit_owed_last_days": _latest(owed),
    }


def _wages(row: Row) -> bool:
    return bool(row["cause"] == "labour_remuneration")


def _latest(rows: list[Row]) -> float | None:
    return min((row["filed"] for row in rows), default=None)


def _sum(rows: Iterable[Row]) -> float:
    return float(total(row["amount"] for row in rows))


FAMILIES = (litigation,)
