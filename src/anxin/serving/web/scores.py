"""``/v1/score``, ``/v1/explain``, ``/v1/subjects``: subjects on a day, or rows of features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Self, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from anxin.domain.errors import AnxinError
from anxin.ledger.access import Grant, Role
from anxin.serving.scorers import Explained, FeatureRow, Place, Scored
from anxin.serving.shelf import Past
from anxin.serving.web.context import Context, may_see, sees
from anxin.serving.web.lists import PROBLEMS, KindName, Who
from anxin.serving.web.problems import Refused, not_found
from anxin.serving.wording import Words

SubjectId = Annotated[str, Field(min_length=1, max_length=64)]
FeatureName = Annotated[str, Field(min_length=1, max_length=100)]
FeatureValue = Annotated[float, Field(allow_inf_nan=False)] | None
_MOST = 1000
_MOST_FEATURES = 2000
# What-if rows probe the model itself: for those who build or run it, not for those who visit.
_MAY_PROBE = (Role.DISPATCHER, Role.ANALYST, Role.ADMIN)
_UNKNOWN_SUBJECT = Words("不存在，或不在您的权限范围内", "unknown on that day, or outside your scope")


class Ask(BaseModel):
    """Subjects on a day, or rows of features: one of the two."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "employer", "as_of": "2026-01-12", "subject_ids": ["91500106MA5U00001X"]},
                {"kind": "employer", "rows": [{"some_feature": 1.0}]},
            ]
        },
    )

    kind: KindName
    as_of: date | None = Field(default=None, description="as-of date D; with subject_ids")
    subject_ids: list[SubjectId] | None = Field(default=None, min_length=1, max_length=_MOST)
    rows: list[Annotated[dict[FeatureName, FeatureValue], Field(max_length=_MOST_FEATURES)]] | None = Field(
        default=None, min_length=1, max_length=_MOST, description="features by name; one left out is missing"
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.subject_ids is None) == (self.rows is None):
            raise ValueError("give either subject_ids (with as_of) or rows")
        if self.subject_ids is not None and self.as_of is None:
            raise ValueError("subject_ids need as_of")
        if self.rows is not None and self.as_of is not None:
            raise ValueError("rows take no as_of: they are scored by the model live now")
        return self


class ScoreOut(BaseModel):
    """One score: probabilities, raw margin, grade (0 none, 1 蓝 … 4 红), severity in people and yuan."""

    key: str = Field(description="the subject's id, or the row's position")
    p30: float
    p90: float
    p180: float
    score: float
    grade: int
    workers: float | None
    workers_lo: float | None
    workers_hi: float | None
    amount: float | None
    amount_lo: float | None
    amount_hi: float | None
    p_major: float | None = Field(description="if it happens, of at least 30 workers or 1 million yuan")
    model_version: str


class ReasonOut(BaseModel):
    """One contribution, in points of score."""

    feature: str
    family: str
    contribution: float
    value: float | None
    usual: float | None
    date: date | None
    source: str | None
    basis: str | None
    zh: str
    en: str


class ExplanationOut(BaseModel):
    """A score taken apart: base + all contributions = score."""

    scored: ScoreOut
    base: float
    reasons: list[ReasonOut]


class Unanswered(BaseModel):
    """An id or row that has no answer, and why."""

    key: str
    zh: str
    en: str


class Scores(BaseModel):
    """The scores asked for, in the order asked."""

    kind: KindName
    as_of: date | None
    results: list[ScoreOut]
    problems: list[Unanswered]


class Explanations(BaseModel):
    """The explanations asked for, in the order asked."""

    kind: KindName
    as_of: date | None
    results: list[ExplanationOut]
    problems: list[Unanswered]


class PastScore(BaseModel):
    """A subject on one published list; `listed` tells whether it was warned of."""

    as_of: date
    list_id: str
    listed: bool
    grade: int
    rank: int | None
    in_hand: bool | None
    p30: float
    p90: float
    p180: float
    score: float
    model_version: str


class Subject(BaseModel):
    """A subject's latest published score and its history, newest first."""

    kind: KindName
    subject_id: str
    latest: PastScore
    history: list[PastScore]


