"""What the grades of a list promise, as people are told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.models.grades import Promises
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
        for seen in found.by_rules:
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
    """Return in one line which promises cannot be kept, None where all are (or none was made)."""
    zh, en = [], []
    for kind, found in promises(manifest).items():
        lost = [one for one in found.each if not one.kept]
        if lost:
            name = wording.words(wording.KINDS, kind)
            zh.append(f"{name.zh}{'、'.join(wording.grade(one.grade).zh for one in lost)}")
            en.append(f"{name.en} {', '.join(wording.grade(one.grade).en for one in lost)}")
    if not zh:
        return None
    return Words(
        f"查实率承诺无法兑现：{'；'.join(zh)}", f"promised precision cannot be kept: {'; '.join(en)}"
    )


def _states(manifest: Manifest) -> Mapping[str, Mapping[str, Any]]:
    return manifest.content.get("promises") or {}
