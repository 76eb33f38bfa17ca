from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest

from . import made_up
from .conftest import City

HTML = {"Accept": "text/html"}


def sign_in(city: City, who: str = "centre", **more: str) -> None:
    answer = city.client.post("/sign-in", data={"token": city.tokens[who], **more}, follow_redirects=False)
    assert answer.status_code == 303


def test_signing_in_sets_a_cookie_no_script_or_other_site_can_use(city: City) -> None:
    answer = city.client.post("/sign-in", data={"token": city.tokens["centre"]}, follow_redirects=False)
    assert answer.headers["location"] == "/lists"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = city.client.get("/lists", headers=HTML)
    assert page.status_code == 200
    assert page.url.path == "/lists/2026-01-12"


def test_a_wrong_token_stays_at_the_door(city: City) -> None:
    answer = city.client.post("/sign-in", data={"token": "anx_wrong"}, follow_redirects=False)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "令牌无效" in answer.text


def test_a_browser_without_token_gets_the_door_and_returns_to_where_it_was(city: City) -> None:
    door = city.client.get("/lists/2026-01-11", headers=HTML)
    assert door.status_code == 401
    assert 'value="/lists/2026-01-11"' in door.text
    assert "渝江" not in door.text
    answer = city.client.post(
        "/sign-in",
        data={"token": city.tokens["centre"], "onward": "/lists/2026-01-11"},
        follow_redirects=False,
    )
    assert answer.headers["location"] == "/lists/2026-01-11"


@pytest.mark.parametrize(
    "onward", ["https://evil.example/lists", "//evil.example", "/\\evil.example", "javascript:1", ""]
)
def test_signing_in_never_leads_elsewhere(city: City, onward: str) -> None:
    answer = city.client.post(
        "/sign-in", data={"token": city.tokens["centre"], "onward": onward}, follow_redirects=False
    )
    assert answer.headers["location"] == "/lists"


def test_forms_of_other_sites_are_refused(city: City) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/sign-in", "/sign-out"):
            answer = city.client.post(path, data={"token": city.tokens["centre"]}, headers=headers)
            assert answer.status_code == 403


def test_signing_out_ends_the_session(city: City) -> None:
    sign_in(city)
    assert city.client.get("/lists/2026-01-12", headers=HTML).status_code == 200
    city.client.post("/sign-out")
    assert city.client.get("/lists/2026-01-12", headers=HTML).status_code == 401


def test_the_list_keeps_new_finds_and_in_hand_apart(city: City) -> None:
    sign_in(city)
    new = city.client.get("/lists/2026-01-12", headers=HTML).text
    in_hand = city.client.get("/lists/2026-01-12?in_hand=true", headers=HTML).text
    assert new.count("<tr>") - 1 >= 30
    assert re.findall(r"<b>(\d+)</b>", new) == ["30", "10"]
    names = lambda page: set(re.findall(r'class="name" href="([^"]+)"', page))  # noqa: E731
    assert not names(new) & names(in_hand)


def test_the_list_shows_marks_reasons_and_late_feeds(city: City) -> None:
    sign_in(city)
    page = city.client.get("/lists/2026-01-12", headers=HTML).text
    for said in (
        "新增",
        "升级",
        "距上次足额代发工资已 47 天",
        "2 个数据来源异常",
        "金融信贷 43 天无新数据",
        "风险提示",
    ):
        assert said in page


def test_empty_fields_of_the_filter_form_filter_nothing(city: City) -> None:
    sign_in(city)
    page = city.client.get("/lists/2026-01-12?in_hand=false&district=&regulator=&kind=&grade=", headers=HTML)
    assert page.status_code == 200
    assert re.findall(r"<b>(\d+)</b>", page.text) == ["30", "10"]


def test_filters_offer_only_what_the_person_may_see(city: City) -> None:
    sign_in(city, "nanchuan")
    page = city.client.get("/lists/2026-01-12", headers=HTML).text
    assert "南川区" in page
    assert "沙坪坝区" not in page


def test_each_row_opens_its_report_and_downloads_keep_the_filters(city: City) -> None:
    sign_in(city)
    page = city.client.get("/lists/2026-01-12?district=500106", headers=HTML).text
    for path in re.findall(r'class="name" href="([^"]+)"', page)[:5]:
        report = city.client.get(path, headers=HTML)
        assert report.status_code == 200
        assert "风险研判报告" in report.text
    (xlsx,) = re.findall(r'href="(/v1/lists/[^"]+format=xlsx)"', page)
    asked = parse_qs(xlsx.replace("&amp;", "&").split("?")[1])
    assert asked == {"district": ["500106"], "format": ["xlsx"]}
    assert city.client.get(xlsx.replace("&amp;", "&")).content.startswith(b"PK")


def test_a_bid_section_with_a_hash_has_a_page(city: City) -> None:
    sign_in(city)
    answer = city.client.get("/reports/2026-01-12/project/2403-500106-04-01-123456%232", headers=HTML)
    assert made_up.SECTION_ID in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/lists/2026-01-12",
        "/lists/2026-01-12?in_hand=true",
        "/reports/2026-01-12/employer/91500000MA5U00000X",
        "/docs",
    ],
)
def test_pages_load_nothing_from_outside_and_run_no_script(city: City, path: str) -> None:
    if path != "/":
        sign_in(city)
    answer = city.client.get(path, headers=HTML)
    assert answer.status_code == 200
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_dangerous_names_are_only_text(city: City) -> None:
    sign_in(city)
    pages = [
        city.client.get(f"/lists/2026-01-12?in_hand={tab}", headers=HTML).text for tab in ("false", "true")
    ]
    assert any("&lt;script&gt;alert(1)" in page for page in pages)
    assert not any("<script>" in page for page in pages)


def test_every_field_has_a_label_and_every_chip_says_its_grade(city: City) -> None:
    sign_in(city)
    page = city.client.get("/lists/2026-01-12", headers=HTML).text
    assert page.count("<select") == page.count("<label")
    assert set(re.findall(r'class="chip g\d"[^>]*>(.)<', page)) == set("红橙黄蓝")
    assert 'lang="zh-CN"' in page
