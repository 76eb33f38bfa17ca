"""Which model is live on a day, read from the ledger's promotions and loaded from its folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from anxin.domain.errors import AnxinError
from anxin.ledger.chain import Ledger
from anxin.ledger.promotions import history
from anxin.ledger.promotions import live as live_id
from anxin.ledger.published import of
from anxin.models.saved import load
from anxin.models.scoring import Model


def live(ledger: Ledger, folder: Path, kind: str, on: date, *, retrospective: bool = False) -> Model | None:
    """Return the model of a kind that is live on a day, None if none was promoted by then.

    A model trained through a later day knows the future of `on` and is refused, unless `retrospective`; then a day
    before any promotion takes the first model there was.
    """
    model_id = live_id(ledger, kind, on)
    if model_id is None and retrospective:
        first = min(history(ledger, kind), key=lambda change: (change.effective, -change.seq), default=None)
        model_id = None if first is None else first.model_id
    if model_id is None:
        return None
    model = load(folder, model_id)
    if model.through > on and not retrospective:
        raise AnxinError(
            f"{on} 在用的模型 {model_id} 训练至 {model.through}，晚于该日；如需回溯请加 --retrospective",
            f"model {model_id}, live on {on}, was trained through {model.through}; add --retrospective to look back",
        )
    return model


def of_day(ledger: Ledger, folder: Path, kind: str, day: date) -> Model | None:
    """Return the model the published list of a day was made with; where there is no list, the one live on the day.

    A promotion dated back changes who is live on past days, never what was told on them.
    """
    entry = of(ledger, day)
    made_with = None if entry is None else entry.model(kind)
    return live(ledger, folder, kind, day) if made_with is None else load(folder, made_with)
