"""Telemetry off, in code: imported before BentoML or MLflow, inherited by every worker process."""

from __future__ import annotations

import os

os.environ["BENTOML_DO_NOT_TRACK"] = "True"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "1"
