"""What MLflow keeps of a training: parameters, figures per date and split, plots, the model with its signature.

The model in MLflow is for analysts; the service loads the saved folder (`models.saved`), which needs no code to run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import pandas as pd
import sqlalchemy as sa

from anxin.domain.errors import AnxinError
from anxin.features.known import Kind
from anxin.judging import folds as fold_rows
from anxin.judging.evaluator import GROUPS, Measures, mean_over_dates
from anxin.models.probability import HORIZONS
from anxin.training.ablation import Worth
from anxin.training.card import Intervals, card
from anxin.training.intervals import intervals
from anxin.training.pictures import influences, pictures
from anxin.training.settings import Settings
from anxin.training.train import Trained
from anxin.training.tuning import Tuned

_EXPERIMENT = "anxin"
CHAMPION, CHALLENGER = "champion", "challenger"


def registered_name(kind: str) -> str:
    """Return the name of a kind's model in MLflow's registry."""
    return f"anxin-{kind}"


@contextmanager
def mlflow_at(mlruns: Path) -> Iterator[Any]:
    """Open MLflow on `$MLFLOW_TRACKING_URI`, or on a database under the home; imported here, since it is slow.

    MLflow writes the address it is given into `$MLFLOW_TRACKING_URI`; what the operator set there is put back, or the
    next home opened in this process would be taken for this one.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import logging

    import mlflow
    from mlflow.exceptions import MlflowException

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    asked = os.environ.get("MLFLOW_TRACKING_URI")
    # Artifacts lie beside the database, so that a home is one folder.
    place = None if asked else (mlruns / "artifacts").as_uri()
    uri = asked or f"sqlite:///{(mlruns / 'mlflow.db').as_posix()}"
    try:
        if place is not None:
            mlruns.mkdir(parents=True, exist_ok=True)
            if (mlruns / "mlflow.db").exists():
                _settle(uri, place)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        if mlflow.get_experiment_by_name(_EXPERIMENT) is None:
            mlflow.create_experiment(_EXPERIMENT, artifact_location=place)
        mlflow.set_experiment(_EXPERIMENT)
        yield mlflow
    except (MlflowException, sa.exc.SQLAlchemyError) as fault:
        said = (" ".join(str(fault).split()) or type(fault).__name__)[:200]
        raise AnxinError(
            f"MLflow 操作失败：{said}；请检查 MLFLOW_TRACKING_URI（可用 sqlite:///文件 或服务地址）或 {mlruns}",
            f"MLflow failed: {said}; check MLFLOW_TRACKING_URI (sqlite:///file or a server's address) or {mlruns}",
        ) from fault
    finally:
        if asked is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        else:
            os.environ["MLFLOW_TRACKING_URI"] = asked


_PLACES = (
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("experiments", "artifact_location"),
)


def _settle(uri: str, place: str) -> None:
    """Let the database of a home that was moved or copied find its artifacts here: MLflow keeps absolute places only."""
    engine = sa.create_engine(uri)
    try:
        with engine.begin() as database:
            ours = sa.table("experiments", sa.column("name"), sa.column("artifact_location"))
            found = sa.select(ours.c.artifact_location).where(ours.c.name == _EXPERIMENT)
            before = database.execute(found).scalar() if sa.inspect(database).has_table(ours.name) else None
            if before is None or before == place:
                return
            for name, column in _PLACES:
                kept = sa.table(name, sa.column(column))
                moved = sa.literal(place) + sa.func.substr(kept.c[column], len(before) + 1)
                mine = kept.c[column].startswith(before, autoescape=True)
                database.execute(sa.update(kept).where(mine).values({column: moved}))
    finally:
        engine.dispose()


def check_tracking(mlruns: Path) -> None:
    """Open MLflow once, so that what is wrong with it is known before hours of fitting; raises AnxinError."""
    with mlflow_at(mlruns):
        pass


def log_training(
    mlruns: Path,
    trained: Trained,
    settings: Settings,
    tuned: Tuned | None = None,
    worth: Sequence[Worth] = (),
    *,
    challenger: bool = True,
) -> str:
    """Log a training and register its model, as challenger unless told; returns the version in MLflow's registry."""
    model, kind = trained.model, trained.model.kind
    with mlflow_at(mlruns) as mlflow, mlflow.start_run(run_name=model.model_id):
        mlflow.set_tags(
            {
                "kind": kind,
                "through": model.through.isoformat(),
                "model_id": model.model_id,
                "code_version": model.facts["code_version"],
                "data_fingerprint": model.facts["fingerprint"],
            }
        )
        mlflow.log_params(_parameters(trained, settings))
        if tuned is not None:
            mlflow.log_dict({"won": tuned.won, "lightgbm": tuned.parameters, **tuned.facts}, "tuning.json")
        if worth:
            mlflow.log_dict({"families": [asdict(one) for one in worth]}, "ablation.json")
            for one in worth:
                for end in ("mean", "low", "high"):
                    mlflow.log_metric(f"ablation.{one.family}.{one.group}.{end}", getattr(one, end))
        for name, measures in trained.backtest.measures.items():
            _log_measures(mlflow, name, measures)
        _log_gains(mlflow, trained)
        around = intervals(
            fold_rows.from_bytes((trained.folder / fold_rows.FILE).read_bytes()), cast(Kind, kind)
        )
        _log_intervals(mlflow, around)
        mlflow.log_text(card(trained, settings, around, tuned, worth), "model_card.md")
        mlflow.log_table(influences(trained), "influences.json")
        with TemporaryDirectory() as folder:
            for figure in pictures(trained, Path(folder)):
                mlflow.log_artifact(str(figure), "plots")
        table = [asdict(m) | {"ranking": name} for name, ms in trained.backtest.measures.items() for m in ms]
        if table:
            mlflow.log_table(pd.DataFrame(table), "backtest.json")
        mlflow.log_artifacts(str(trained.folder), "model_files")
        return _register(mlflow, trained, challenger=challenger)


