"""The magnitudes of the simulated city, read from ``parameters.yaml`` where each says its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from anxin.domain.tables import read_yaml


@dataclass(frozen=True)
class Parameters:
    """One section of the parameters; a name with dots goes down into it.

    >>> parameters().section("stress").number("own.decay")
    0.965
    """

    values: Mapping[str, Any]

    def _at(self, name: str) -> Any:
        value: Any = self.values
        for part in name.split("."):
            value = value[part]
        return value

    def section(self, name: str) -> "Parameters":
        """Return the section of that name."""
        return Parameters(self._at(name))

    def number(self, name: str) -> float:
        """Return one number."""
        return float(self._at(name))

    def table(self, name: str) -> dict[str, float]:
        """Return a table of numbers by key, in the order of the file."""
        return {str(key): float(value) for key, value in self._at(name).items()}

    def numbers(self, name: str) -> list[float]:
        """Return a list of numbers."""
        return [float(value) for value in self._at(name)]

    def words(self, name: str) -> list[str]:
        """Return a list of words."""
        return [str(value) for value in self._at(name)]


@cache
def parameters() -> Parameters:
    """Return the parameters of the city."""
    text = resources.files("anxin.simulation").joinpath("parameters.yaml").read_text(encoding="utf-8")
    return Parameters(read_yaml(text))
