"""The one family of errors that a person at the command line is meant to read."""


class AnxinError(Exception):
    """Something the user can act on, said in Chinese and in English.

    Each text names the offending value, the place and the way out, in one line.
    """

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        """Return ``"zh (en)"``, the line the command line prints."""
        return f"{self.zh} ({self.en})"