def router(context: Context) -> APIRouter:
    """Return the routes."""
    made = APIRouter(prefix="/v1", tags=["scores"], responses=PROBLEMS)

    @made.post("/score", summary="Score subjects as of a day, or rows of features")
    def score(ask: Ask, grant: Who) -> Scores:
        scorer = context.scorer
        found, problems = _answer(
            context, grant, "score", ask, scorer.score, scorer.score_rows, lambda one: one.key
        )
        return Scores(
            kind=ask.kind,
            as_of=ask.as_of,
            results=[ScoreOut.model_validate(asdict(one)) for one in found],
            problems=problems,
        )

    @made.post("/explain", summary="Score and take the scores apart")
    def explain(ask: Ask, grant: Who) -> Explanations:
        scorer = context.scorer
        found, problems = _answer(
            context, grant, "explain", ask, scorer.explain, scorer.explain_rows, lambda one: one.scored.key
        )
        return Explanations(
            kind=ask.kind,
            as_of=ask.as_of,
            results=[ExplanationOut.model_validate(asdict(one)) for one in found],
            problems=problems,
        )

    @made.get("/subjects/{kind}/{id:path}", summary="A subject's latest score and its history over lists")
    def subject(
        grant: Who,
        kind: KindName,
        subject_id: Annotated[
            str, Path(alias="id", min_length=1, max_length=64, description="percent-encode # as %23")
        ],
        lists: Annotated[int, Query(ge=1, le=366, description="how many lists back")] = 30,
    ) -> Subject:
        history = context.shelf.history(kind, subject_id, context.clock().date(), lists)
        if not history or not _may_see_subject(context, grant, kind, subject_id, history):
            raise not_found()
        context.remember(grant, f"subject/{kind}/{subject_id}?lists={lists}")
        past = [_past(one, kind, subject_id) for one in history]
        return Subject(kind=kind, subject_id=subject_id, latest=past[0], history=past)

    return made


_Found = TypeVar("_Found", Scored, Explained)


def _answer(
    context: Context,
    grant: Grant,
    what: str,
    ask: Ask,
    by_subject: Callable[[str, date, Sequence[str]], Sequence[_Found]],
    by_row: Callable[[str, Sequence[FeatureRow]], Sequence[_Found]],
    key: Callable[[_Found], str],
) -> tuple[list[_Found], list[Unanswered]]:
    """Answer an ask within the grant; what is unknown and what is hidden get the same words."""
    if ask.rows is not None:
        if grant.role not in _MAY_PROBE:
            raise Refused(403)
        context.remember(grant, f"{what}/{ask.kind}/rows?count={len(ask.rows)}")
        with _said_as_422():
            return list(by_row(ask.kind, ask.rows)), []
    if ask.as_of is None or ask.as_of > context.clock().date():
        raise Refused(422, Words("日期不能晚于今天", "as_of lies in the future"))
    asked = list(dict.fromkeys(ask.subject_ids or ()))
    with _said_as_422():
        places = context.scorer.places(ask.kind, ask.as_of, asked)
    allowed = [one for one in asked if _covers(grant, ask.kind, one, places.get(one))]
    context.remember(grant, f"{what}/{ask.kind}/{ask.as_of}?subjects={','.join(allowed)}")
    found: dict[str, _Found] = {}
    if allowed:
        with _said_as_422():
            found = {key(one): one for one in by_subject(ask.kind, ask.as_of, allowed)}
    problems = [
        Unanswered(key=one, zh=_UNKNOWN_SUBJECT.zh, en=_UNKNOWN_SUBJECT.en)
        for one in asked
        if one not in found
    ]
    return [found[one] for one in asked if one in found], problems


@contextmanager
def _said_as_422() -> Iterator[None]:
    """Answer what the scorer cannot do (no model live, an unknown feature) as the asker's to mend."""
    try:
        yield
    except AnxinError as error:
        raise Refused(422, Words(error.zh, error.en)) from error


def _covers(grant: Grant, kind: str, subject_id: str, place: Place | None) -> bool:
    return place is not None and may_see(grant, kind, subject_id, place.district, place.regulators)


def _may_see_subject(
    context: Context, grant: Grant, kind: str, subject_id: str, history: Sequence[Past]
) -> bool:
    """Decide by where the subject is on the newest list, else by the registry of its day, else by where it was listed."""
    newest, rows = history[0].published, [past.published.find(kind, subject_id) for past in history]
    if rows[0] is None:
        place = context.scorer.places(kind, newest.as_of, [subject_id]).get(subject_id)
        if place is not None:
            return _covers(grant, kind, subject_id, place)
    row = next((row for row in rows if row is not None), None)
    return row is not None and sees(grant)(row)


def _past(past: Past, kind: str, subject_id: str) -> PastScore:
    plain: dict[str, Any] = {
        name: past.scored[name] for name in PastScore.model_fields if name in past.scored and name != "as_of"
    }
    listed = past.published.find(kind, subject_id) is not None
    return PastScore(as_of=past.published.as_of, list_id=past.published.list_id, listed=listed, **plain)
