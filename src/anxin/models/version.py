"""The version of the code that made something: the release, and a hash over what is installed."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

_READ = {".py", ".yaml", ".csv"}


@cache
def code_version() -> str:
    """Return `release+hash` over the package's source and data files, the same on every machine."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda p: p.relative_to(root).as_posix()):
        if path.suffix in _READ:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return f"{metadata.version('anxin')}+{digest.hexdigest()[:12]}"
