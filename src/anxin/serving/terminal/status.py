"""`anxin status`: feeds with rows, watermarks and silence; refused rows; live models; last lists."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from anxin.features.snapshots import KINDS
from anxin.feeds.contract import contract
from anxin.feeds.lake import Lake
from anxin.feeds.late import late_rows
from anxin.ledger.chain import Ledger
from anxin.ledger.promotions import live
from anxin.ledger.published import of, recent
from anxin.ledger.shadows import on as shadows_on
from anxin.serving.home import Home

_LISTS = 7


def facts(home: Home, ledger: Ledger, on: date) -> dict[str, Any]:
    """Return the state of a home as plain data; stable for `--json`. Models are those of the day `on`."""
    lake, listed = Lake(home.lake), of(ledger, on)
    feeds = {
        name: {
            "rows": state.rows,
            "last_event": None if state.last_event is None else str(state.last_event)[:10],
            "last_received": None if state.last_received is None else str(state.last_received)[:10],
        }
        for name, state in lake.watermarks().items()
    }
    refused = Counter[str]()
    files: list[Any] = []
    deliveries = lake.deliveries()
    for delivery in deliveries:
        for name, feed in delivery["feeds"].items():
            for reason, count in (feed.get("refused") or {}).items():
                refused[f"{name}: {reason}"] += count
        files += delivery.get("refused_files") or []
    return {
        "lake_commit": lake.commit,
        "deliveries": len(deliveries),
        "last_delivery": deliveries[-1] if deliveries else None,
        "feeds": feeds,
        "refused_rows": dict(refused),
        "refused_files": files,
        "on": on.isoformat(),
        "models": {kind: live(ledger, kind, on) for kind in KINDS},
        "list_models": {} if listed is None else {kind: listed.model(kind) for kind in KINDS},
        "shadows": {kind: [shadow.model_id for shadow in shadows_on(ledger, kind, on)] for kind in KINDS},
        "lists": [
            {
                "day": entry.day.isoformat(),
                "list_id": entry.list_id,
                "counts": entry.facts.get("counts"),
                "late_rows": late_rows(lake, entry.facts["inputs"]["lake_commit"], entry.day),
            }
            for entry in recent(ledger, _LISTS)
        ],
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the state as lines for a person."""
    text = [f"数据湖提交 lake commit {found['lake_commit']}，报送 deliveries {found['deliveries']}"]
    zh = {name: feed.zh for name, feed in contract().items()}
    for name, state in found["feeds"].items():
        if state["rows"]:
            text.append(
                f"  {name:20} {state['rows']:>12,} 行 rows  发生至 events to {state['last_event']}  "
                f"收到至 received to {state['last_received']}  {zh[name]}"
            )
    silent = [name for name, state in found["feeds"].items() if not state["rows"]]
    if silent:
        text.append(f"从未收到 never received: {', '.join(silent)}")
    text += [f"退回 refused {count:,}: {reason}" for reason, count in found["refused_rows"].items()]
    text += [f"拒收文件 file refused: {one}" for one in found["refused_files"]]
    text += [
        f"在用模型 live model  {kind}: {model_id or '无 none'}" for kind, model_id in found["models"].items()
    ]
    text += [
        f"  该日清单由 {model_id} 生成，其后另有变更 the list of the day was made with it, before a later change"
        for kind, model_id in found["list_models"].items()
        if model_id is not None and model_id != found["models"][kind]
    ]
    text += [
        f"影子模型 in the shadow  {kind}: {model_id}"
        for kind, ids in found["shadows"].items()
        for model_id in ids
    ]
    for entry in found["lists"]:
        late = sum(entry["late_rows"].values())
        after = f"，其后补到 {late:,} 行迟报，未改变清单 late rows since, the list unchanged" if late else ""
        text.append(f"清单 list {entry['day']} {entry['list_id']}{after}")
    return text
