"""Figures about pay that change with the place and the day: ``wages.yaml``, where each names its source."""

import calendar
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from anxin.domain import divisions
from anxin.domain.tables import latest_in_force, read_document


@dataclass(frozen=True)
class AccountRule:
    """When a project must have a wage account: contract in yuan, duration in months, both at least."""

    min_amount_yuan: float
    min_months: int
    open_within_days: int

    def applies(self, contract_amount_yuan: float, start_on: date, planned_end_on: date) -> bool:
        """Tell whether a contract of this size and these dates must have an account."""
        months = start_on.month - 1 + self.min_months
        year, month = start_on.year + months // 12, months % 12 + 1
        last = calendar.monthrange(year, month)[1]
        long_enough = planned_end_on >= date(year, month, min(start_on.day, last))
        return contract_amount_yuan >= self.min_amount_yuan and long_enough


@dataclass(frozen=True)
class DepositRule:
    """When a project must have stored a wage deposit: contract in yuan at least, and the days it has for it."""

    min_amount_yuan: float
    store_within_days: int


@cache
def minimum_wage(district: str, on: date) -> float | None:
    """Return the monthly minimum wage of a district in yuan on a day, or None where it is not known."""
    row = _governing("minimum_wage", district, on)
    return float(row["amount"]) if row else None


@cache
def labour_share(project_type: str, district: str, on: date) -> float | None:
    """Return the least share (0..1) of a progress payment that is due to the wage account, or None if unset.

    None outside China and for project classes without a figure.
    """
    row = _governing("labour_share", district, on)
    if row is None or not in_china(district):
        return None
    share = row["shares"].get(project_type)
    return None if share is None else float(share)


@cache
def account_rule(district: str, on: date) -> AccountRule | None:
    """Return the rule by which projects of a district must open a wage account on a day, or None if unset."""
    row = _governing("account_rule", district, on)
    if row is None:
        return None
    return AccountRule(float(row["min_amount"]), int(row["min_months"]), int(row["open_within_days"]))


@cache
def deposit_rule(district: str, on: date) -> DepositRule | None:
    """Return the rule by which projects of a district must store a wage deposit on a day, or None if unset.

    None outside China.
    """
    row = _governing("deposit_rule", district, on)
    if row is None or not in_china(district):
        return None
    return DepositRule(float(row["min_amount"]), int(row["store_within_days"]))


@cache
def public_progress_share(district: str, on: date) -> float | None:
    """Return the least share (0..1) of completed value a public owner pays as works go on, or None if unset.

    Public are projects of government and of state-owned enterprises. None outside China.
    """
    row = _governing("public_progress_share", district, on)
    return None if row is None or not in_china(district) else float(row["share"])


def in_china(district: str) -> bool:
    """Tell whether a code is a Chinese division, where national rules hold."""
    return divisions.province(district) is not None


def _governing(table: str, district: str, on: date) -> dict[str, Any] | None:
    return latest_in_force(_document()[table], divisions.district(district, on), on)


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = read_document("wages.yaml")
    return document
