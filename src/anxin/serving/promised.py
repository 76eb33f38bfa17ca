"""What the grades of a list promise, as people are told it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.models.grades import Promise, Promises
from anxin.serving import wording
from anxin.serving.published import Manifest
from anxin.serving.wording import Words


def promises(manifest: Manifest) -> Mapping[str, Promises]:
    """Return the promises of each kind of a list; none for a list made before there were any.

    Raises AnxinError where the manifest holds something else under that name.
    """
    try:
        return {kind: Promises.from_json(state) for kind, state in _states(manifest).items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnxinError(
            f"名单 {manifest.list_id} 的等级承诺无法读取，请从备份恢复",
            f"the promises of list {manifest.list_id} cannot be read; restore it from a backup",
        ) from error


def promise_lines(manifest: Manifest) -> list[Words]:
    """Return one line per kind and grade: what is promised, or that it cannot be kept; then what rules put there."""
    lines = []
    for kind, found in promises(manifest).items():
        name = wording.words(wording.KINDS, kind)
        for one in found.each:
            zh, en = one.said(found.confidence)
            lines.append(Words(f"{name.zh}{zh}", f"{name.en}, {en}"))
        for seen in (one for one in found.by_rules if one.rows):
            zh, en = seen.said()
            lines.append(Words(f"{name.zh}{zh}", f"{name.en}, {en}"))
    return lines


def promise_facts(manifest: Manifest) -> dict[str, Any]:
    """Return the promises as `--json` and the API give them, with their sentences."""
    return {
        kind: {
            "confidence": found.confidence,
            "ageing": found.ageing,
            "dates": list(found.dates),
            "grades": {
                str(one.grade): {
                    "precision": one.precision,
                    "threshold": one.threshold,
                    "kept": one.kept,
                    "why": one.why,
                    "rows": one.rows,
                    "hits": one.hits,
                    "new_rows": one.new_rows,
                    "new_hits": one.new_hits,
                    "together": one.together,
                    "all_rows": one.all_rows,
                    "all_hits": one.all_hits,
                    **dict(zip(("zh", "en"), one.said(found.confidence), strict=True)),
                }
                for one in found.each
            },
            "by_rules": {
                str(one.grade): {**asdict(one), **dict(zip(("zh", "en"), one.said(), strict=True))}
                for one in found.by_rules
            },
        }
        for kind, found in promises(manifest).items()
    }


def broken(manifest: Manifest) -> Words | None:
    """Return in one line what is promised of no grade alone: not at all, or together with worse ones only.

    None where every grade has a promise of its own, or none was made.
    """
    each = {kind: found.each for kind, found in promises(manifest).items()}
    lost = _named(each, lambda one: not one.kept)
    together = _named(each, lambda one: one.kept and one.together)
    zh, en = [], []
    if lost.zh:
        zh.append(f"查实率承诺无法兑现：{lost.zh}")
        en.append(f"promised precision cannot be kept: {lost.en}")
    if together.zh:
        zh.append(f"仅与更高等级合计承诺：{together.zh}")
        en.append(f"promised only together with worse grades: {together.en}")
    return Words("。".join(zh), ". ".join(en)) if zh else None


def _named(each: Mapping[str, Sequence[Promise]], meant: Callable[[Promise], bool]) -> Words:
    """Return kinds with those of their grades that are meant; empty where none is."""
    zh, en = [], []
    for kind, found in each.items():
        grades = [wording.grade(one.grade) for one in found if meant(one)]
        if grades:
            name = wording.words(wording.KINDS, kind)
            zh.append(f"{name.zh}{'、'.join(grade.zh for grade in grades)}")
            en.append(f"{name.en} {', '.join(grade.en for grade in grades)}")
    return Words("；".join(zh), "; ".join(en))


def _states(manifest: Manifest) -> Mapping[str, Mapping[str, Any]]:
    return manifest.content.get("promises") or {}
