"""Starting the service for a home."""

from __future__ import annotations

import os

from anxin.serving import untracked  # noqa: F401  (sets the environment the workers inherit)
from anxin.serving.home import Home


def serve(home: Home, host: str = "127.0.0.1", port: int = 3000) -> None:
    """Serve a home's lists, reports and scores until stopped; raises `AnxinError` where the port is taken.

    BentoML keeps its metrics files under the home, so that two homes on one machine do not mix.
    """
    os.environ["ANXIN_HOME"] = str(home.root.resolve())
    os.environ["ANXIN_ENGINE"] = home.engine
    os.environ["BENTOML_HOME"] = str(home.var.resolve() / "bentoml")
    home.var.mkdir(parents=True, exist_ok=True)
    # The import builds the application over $ANXIN_HOME, in this process and again in each worker.
    from anxin.serving.service import run

    run(host, port)
