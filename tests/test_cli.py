"""The command line as a person meets it: help with examples, one line for what went wrong, exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from anxin import cli
from anxin.cli import terms


def _verbs(command: object, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, inner in getattr(command, "commands", {}).items():
        if getattr(inner, "commands", None):
            yield from _verbs(inner, (*before, name))
        else:
            yield (*before, name), inner


VERBS = dict(_verbs(get_command(cli.app)))
EVERY = pytest.mark.parametrize("verb", VERBS, ids=" ".join)


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[object]:
    """Return a function that runs `anxin` with words and tells exit code, output and errors."""
    monkeypatch.setenv("ANXIN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ANXIN_LEDGER_URL", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["anxin", *words])
        capfd.readouterr()
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        else:
            code = 0
        captured = capfd.readouterr()
        return int(code or 0), captured.out, captured.err

    yield run


def test_every_verb_of_the_table_is_there() -> None:
    expected = (
        "simulate ingest status train promote shadow rollback run scores list report evaluate monitor serve"
    )
    assert {(verb,) for verb in expected.split()} <= set(VERBS)
    assert {("token", "create"), ("token", "revoke"), ("audit", "verify")} <= set(VERBS)


@EVERY
def test_help_says_what_a_verb_does_and_gives_an_example(said, verb: tuple[str, ...]) -> None:
    code, out, _ = said(*verb, "--help")
    assert code == 0
    assert f"Example: anxin {' '.join(verb)}" in out
    assert any("一" <= sign <= "鿿" for sign in out)


@EVERY
def test_the_example_of_a_verb_can_be_typed(verb: tuple[str, ...]) -> None:
    command = VERBS[verb]
    example = next(line.strip() for line in command.help.splitlines() if line.strip().startswith("Example: "))
    words = example.removeprefix("Example: anxin ").split()[len(verb) :]
    options = {option for one in command.params for option in one.opts if option.startswith("--")}
    assert {word for word in words if word.startswith("--")} <= options
    if '"' not in example:
        command.make_context("anxin", words, resilient_parsing=False)


def test_help_answers_without_loading_what_is_slow() -> None:
    slow = ("mlflow", "lightgbm", "bentoml", "pandas", "duckdb", "ibis", "sklearn", "fastapi")
    script = (
        "import sys; from anxin.cli import app\n"
        "try: app(['--help'])\n"
        f"except SystemExit: print('loaded', [name for name in {slow!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "simulate" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded []"


@pytest.mark.parametrize(
    "words",
    [
        ("run", "2025-01-01"),
        ("run", "2025-01-01", "--retrospective"),
        ("list", "2025-01-01"),
        ("scores", "2025-01-01", "--out", "x.parquet"),
        ("report", "2025-01-01", "nobody"),
        ("train", "--through", "2025-01-01"),
        ("promote", "no-such-model"),
        ("shadow", "no-such-model"),
        ("rollback", "employer"),
        ("monitor", "2025-01-01"),
        ("ingest", "/no/such/folder"),
        ("evaluate",),
        ("lookback", "2025-01-01", "2025-02-01"),
        ("labels", "2025-01"),
        ("simulate", "x", "--scale", "-1"),
        ("token", "create", "--person", "张三", "--unit", "某局"),
        ("token", "create", "--person", "张三", "--unit", "某局", "--everything", "--district", "500103"),
        ("token", "create", "--person", "张三", "--unit", "某局", "--role", "boss", "--everything"),
        ("token", "revoke", "0000"),
        ("--engine", "sparc", "train", "--through", "2025-01-01"),
        ("--engine", "spark://127.0.0.1:1", "train", "--through", "2025-01-01"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_one_line_and_exit_code_1(said, words: tuple[str, ...]) -> None:
    code, out, err = said(*words)
    assert code == 1
    assert out == ""
    assert len(err.splitlines()) == 1
    assert any("一" <= sign <= "鿿" for sign in err)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "url", ["foo", "", "postgresql+none://a:secret@b/c", "sqlite+none:///x", "mysql://a:secret@b"]
)
def test_a_ledger_address_that_is_none_is_one_line_without_its_password(said, monkeypatch, url: str) -> None:
    monkeypatch.setenv("ANXIN_LEDGER_URL", url)
    code, _, err = said("token", "list")
    assert code == 0 if not url else code == 1
    assert len(err.splitlines()) == (1 if url else 0)
    assert "secret" not in err


def test_an_mlflow_that_cannot_be_opened_is_told_before_anything_is_fitted(said, monkeypatch) -> None:
    def fit(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("anxin.training.session.train", fit)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:./mlruns")
    code, out, err = said("train", "--through", "2025-01-01")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "MLFLOW_TRACKING_URI" in err


def test_a_place_that_cannot_be_written_is_one_line_that_names_it(said, monkeypatch, tmp_path: Path) -> None:
    full = OSError(28, "No space left on device", str(tmp_path / "x"))

    def fails(*_: object) -> None:
        raise full

    monkeypatch.setattr("anxin.serving.terminal.status.facts", fails)
    code, out, err = said("status")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert str(tmp_path / "x") in err
    assert "No space left" in err


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("run",),
        ("run", "tomorrow"),
        ("run", "2025-13-01"),
        ("run", "0001-01-01", "--retrospective"),
        ("run", "9999-12-31"),
        ("train", "--through", "1989-12-31"),
        ("train",),
        ("train", "--through", "2025-01-01", "--kind", "worker"),
        ("list", "2025-01-01", "--format", "docx"),
        ("rollback", "worker"),
        ("rollback", "employer", "--effective", "soon"),
        ("ingest", "x", "--received-at", "soon"),
        ("token", "create", "--person", "张三"),
        ("token", "create", "--person", "张三", "--unit", "某局", "--everything", "--expires", "soon"),
    ],
    ids=" ".join,
)
def test_what_is_typed_wrong_exits_with_2(said, words: tuple[str, ...]) -> None:
    code, out, err = said(*words)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err


def test_the_form_of_a_list_is_read_from_the_name_of_the_file() -> None:
    assert terms.form_of(Path("a/list.XLSX")) is terms.ListFormat.xlsx
    with pytest.raises(typer.BadParameter, match="--format"):
        terms.form_of(Path("list"))


def test_an_empty_home_has_a_status_an_empty_ledger_and_no_tokens(said) -> None:
    code, out, _ = said("status", "--json")
    assert code == 0
    assert '"lake_commit": 0' in out
    assert said("audit", "verify")[0] == 0
    assert said("token", "list", "--json")[:2] == (0, "[]\n")


def test_a_ledger_that_was_changed_is_told_with_exit_code_1(said, tmp_path: Path) -> None:
    import sqlite3

    assert said("token", "create", "--person", "张三", "--unit", "某局", "--everything")[0] == 0
    assert said("audit", "verify")[0] == 0
    with sqlite3.connect(tmp_path / "home" / "var" / "ledger.db") as database:
        for (trigger,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("UPDATE entries SET actor = 'someone else'")
    code, out, _ = said("audit", "verify")
    assert code == 1
    assert len(out.splitlines()) == 1
