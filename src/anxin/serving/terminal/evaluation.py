"""`anxin evaluate`: any list by the same measures, beside the baselines and, for a simulated city, the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS
from anxin.judging.any_list import known_on, matching, placed, read_list, with_labels
from anxin.judging.baselines import BASELINES
from anxin.judging.evaluator import GROUPS, Measures, judge, mean_over_dates, paired_gain
from anxin.judging.labels import is_mature
from anxin.ledger.chain import Ledger
from anxin.ledger.published import Published, recent
from anxin.models.probability import SCORE_HORIZON
from anxin.serving.home import Home
from anxin.serving.published import Published as PublishedList
from anxin.serving.wording import Words

_ALL = 10_000


def evaluate(
    home: Home,
    ledger: Ledger,
    lists: Sequence[Path],
    against: Path | None,
    truth: Path | None,
    on_progress: Callable[[str, int, int], None] | None = None,
    *,
    mature_only: bool = False,
) -> dict[str, Any]:
    """Judge lists by what the lake knows now, per kind: means over dates, each date, and paired comparisons.

    Without `lists`, the published scores of this home (lists made in hindsight are never judged). The universe of a date
    is everyone scored on it. Baselines are judged on the same rows, and so is `against`. Dates whose 90 days are over
    but whose labels are not mature are judged and named, or left out with `mature_only`. Rows of a list that match nobody
    scored are counted; AnxinError if none matches.
    """
    hidden = _read_truth(truth) if truth is not None else None
    view = home.view()
    known = known_on(view)
    entries = {entry.day: entry for entry in recent(ledger, _ALL)}
    given = pd.concat([read_list(path) for path in lists], ignore_index=True) if lists else None
    other = read_list(against) if against is not None else None
    found: dict[str, Any] = {"known_on": known.isoformat(), "unmatched": {}, "kinds": {}}
    universe: dict[Kind, pd.DataFrame] = {}
    for kind in KINDS:
        days = sorted(entries) if given is None else sorted(set(given.loc[given["kind"] == kind, "as_of"]))
        scored = _everyone(home, entries, days, kind)
        if scored is not None:
            universe[kind] = scored
    for name, listed in (("list", given), ("against", other)):
        if listed is not None:
            found["unmatched"][name] = _matched(name, listed, universe)
    for kind, scored in universe.items():
        everyone = scored
        days = sorted(set(everyone["as_of"]))
        if on_progress is not None:
            on_progress(kind, 0, len(KINDS))
        if mature_only:
            everyone = everyone.loc[[is_mature(day, SCORE_HORIZON, known) for day in everyone["as_of"]]]
        rows = with_labels(view, everyone, kind, known)
        if not len(rows):
            found["kinds"][kind] = {
                "note": "90天尚未届满 the 90 days are not over",
                "dates": [str(d) for d in days],
            }
            continue
        early = sorted({str(day) for day in rows["as_of"] if not is_mature(day, SCORE_HORIZON, known)})
        found["kinds"][kind] = {"not_mature": early, **_judged(rows, kind, given, other, hidden, early)}
    if not found["kinds"]:
        raise AnxinError(
            "没有可评判的清单：请先 anxin run，或给出 CSV（其日期须已发布清单）",
            "nothing to judge: anxin run first, or give a CSV whose dates have a published list",
        )
    return found


def _everyone(
    home: Home, entries: Mapping[date, Published], days: Sequence[date], kind: Kind
) -> pd.DataFrame | None:
    """Return everyone scored on the days, with the score and the figures of the baselines."""
    parts = []
    for day in days:
        entry = entries.get(day)
        if entry is None:
            continue
        opened, name = PublishedList.of_entry(home.root, entry), f"snapshot-{kind}.parquet"
        if not opened.has(name):
            continue
        columns = ["kind", "subject_id", "as_of", "p90", "rank", "in_hand"]
        scores = opened.table("scores.parquet", columns).to_pandas()
        scores = scores.loc[scores["kind"] == kind].drop(columns="kind")
        snapshot = opened.table(name)
        figures = pd.DataFrame({name: ranking(snapshot) for name, ranking in BASELINES.items()})
        figures["subject_id"] = snapshot["subject_id"].to_pandas()
        parts.append(scores.merge(figures, on="subject_id"))
    return pd.concat(parts, ignore_index=True) if parts else None


def _matched(name: str, listed: pd.DataFrame, universe: Mapping[Kind, pd.DataFrame]) -> dict[str, int]:
    """Count what of a list matches; AnxinError if nothing does."""
    counts = matching(listed, universe)
    if not counts["matched"]:
        said = _unmatched(counts)
        raise AnxinError(
            f"{_LIST_WORDS[name].zh}没有一行可评判（{said.zh}）；需为已发布清单日期上评过分的对象",
            f"no row of {_LIST_WORDS[name].en} can be judged ({said.en}); give subjects scored on dates with a list",
        )
    return counts


_LIST_WORDS = {"list": Words("清单", "the list"), "against": Words("对比清单", "the list to compare with")}
_UNMATCHED = {
    "unknown_kind": Words("类别不明", "unknown kind"),
    "no_list": Words("该日无已发布清单或不在评判之列", "no published list judged on the date"),
    "not_scored": Words("当日未评分", "not scored on the date"),
    "repeated": Words("重复", "repeated"),
}


def _unmatched(counts: Mapping[str, int]) -> Words:
    some = [(words, counts[key]) for key, words in _UNMATCHED.items() if counts[key]]
    return Words(
        "，".join(f"{words.zh} {count} 行" for words, count in some) or "空表",
        ", ".join(f"{words.en} {count}" for words, count in some) or "empty",
    )


def _judged(
    rows: pd.DataFrame,
    kind: Kind,
    given: pd.DataFrame | None,
    other: pd.DataFrame | None,
    truth: pd.DataFrame | None,
    early: Sequence[str],
) -> dict[str, Any]:
    plain = rows.drop(columns=["p90", "rank", *BASELINES])
    if given is None:
        rankings = {"list": judge(rows.assign(figure=-rows["rank"].astype(float)))}
    else:
        rankings = {"list": judge(placed(plain, given.loc[given["kind"] == kind]))}
    for name in BASELINES:
        rankings[name] = judge(plain.assign(figure=rows[name]))
    if other is not None and (other["kind"] == kind).any():
        days = set(other.loc[other["kind"] == kind, "as_of"])
        part = plain.loc[plain["as_of"].isin(days)]
        rankings["against"] = judge(placed(part, other.loc[other["kind"] == kind]))
    if truth is not None:
        rankings["truth"] = judge(_true(plain, kind, truth))
    ours = rankings["list"]
    return {
        "dates": sorted({m.as_of for m in ours}),
        "means": {
            name: {group: mean_over_dates(measures, group) for group in GROUPS}
            for name, measures in rankings.items()
        },
        **({"means_mature": _means_mature(rankings, early)} if early else {}),
        "gains": {
            name: {group: dict(paired_gain(ours, theirs, "average_precision", group)) for group in GROUPS}
            for name, theirs in rankings.items()
            if name != "list"
        },
        "by_date": {name: [asdict(m) for m in measures] for name, measures in rankings.items()},
    }


def _means_mature(rankings: Mapping[str, Sequence[Measures]], early: Sequence[str]) -> dict[str, Any]:
    """Return the means over the dates whose labels are mature; empty where no date is."""
    return {
        name: {
            group: mean_over_dates([m for m in measures if m.as_of not in early], group) for group in GROUPS
        }
        for name, measures in rankings.items()
    }


def _read_truth(path: Path) -> pd.DataFrame:
    """Read the truth of a simulated city; AnxinError if the file is not one."""
    try:
        table: pd.DataFrame = pq.read_table(path, columns=["kind", "subject_id", "as_of", "p90"]).to_pandas()
        table["as_of"] = pd.to_datetime(table["as_of"])
        table["p90"] = table["p90"].astype(float)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise AnxinError(
            f"{path} 不是模拟城市的真相文件（Parquet，列 kind, subject_id, as_of, p90）：{said}",
            f"{path} is no truth of a simulated city (Parquet with kind, subject_id, as_of, p90): {said}",
        ) from error
    return table


def _true(rows: pd.DataFrame, kind: Kind, truth: pd.DataFrame) -> pd.DataFrame:
    """Place the truth of a simulated city: the probability given the hidden state at the nearest date it has before."""
    table = truth.loc[truth["kind"] == kind].drop(columns="kind")
    right = table.sort_values("as_of")
    left = rows.assign(day=rows["as_of"], as_of=pd.to_datetime(rows["as_of"])).sort_values("as_of")
    joined = pd.merge_asof(left, right, on="as_of", by="subject_id", tolerance=pd.Timedelta(days=31))
    joined["as_of"] = joined.pop("day")
    joined["p90"] = joined["p90"].fillna(0.0)
    return joined.assign(figure=joined["p90"])


_SHOWN = (
    ("average_precision", "平均精度 AP", "{:.4f}"),
    ("auc", "AUC", "{:.3f}"),
    ("precision_100", "前100精度 P@100", "{:.3f}"),
    ("precision_500", "前500精度 P@500", "{:.3f}"),
    ("observed_expected_100", "前100实现/预期 O/E@100", "{:.3f}"),
    ("observed_expected_500", "前500实现/预期 O/E@500", "{:.3f}"),
    ("log_loss", "对数损失 log-loss", "{:.5f}"),
    ("log_loss_base", "基准率对数损失 base-rate log-loss", "{:.5f}"),
    ("positives", "实现 positives", "{:.0f}"),
    ("subjects", "对象 subjects", "{:.0f}"),
)

_GROUP_WORDS = {"all": "全部 all", "new": "新发现 new"}


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the judgement as lines: means over dates, then average precision date by date."""
    text = [f"以 {found['known_on']} 前收到的数据评判 judged by rows received before {found['known_on']}"]
    for name, counts in found["unmatched"].items():
        if counts["matched"] < counts["rows"]:
            title, said = _LIST_WORDS[name], _unmatched(counts)
            text.append(
                f"{title.zh} {counts['rows']} 行，未能对上者不计：{said.zh} "
                f"({counts['matched']} of {counts['rows']} rows of {title.en} matched, left out: {said.en})"
            )
    for kind, result in found["kinds"].items():
        if "note" in result:
            text.append(f"{kind}: {result['note']} ({', '.join(result['dates'])})")
            continue
        text.append(f"== {kind}, {len(result['dates'])} 个日期 dates: {', '.join(result['dates'])}")
        if result["not_mature"]:
            text.append(
                f"   90天已满而标签未成熟（再等45天），实现数可能偏少 over but not mature, cases may still be verified: "
                f"{', '.join(result['not_mature'])}"
            )
            text.append(_mature_line(result))
        for group in GROUPS:
            if not result["means"]["list"][group]:
                text.append(f"-- {_GROUP_WORDS[group]}: 没有对象 nobody")
                continue
            names = [name for name, means in result["means"].items() if means[group]]
            text.append(
                f"-- {_GROUP_WORDS[group]}, 各日均值 mean of the dates"
                + "".join(f"{name:>16}" for name in names)
            )
            for key, words, form in _SHOWN:
                cells = [result["means"][name][group].get(key) for name in names]
                text.append(
                    f"   {words:36}" + "".join(f"{'—' if c is None else form.format(c):>16}" for c in cells)
                )
            for name, gains in result["gains"].items():
                gain = gains[group]
                if gain["dates"]:
                    text.append(
                        f"   AP 比 {name} 高 gain {gain['mean']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}] 90 %, "
                        f"胜 won {gain['won']}/{gain['dates']}"
                    )
        text += _by_date(result)
    return text


def _mature_line(result: Mapping[str, Any]) -> str:
    dates = len(set(result["dates"]) - set(result["not_mature"]))
    figures = [
        f"{group} {name} {means[group]['average_precision']:.4f}"
        for group in GROUPS
        for name, means in result["means_mature"].items()
        if means[group].get("average_precision") is not None
    ]
    return f"   仅成熟日期均值 AP over mature dates only ({dates}): {', '.join(figures) or '无 none'}"


def _by_date(result: Mapping[str, Any]) -> list[str]:
    text = []
    for group in GROUPS:
        table: dict[str, dict[str, float]] = {}
        for name, measures in result["by_date"].items():
            for m in measures:
                if m["group"] == group and m["average_precision"] is not None:
                    table.setdefault(m["as_of"], {})[name] = m["average_precision"]
        if table:
            text.append(f"-- {_GROUP_WORDS[group]}, 逐日平均精度 average precision by date")
            for day, cells in sorted(table.items()):
                text.append(f"   {day} " + "  ".join(f"{name} {value:.4f}" for name, value in cells.items()))
    return text
