from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from anxin.ledger.access import Grant, Role, Scope
from anxin.serving.web.scores import _may_see_subject

from . import made_up
from .conftest import AT, City, FakeScorer

LIST = "/v1/lists/2026-01-12"
EMPLOYER = "91500000MA5U00000X"
SECTION = "2403-500106-04-01-123456%232"

PATHS = (
    LIST,
    f"{LIST}?format=xlsx",
    f"/v1/subjects/employer/{EMPLOYER}",
    f"/v1/reports/2026-01-12/{EMPLOYER}",
    "/lists",
    "/lists/2026-01-12",
    f"/reports/2026-01-12/employer/{EMPLOYER}",
    "/docs",
    "/openapi.json",
    "/docs.json",
    "/schema.json",
    "/no/such/page",
    "/v1/lists/1999-01-01",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer anx_nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "anxin_session=x"},
    ],
)
def test_no_token_no_data(city: City, path: str, headers: dict[str, str]) -> None:
    answer = city.client.get(path, headers=headers, follow_redirects=False)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert set(answer.json()) == {"zh", "en"}


@pytest.mark.parametrize("path", ["/v1/score", "/v1/explain"])
def test_scoring_needs_the_header_and_takes_no_cookie(city: City, path: str) -> None:
    ask = {"kind": "employer", "as_of": "2026-01-12", "subject_ids": [EMPLOYER]}
    assert city.client.post(path, json=ask).status_code == 401
    cookie = {"Cookie": f"anxin_session={city.tokens['centre']}"}
    assert city.client.post(path, json=ask, headers=cookie).status_code == 401
    assert city.client.post(path, json=ask, headers=city.bearer()).status_code == 200


def test_probes_need_no_token(city: City) -> None:
    assert city.client.get("/healthz").status_code == 200


def test_a_revoked_token_opens_nothing(city: City) -> None:
    from anxin.ledger import access

    secret = access.create_token(city.ledger, "离职员", "局", "inspector", access.Scope.everything(), AT)
    headers = {"Authorization": f"Bearer {secret}"}
    assert city.client.get(LIST, headers=headers).status_code == 200
    access.revoke(city.ledger, secret.split("_")[1], "admin", "left", AT)
    assert city.client.get(LIST, headers=headers).status_code == 401


def subjects(city: City, who: str, query: str = "") -> list[str]:
    answer = city.client.get(f"{LIST}?size=1000{query}", headers=city.bearer(who))
    assert answer.status_code == 200
    return [row["subject_id"] for row in answer.json()["rows"]]


def test_each_scope_sees_its_rows_and_no_others(city: City) -> None:
    assert len(subjects(city, "centre")) == 40
    rows = city.client.get(f"{LIST}?size=1000", headers=city.bearer("nanchuan")).json()["rows"]
    assert rows
    assert {row["district"] for row in rows} == {"500119"}
    rows = city.client.get(f"{LIST}?size=1000", headers=city.bearer("housing")).json()["rows"]
    assert {row["kind"] for row in rows} == {"project"}
    assert subjects(city, "one_site") == [made_up.SECTION_ID]
    assert subjects(city, "nobody") == []


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet"])
def test_exports_hold_the_scope_too(city: City, format: str) -> None:
    body = city.client.get(f"{LIST}?format={format}", headers=city.bearer("nanchuan")).content
    if format == "csv":
        districts = {
            line["区划代码 district"] for line in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
        }
    elif format == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(body))
        districts = {line[8].value for name in ("新发现", "在办") for line in book[name].iter_rows(min_row=2)}
    else:
        districts = set(pq.read_table(io.BytesIO(body)).column("district").to_pylist())
    assert districts == {"500119"}


@pytest.mark.parametrize(
    "path", ["/v1/reports/2026-01-12/{}", "/v1/subjects/employer/{}", "/reports/2026-01-12/employer/{}"]
)
def test_out_of_scope_answers_like_what_does_not_exist(city: City, path: str) -> None:
    hidden = city.client.get(path.format(EMPLOYER), headers=city.bearer("nanchuan"))
    absent = city.client.get(path.format("91500000NOTHERE00X"), headers=city.bearer("nanchuan"))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json() == absent.json()


