"""What an ingest says when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anxin.feeds.contract import contract


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return one line per feed, then refused files and notes, then the outcome."""
    found = []
    for name, feed in summary["feeds"].items():
        zh = contract()[name].zh if name in contract() else ""
        line = f"{name:20} {zh}  收下 taken {feed['taken']:,}"
        for key, words in (
            ("corrected", "更正 corrected"),
            ("duplicate", "重复 duplicate"),
            ("flagged", "存疑代码 flagged"),
            ("skipped_files", "已收过的文件 files seen before"),
        ):
            if feed.get(key):
                line += f"  {words} {feed[key]:,}"
        for reason, count in (feed.get("refused") or {}).items():
            line += f"\n{'':20} 退回 refused {count:,}: {reason}"
        if feed.get("ignored_columns"):
            line += f"\n{'':20} 忽略多余列 ignored columns: {', '.join(feed['ignored_columns'])}"
        found.append(line)
    found += [f"拒收文件 file refused: {_text(one)}" for one in summary.get("refused_files") or []]
    found += [f"说明 note: {_text(one)}" for one in summary.get("notes") or []]
    end = (
        "数据湖提交 lake commit"
        if summary["changed"]
        else "没有变化，数据湖仍为 nothing new, the lake is still at commit"
    )
    return [*found, f"{end} {summary['commit']}"]


def _text(one: Any) -> str:
    if isinstance(one, Mapping):
        return "; ".join(str(value) for value in one.values() if value not in (None, ""))
    return str(one)
