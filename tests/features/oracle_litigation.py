"""Lawsuits."""

from __future__ import annotations

from .oracle import Past, Values, newest, total


def litigation(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    rows = [{**row, "filed": past.age(row["filed_on"])} for row in past.rows("litigation", subject)]
    against = [row for row in rows if row["role"] == "defendant"]
    filed = [row for row in against if row["filed"] > 0]
    year = [row for row in filed if row["filed"] <= 365]
    claims = [row for row in rows if row["role"] == "plaintiff" and 0 < row["filed"] <= 365]
    enforced = [row for row in against if row["status"] in ("enforcing", "dishonest", "restricted")]
    return {
        "suits_90d": sum(row["filed"] <= 90 for row in filed),
        "suits_365d": len(year),
        "suits_amount_365d": float(total(row["amount"] for row in year)),
        "suits_wages_365d": sum(row["cause"] == "labour_remuneration" for row in year),
        "suits_loan_365d": sum(row["cause"] == "loan" for row in year),
        "suits_enforced": len(enforced),
        "suits_enforced_days": newest(enforced),
        "suits_dishonest": sum(row["status"] == "dishonest" for row in against),
        "suits_claiming_365d": len(claims),
        "suits_claiming_amount_365d": float(total(row["amount"] for row in claims)),
        "suit_claiming_last_days": min((row["filed"] for row in claims), default=None),
        "suit_last_days": min((row["filed"] for row in filed), default=None),
    }


FAMILIES = (litigation,)