def test_format_by_parameter_or_accept_header(city: City) -> None:
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    for query, accept, media in (
        ("", "*/*", "application/json"),
        ("?format=csv", "*/*", "text/csv"),
        ("", "text/csv", "text/csv"),
        ("", xlsx, xlsx),
        ("?format=json", xlsx, "application/json"),
    ):
        answer = city.client.get(LIST + query, headers=city.bearer(Accept=accept))
        assert answer.headers["content-type"].startswith(media)
    assert city.client.get(LIST, headers=city.bearer(Accept="image/png")).status_code == 406


def test_filters_and_pages_reach_the_list(city: City) -> None:
    answer = city.client.get(
        f"{LIST}?grade=4&grade=3&kind=employer&page=2&size=3", headers=city.bearer()
    ).json()
    assert answer["page"] == 2
    assert len(answer["rows"]) == 3
    assert all(row["grade"] in (3, 4) and row["kind"] == "employer" for row in answer["rows"])
    assert answer["total"] == answer["grades"]["4"] + answer["grades"]["3"]


def test_an_etag_saves_the_second_download_and_is_never_anothers(city: City) -> None:
    first = city.client.get(f"{LIST}?format=csv", headers=city.bearer())
    again = city.client.get(
        f"{LIST}?format=csv", headers=city.bearer(**{"If-None-Match": first.headers["ETag"]})
    )
    assert again.status_code == 304
    other = city.client.get(
        f"{LIST}?format=csv", headers=city.bearer("nanchuan", **{"If-None-Match": first.headers["ETag"]})
    )
    assert other.status_code == 200
    assert "no-cache" in first.headers["Cache-Control"]


def test_every_read_is_in_the_ledger_under_its_reader(city: City) -> None:
    before = len(city.reads())
    city.client.get(f"{LIST}?format=csv&district=500106", headers=city.bearer())
    city.client.get(f"/v1/reports/2026-01-12/{EMPLOYER}?format=pdf", headers=city.bearer())
    city.client.get(f"/v1/subjects/employer/{EMPLOYER}", headers=city.bearer())
    city.client.get("/lists/2026-01-12", headers=city.bearer())
    new = list(city.ledger.entries("read"))[before:]
    assert [entry.subject.split("?")[0] for entry in new] == [
        "list/2026-01-12.csv",
        f"report/2026-01-12/employer/{EMPLOYER}.pdf",
        f"subject/employer/{EMPLOYER}",
        "list/2026-01-12",
    ]
    assert "district=500106" in new[0].subject
    assert {entry.actor for entry in new} == {"centre员"}


