"""The model as MLflow loads it (models from code, no pickle): features in, ordered probabilities and the score out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from anxin.models.saved import load
from anxin.models.scoring import Model


class AnxinModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Scores rows of features with the saved model among the artifacts."""

    _model: Model

    def load_context(self, context: Any) -> None:
        """Load the saved model; its hashes are checked."""
        folder = Path(context.artifacts["model"])
        self._model = load(folder.parent, folder.name)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return p30, p90, p180 and the score of each row; a column that is not there is missing."""
        rows = model_input.reindex(columns=list(self._model.ordered.features)).to_numpy(np.float64)
        p30, p90, p180 = self._model.ordered.probabilities(rows)
        return pd.DataFrame({"p30": p30, "p90": p90, "p180": p180, "score": self._model.ordered.margin(rows)})


mlflow.models.set_model(AnxinModel())
