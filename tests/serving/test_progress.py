"""What is told of the work: nothing to a program, lines where they are asked for."""

from __future__ import annotations

import pytest

from anxin.serving.terminal.progress import progress


def test_a_program_sees_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANXIN_PROGRESS", raising=False)
    with progress() as tell:
        tell("energy", 0, 9)
        tell.say("fold")
    assert capsys.readouterr() == ("", "")


def test_lines_stay_and_progress_is_not_told_more_often_than_can_be_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANXIN_PROGRESS", "lines")
    with progress() as tell:
        for what in ("energy", "energy", "credit", "payroll"):
            tell(what, 0, 9)
        tell.say("fold 1")
        tell.say("fold 2")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("s  ")[1] for line in err.splitlines()] == ["energy", "fold 1", "fold 2"]