def set_alias(mlruns: Path, kind: str, alias: str, model_id: str) -> None:
    """Point an alias at the registered version of a model, where MLflow knows it."""
    with mlflow_at(mlruns) as mlflow:
        client = mlflow.MlflowClient()
        for version in client.search_model_versions(f"name = '{registered_name(kind)}'"):
            if version.tags.get("model_id") == model_id:
                client.set_registered_model_alias(registered_name(kind), alias, version.version)
                return


def _parameters(trained: Trained, settings: Settings) -> dict[str, Any]:
    model = trained.model
    return {
        "settings": settings.name(model.kind),
        "rounds": model.ordered.rounds,
        "features": len(model.ordered.features),
        "training_dates": len(model.facts["dates"]),
        "calibration_slope": model.ordered.calibration.slope,
        "calibration_top": model.ordered.calibration.top,
        **{
            f"calibration_{h}d": b
            for h, b in zip(HORIZONS, model.ordered.calibration.intercepts, strict=True)
        },
        **{f"base_rate_{h}d": rate for h, rate in model.facts["base_rate"].items()},
        **{f"lightgbm_{name}": value for name, value in settings.lightgbm[model.kind].items()},
        "step_days": settings.step_days,
        "rows_most": settings.rows.most,
        "seed": settings.seed,
    }


def _log_measures(mlflow: Any, name: str, measures: list[Measures]) -> None:
    """Log each figure per date (as steps) and its mean, for all and for 新发现."""
    for group in GROUPS:
        mine = [m for m in measures if m.group == group]
        for step, one in enumerate(mine):
            figures = {k: v for k, v in asdict(one).items() if isinstance(v, float)}
            mlflow.log_metrics({f"{name}.{group}.{k}": v for k, v in figures.items()}, step=step)
        means = mean_over_dates(mine, group)
        mlflow.log_metrics({f"mean.{name}.{group}.{k}": v for k, v in means.items()})


def _log_intervals(mlflow: Any, around: Intervals) -> None:
    """Log the model's figures over subjects, `mean`, `low` and `high`; the mean is that of `_log_measures`."""
    for group, figures in around.items():
        for name, one in figures.items():
            ends = {"mean": one.mean, "low": one.low, "high": one.high}
            mlflow.log_metrics({f"{end}.model.{group}.{name}": v for end, v in ends.items() if v is not None})


def _log_gains(mlflow: Any, trained: Trained) -> None:
    for name, by_group in trained.backtest.gains.items():
        for group, gain in by_group.items():
            ends = {end: gain.get(end) for end in ("mean", "low", "high")}
            mlflow.log_metrics({f"gain.{name}.{group}.{end}": v for end, v in ends.items() if v is not None})


def _register(mlflow: Any, trained: Trained, *, challenger: bool) -> str:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    model = trained.model
    columns = Schema([ColSpec("double", name, required=False) for name in model.ordered.features])
    gives = Schema([ColSpec("double", name) for name in ("p30", "p90", "p180", "score")])
    example = pd.DataFrame(
        model.matrix(trained.sample.slice(0, 5)), columns=list(model.ordered.features), dtype=np.float64
    )
    # MLflow tells its progress and asks for an example on standard error; what fails, raises.
    with TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        # The example is written as a file: given as an argument, MLflow would load and run the model to check it.
        example.to_json(Path(folder) / "example.json", orient="split")
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"model": str(trained.folder), "example": str(Path(folder) / "example.json")},
            signature=ModelSignature(inputs=columns, outputs=gives),
            pip_requirements=["anxin"],
        )
        version = mlflow.register_model(
            logged.model_uri,
            registered_name(model.kind),
            tags={"model_id": model.model_id},
            await_registration_for=0,
        )
    if challenger:
        client = mlflow.MlflowClient()
        client.set_registered_model_alias(registered_name(model.kind), CHALLENGER, version.version)
    return str(version.version)
