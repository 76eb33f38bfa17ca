"""How what would have to change to leave a grade is said to a reader."""

from __future__ import annotations

from anxin.serving.published import Leave
from anxin.serving.wording import Words


def said(leave: Leave | None) -> Words | None:
    """Return the sentence of a row, None where its list did not look for a way.

    It tells what the model would say, not what would happen: a lead for whom to ask for what.
    """
    if leave is None:
        return None
    if not leave.reached:
        return Words(
            f"能够改变的各项即使都恢复到通常水平，预计概率仍为{leave.p90:.0%}，近期难以退出本级",
            f"nothing within reach: with all that can be changed back to usual p90 would be {leave.p90:.0%}",
        )
    if not leave.changes:
        return Words(
            "预计概率已低于本级，须消除所列规则情形或待其稳定后退出",
            "p90 is under this grade; it is left once the red flags are gone or the change has held",
        )
    zh = "；".join(
        change.zh + (f"（连同相关 {change.others} 项）" if change.others else "") for change in leave.changes
    )
    en = "; ".join(change.en for change in leave.changes)
    return Words(f"{zh}，预计概率可降至{leave.p90:.0%}", f"{en}: p90 would be {leave.p90:.0%}")