def test_nothing_is_handed_out_that_cannot_be_recorded(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from anxin.domain.errors import AnxinError
    from anxin.ledger import Ledger

    def down(*_: Any, **__: Any) -> None:
        raise AnxinError("数据库不可用", "the database does not answer")

    monkeypatch.setattr(Ledger, "append", down)
    answers = [
        city.client.get(LIST, headers=city.bearer()),
        city.client.post("/v1/score", json={"kind": "employer", "rows": [{}]}, headers=city.bearer()),
    ]
    for answer in answers:
        assert answer.status_code == 503
        assert set(answer.json()) == {"zh", "en"}


def test_score_answers_known_ids_in_order_and_names_the_others(city: City) -> None:
    ids = ["91500000UNLISTED0X", "91500000NOTHERE00X", EMPLOYER, EMPLOYER]
    ask = {"kind": "employer", "as_of": "2026-01-12", "subject_ids": ids}
    answer = city.client.post("/v1/score", json=ask, headers=city.bearer()).json()
    assert [one["key"] for one in answer["results"]] == ["91500000UNLISTED0X", EMPLOYER]
    assert [one["key"] for one in answer["problems"]] == ["91500000NOTHERE00X"]


def test_score_hides_what_the_scope_hides_before_scoring_it(city: City) -> None:
    ask = {"kind": "employer", "as_of": "2026-01-12", "subject_ids": [EMPLOYER, "91500000NOTHERE00X"]}
    answer = city.client.post("/v1/score", json=ask, headers=city.bearer("nanchuan")).json()
    assert answer["results"] == []
    hidden, absent = answer["problems"]
    assert {**hidden, "key": ""} == {**absent, "key": ""}
    assert city.scorer.scored == []


def test_explain_gives_base_and_reasons(city: City) -> None:
    ask = {"kind": "employer", "as_of": "2026-01-12", "subject_ids": [EMPLOYER]}
    (one,) = city.client.post("/v1/explain", json=ask, headers=city.bearer()).json()["results"]
    total = one["base"] + sum(reason["contribution"] for reason in one["reasons"])
    assert abs(total - one["scored"]["score"]) < 1e-6


def test_rows_are_for_those_who_run_the_model(city: City) -> None:
    ask = {"kind": "employer", "rows": [{"overdue_days": 58.0, "kwh_drop": None}]}
    assert city.client.post("/v1/score", json=ask, headers=city.bearer()).json()["results"][0]["key"] == "0"
    refused = city.client.post("/v1/score", json=ask, headers=city.bearer("nanchuan"))
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"kind": "employer"}',
        b'{"kind": "worker", "as_of": "2026-01-12", "subject_ids": ["x"]}',
        b'{"kind": "employer", "subject_ids": ["x"]}',
        b'{"kind": "employer", "as_of": "2026-01-12", "subject_ids": []}',
        b'{"kind": "employer", "as_of": "2026-01-12", "subject_ids": ["x"], "rows": [{}]}',
        b'{"kind": "employer", "as_of": "2027-01-12", "subject_ids": ["x"]}',
        b'{"kind": "employer", "as_of": "2019-01-12", "subject_ids": ["91500000MA5U00000X"]}',
        b'{"kind": "employer", "as_of": "2026-02-30", "subject_ids": ["x"]}',
        b'{"kind": "employer", "rows": [{"overdue_days": NaN}]}',
        b'{"kind": "employer", "rows": [{"overdue_days": Infinity}]}',
        b'{"kind": "employer", "rows": [{"overdue_days": "many"}]}',
        b'{"kind": "employer", "rows": [{"no_such_feature": 1}]}',
        b'{"kind": "employer", "rows": [{}], "extra": 1}',
        b'{"kind": "employer", "as_of": "2026-01-12", "subject_ids": [' + b'"x",' * 1000 + b'"x"]}',
        b'{"kind": "employer", "rows": [' + b"{}," * 1000 + b"{}]}",
        b"\xff\xfe",
    ],
)
def test_bad_input_is_422_in_both_languages(city: City, body: bytes) -> None:
    headers = city.bearer(**{"Content-Type": "application/json"})
    for path in ("/v1/score", "/v1/explain"):
        answer = city.client.post(path, content=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert {"zh", "en"} <= set(answer.json())


@pytest.mark.parametrize(
    "path",
    [
        "/v1/lists/yesterday",
        f"{LIST}?page=0",
        f"{LIST}?size=1001",
        f"{LIST}?kind=worker",
        f"{LIST}?grade=red",
        f"{LIST}?format=pdf",
        f"{LIST}?district=50%27--",
        "/v1/subjects/worker/x",
        f"/v1/reports/2026-01-12/{EMPLOYER}?format=docx",
    ],
)
def test_bad_addresses_are_422(city: City, path: str) -> None:
    answer = city.client.get(path, headers=city.bearer())
    assert answer.status_code == 422
    assert answer.json()["fields"]


def test_a_subjects_history_runs_over_the_lists(city: City) -> None:
    answer = city.client.get(f"/v1/subjects/employer/{EMPLOYER}", headers=city.bearer()).json()
    assert [past["as_of"] for past in answer["history"]] == ["2026-01-12", "2026-01-11", "2026-01-10"]
    assert answer["latest"] == answer["history"][0]
    assert answer["latest"]["listed"] is True


def test_a_subject_never_listed_is_seen_by_where_it_lies(city: City) -> None:
    path = "/v1/subjects/employer/91500000UNLISTED0X"
    assert city.client.get(path, headers=city.bearer("nanchuan")).json()["latest"]["listed"] is False
    assert city.client.get(path, headers=city.bearer("housing")).status_code == 404


def test_reports_come_as_page_and_pdf_even_of_a_bid_section(city: City) -> None:
    page = city.client.get(f"/v1/reports/2026-01-12/{SECTION}", headers=city.bearer("one_site"))
    assert page.status_code == 200
    assert made_up.SECTION_ID in page.text
    pdf = city.client.get(f"/v1/reports/2026-01-12/{SECTION}?format=pdf", headers=city.bearer("one_site"))
    assert pdf.content.startswith(b"%PDF")


def test_a_list_folder_the_ledger_does_not_name_does_not_exist(city: City) -> None:
    made_up.publish(city.home.lists, made_up.DAY.replace(day=20), "half")
    assert city.client.get("/v1/lists/2026-01-20", headers=city.bearer()).status_code == 404


def test_a_list_changed_after_publication_is_not_served(city: City) -> None:
    from anxin.ledger import published

    day = made_up.DAY.replace(day=2)
    folder = made_up.publish(city.home.lists, day, "changed")
    published.record(
        city.ledger,
        day,
        "changed",
        folder=folder.relative_to(city.home.root).as_posix(),
        manifest_sha256="0" * 64,
        previous_list_id=None,
        facts={},
        actor="daily",
        at=AT,
    )
    assert city.client.get("/v1/lists/2026-01-02", headers=city.bearer()).status_code == 503


def test_one_openapi_documents_refusals_and_the_bearer_token(city: City) -> None:
    api = city.client.get("/openapi.json", headers=city.bearer()).json()
    assert api["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert set(api["paths"]) == {
        "/v1/lists/{date}",
        "/v1/records/{date}/{subject}/{feature}",
        "/v1/reports/{date}/{subject}",
        "/v1/score",
        "/v1/explain",
        "/v1/subjects/{kind}/{id}",
    }
    for operations in api["paths"].values():
        for operation in operations.values():
            assert {"401", "403", "404", "422"} <= set(operation["responses"])
            assert operation["security"] == [{"bearer": []}]
            problem = operation["responses"]["422"]["content"]["application/json"]["schema"]["$ref"]
            assert problem.endswith("/Problem")


def test_what_was_cleared_is_told_to_those_who_saw_it(city: City) -> None:
    def cleared(who: str) -> list[str]:
        answer = city.client.get(LIST, headers=city.bearer(who)).json()
        return [one["subject_id"] for one in answer["cleared"]]

    assert cleared("centre") == [made_up.CLEARED_ID]
    assert cleared("nanchuan") == []


def test_a_body_of_unknown_or_absurd_length_is_not_read(city: City) -> None:
    def endless() -> Iterator[bytes]:
        yield b"{}"

    assert city.client.post("/v1/score", content=endless(), headers=city.bearer()).status_code == 411
    large = city.bearer(**{"Content-Length": str(10**9)})
    assert city.client.post("/v1/score", content=b"{}", headers=large).status_code == 413


def test_who_moved_is_seen_where_it_is_now_and_not_where_it_was_last_listed(city: City) -> None:
    """Not on the newest list; listed elsewhere some days ago, and registered in another district since."""
    subject = "91500000UNLISTED0X"

    class Moved:
        def __init__(self, row: Any) -> None:
            self.row, self.as_of = row, made_up.DAY

        def find(self, kind: str, subject_id: str) -> Any:
            return self.row

    row = SimpleNamespace(
        kind="employer",
        subject_id=subject,
        district="500106",
        regulators=("经济信息委",),
        regulator="经济信息委",
    )
    history: Any = [SimpleNamespace(published=Moved(None)), SimpleNamespace(published=Moved(row))]
    context: Any = SimpleNamespace(scorer=FakeScorer())

    def seen(code: str, who: str = subject) -> bool:
        grant = Grant("t", "张三", "某局", Role.INSPECTOR, Scope.of_districts(code), made_up.DAY)
        return _may_see_subject(context, grant, "employer", who, history)

    assert seen("500119") and not seen("500106")
    # Nobody knows where it is now: then where it was.
    assert seen("500106", "91500000NOTHERE00X") and not seen("500119", "91500000NOTHERE00X")
