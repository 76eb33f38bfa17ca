"""What computes: how much of the machine DuckDB may take, and how another engine is named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from anxin.domain.errors import AnxinError

DUCKDB = "duckdb"
"""In this process: the engine unless another is named."""

SPARK = "spark://"
"""How the address of a Spark cluster begins."""

_GIB = 1 << 30


def _default_memory_gib() -> float:
    """Return a third of the machine: what DuckDB hands over stands beside it. Never less than 1 GiB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    return max(1.0, round(total / 3, 1))


def file_names(paths: Iterable[Path]) -> list[str]:
    """Return paths for DuckDB, which takes names for patterns: `[`, `*` and `?` are spelt out."""
    return [re.sub(r"[\[*?]", lambda found: f"[{found[0]}]", str(path)) for path in paths]


def no_engine(name: str) -> AnxinError:
    """Return what is said to a name that is none."""
    return AnxinError(
        f"计算引擎 {name!r} 应为 duckdb 或 spark://主机:端口[?spark.设置=值]",
        f"engine {name!r} should be duckdb or spark://host:port[?spark.setting=value]",
    )


@dataclass(frozen=True)
class Engine:
    """Limits of an in-process DuckDB: memory in GiB, threads, and the folder it spills to."""

    memory_gib: float = field(default_factory=_default_memory_gib)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    spill: Path | None = None

    def settings(self) -> dict[str, str | int | bool]:
        """Return DuckDB's configuration; extensions are never downloaded."""
        settings: dict[str, str | int | bool] = {
            "memory_limit": f"{int(self.memory_gib * 1024)}MiB",
            "threads": self.threads,
            "autoinstall_known_extensions": False,
            "preserve_insertion_order": False,
            # Rows are joined to a few dozen dates by ranges: comparing with each is far cheaper than sorting rows.
            "nested_loop_join_threshold": 64,
            # Groups of numbered subjects lie side by side: a city of a million fits, beyond it they are hashed.
            "perfect_ht_threshold": 20,
        }
        if self.spill is not None:
            settings["temp_directory"] = str(self.spill)
        return settings
