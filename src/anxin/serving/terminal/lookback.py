"""What `anxin lookback` prints."""

from __future__ import annotations

from anxin.serving.exports.lookback import STATUS_WORDS, said_of, sections, tally_cells, tally_titles
from anxin.serving.lookback import Lookback

_WORST = 10


def lines(found: Lookback) -> list[str]:
    """Return a lookback as lines: the tallies, then the largest events nobody was warned of."""
    said = said_of(found)
    text = [f"回头看 lookback {found.since} — {found.until}", said.zh, said.en]
    for words, parts in sections(found):
        text.append(f"-- {words.zh} {words.en}: {' | '.join(title.zh for title in tally_titles())}")
        text += [f"   {value}: {' | '.join(tally_cells(each))}" for value, each in parts if not each.hidden]
        hidden = sum(each.hidden for _, each in parts)
        if hidden:
            text.append(f"   另 {hidden} 项事件过少，隐藏 {hidden} with too few events are hidden")
    misses = found.misses
    if len(misses):
        text.append(
            f"-- 未及时预警（漏报、滞后、此前无清单） not warned in time (missed, late, no list before): {len(misses)}"
        )
    for row in misses.head(_WORST).to_dict("records"):
        scored = f" p90 {row['p90']:.1%} 名次 rank {row['rank']:.0f}" if row["p90"] == row["p90"] else ""
        text.append(
            f"   {row['day'].date()} {STATUS_WORDS[row['status']].zh} {row['name'] or row['subject_id']} "
            f"{row['district_name']}{scored} {row['known']}"
        )
    return text
