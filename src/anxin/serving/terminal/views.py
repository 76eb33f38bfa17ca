"""The watch-list and the influences on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import HORIZONTALS
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from anxin.features.catalogue import catalogue
from anxin.serving import wording
from anxin.serving.abilities import Abilities, Ability
from anxin.serving.exports.watch import PREDICTS
from anxin.serving.influences import Influences

_FILE_WIDTH = 150
_FAMILIES = 9


def show_watch_list(rows: Sequence[Ability], abilities: Abilities, head: int) -> None:
    """Print how many employers there are of each level, and the first of those in difficulty."""
    console = _console()
    counts = "  ".join(f"{zh} {n}" for zh, n in abilities.counts().items())
    console.print(f"{abilities.published.as_of} 工资支付能力 ability to pay   {counts}")
    console.print(f"{PREDICTS.zh} {PREDICTS.en}", style="dim")
    console.print(f"\n[bold]重点监控 in difficulty: {len(rows)}[/]")
    table = Table(box=HORIZONTALS, show_lines=True, padding=(0, 1))
    for title in (
        "序\nrank",
        "名称与代码\nname, id",
        "属地\nplace",
        "资金概率\nmoney",
        "清单\nlisted",
        "原因\nreasons",
    ):
        table.add_column(title, overflow="fold")
    for row in rows[:head]:
        table.add_row(
            str(row.rank),
            f"{escape(row.name)}\n{row.subject_id}",
            escape(row.district_name),
            f"{row.probability:.1%}",
            wording.grade(row.grade).zh if row.grade else "—",
            "\n".join(escape(reason.zh) for reason in row.reasons[:2]) or "—",
        )
    if rows:
        console.print(table)
    if len(rows) > head:
        console.print(f"其余 {len(rows) - head} 户见 for the others: --head {len(rows)}", style="dim")
    console.print(f"{wording.NOTICE.zh} {wording.NOTICE.en}", style="dim")


def show_influences(found: Mapping[str, Mapping[str, Influences]], head: int) -> None:
    """Print, per kind, the features and families that move scores most, then each part's families."""
    console = _console()
    for kind, parts in found.items():
        whole = parts[""]
        console.print(
            f"\n[bold]{wording.words(wording.KINDS, kind).zh} {kind}: {whole.subjects:,}[/]  "
            "平均绝对贡献（分） mean |contribution| in points of score"
        )
        table = Table(box=HORIZONTALS, padding=(0, 1))
        for title, side in (
            ("特征 feature", "left"),
            ("族 family", "left"),
            ("|贡献|", "right"),
            ("均值 mean", "right"),
        ):
            table.add_column(title, justify="right" if side == "right" else "left", overflow="fold")
        for name, size in list(whole.features.items())[:head]:
            feature = catalogue()[name]
            table.add_row(f"{feature.zh} {name}", feature.family, f"{size:.4f}", f"{whole.lift[name]:+.4f}")
        console.print(table)
        families = list(whole.families)[:_FAMILIES]
        table = Table(box=HORIZONTALS, padding=(0, 1))
        for title in ("", "户 subjects", *families):
            table.add_column(title, justify="right" if title else "left")
        for part, one in parts.items():
            sums = (f"{one.families[family]:.3f}" for family in families)
            table.add_row(escape(part) or "全部 all", f"{one.subjects:,}", *sums)
        console.print(table)


def _console() -> Console:
    return Console(width=None if Console().is_terminal else _FILE_WIDTH, highlight=False)
