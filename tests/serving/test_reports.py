from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pypdf
import pytest

from anxin.serving.published import Published
from anxin.serving.reports.facts import Facts, Trend, facts_of, plain_number, yuan
from anxin.serving.reports.html import to_html
from anxin.serving.reports.measures import measured
from anxin.serving.reports.pdf import to_pdf

from . import made_up

HEAD = "e3b0c442" * 8
TREND = [Trend(date(2026, 1, 9), 2, 0.41), Trend(date(2026, 1, 10), 3, 0.66)]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(made_up.publish(tmp_path_factory.mktemp("lists")))


@pytest.fixture(scope="module")
def facts(published: Published) -> Facts:
    return facts_of(published, published.rows[0], TREND, HEAD)


def pdf_text(facts: Facts) -> tuple[str, int]:
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(facts))).pages
    return "".join(page.extract_text() for page in pages), len(pages)


def test_the_parts_add_up_to_the_printed_score(published: Published) -> None:
    for row in published.rows:
        balance = facts_of(published, row).balance
        assert balance.base is not None
        assert abs(balance.base + balance.raising + balance.lowering - row.score) < 1e-6


def test_signals_raise_and_the_rest_is_counted(facts: Facts) -> None:
    assert [part.feature for part in facts.signals][:2] == ["wage_gap_days", "energy_level_28d"]
    assert all(part.contribution > 0 for part in facts.signals)
    assert [part.feature for part in facts.lowering] == ["insured_trend"]
    assert facts.rest == 1
    assert facts.missing_inputs == ("quiet",)


def test_a_project_is_asked_for_its_account_and_an_employer_is_not(published: Published) -> None:
    project = facts_of(published, next(row for row in published.rows if row.kind == "project"))
    employer = facts_of(published, published.rows[0])
    assert any("专用账户" in paper.words.zh for paper in project.papers)
    assert not any("专用账户" in paper.words.zh for paper in employer.papers)


def test_questions_follow_the_signals(facts: Facts) -> None:
    asked = " ".join(question.zh for question in facts.questions)
    assert "发薪" in asked
    assert "用电" in asked
    assert "专用账户" not in asked


SECTIONS = (
    "对象概况",
    "主要风险信号",
    "反向因素",
    "交办建议",
    "建议核查清单",
    "数据质量与不确定性",
    "法律依据",
    "人工研判意见",
    "异议渠道",
    "模型版本",
)


def test_html_has_every_section_the_notice_and_the_traces(facts: Facts) -> None:
    page = to_html(facts)
    for section in SECTIONS:
        assert section in page
    assert "不作为行政处罚或信用惩戒依据" in page
    assert HEAD in page
    assert "43 天无新数据" in page


def test_rules_stand_with_their_articles_and_what_to_ask_for(facts: Facts) -> None:
    assert facts.rules
    for text in (to_html(facts), pdf_text(facts)[0]):
        for hit in facts.rules:
            assert hit.zh in text
            assert "条例 12" in text
            assert all(paper in text for paper in hit.ask.split("；"))
            assert str(hit.date) in text
    assert "规则命中" not in to_html(replace(facts, rules=()))


def test_a_report_cites_only_what_is_in_force_in_the_district_on_the_day(
    tmp_path: Path, published: Published
) -> None:
    early = Published(made_up.publish(tmp_path, date(2019, 6, 12)))
    row = next(row for row in published.rows if row.kind == "employer")
    kept = {paper.basis for paper in facts_of(published, row).papers}
    assert {"条例 50", "社会保险法 63"} <= kept
    past = facts_of(early, replace(row, reasons=(), lowering=(), rules=()))
    assert [paper.words for paper in past.papers] == [
        paper.words for paper in facts_of(published, row).papers
    ]
    assert {paper.basis for paper in past.papers} == {"", "社会保险法 63"}
    assert past.law == ()
    abroad = facts_of(published, replace(row, district="060000"))
    assert {paper.basis for paper in abroad.papers} == {""} and abroad.law == ()
    nothing = replace(abroad, reason_bases=())
    for text in (to_html(nothing), pdf_text(nothing)[0]):
        assert "法律依据" not in text and "（）" not in text


def test_families_are_summed_before_the_single_signals(facts: Facts) -> None:
    page = to_html(facts)
    assert page.index("各类合计") < page.index("主要风险信号")
    assert facts.families[0].family == "payroll"
    assert sum(one.contribution for one in facts.families) == pytest.approx(
        facts.balance.raising + facts.balance.lowering
    )


def test_the_way_out_of_a_grade_is_told_or_said_to_be_out_of_reach(published: Published) -> None:
    said = [facts_of(published, row).leave for row in published.rows[:3]]
    assert said[0] is not None and "由47恢复到0" in said[0].zh and "21%" in said[0].zh
    assert said[1] is not None and "难以退出" in said[1].zh and "50%" in said[1].zh
    assert said[2] is not None and "规则" in said[2].zh
    assert said[0].zh in to_html(facts_of(published, published.rows[0]))


def test_html_is_whole_in_itself(facts: Facts) -> None:
    page = to_html(facts)
    assert not re.search(r"https?://", page)
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert not re.search(r"@import|url\(", page)


def test_html_escapes_a_name_that_is_a_script(published: Published) -> None:
    row = next(row for row in published.rows if row.name == made_up.SCRIPT_NAME)
    page = to_html(facts_of(published, row))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_sections_without_facts_are_left_out(published: Published) -> None:
    facts = facts_of(published, published.rows[0])
    bare = replace(facts, lowering=(), questions=())
    page = to_html(bare)
    assert "反向因素" not in page
    assert "须问清" not in page
    assert "走势" not in page


def test_pdf_holds_chinese_text_on_one_page_and_an_annex(facts: Facts) -> None:
    text, pages = pdf_text(facts)
    assert pages <= 3
    first = pypdf.PdfReader(io.BytesIO(to_pdf(facts))).pages[0].extract_text()
    assert "交办建议" in first
    assert "建议核查清单" not in first
    for section in SECTIONS:
        assert section in text
    assert facts.row.name in text
    assert "距上次足额代发工资已 47 天" in text
    assert "不作为行政处罚或信用惩戒依据" in text


def test_pdf_embeds_its_fonts_as_subsets(facts: Facts) -> None:
    document = pypdf.PdfReader(io.BytesIO(to_pdf(facts)))
    fonts = document.pages[0]["/Resources"]["/Font"].get_object()  # type: ignore[index]
    names = {str(fonts[key].get_object()["/BaseFont"]) for key in fonts}
    assert any("Droid" in name and "+" in name for name in names)
    assert len(to_pdf(facts)) < 300_000


def test_pdf_of_the_same_facts_is_the_same_file(facts: Facts) -> None:
    assert to_pdf(facts) == to_pdf(facts)


def test_a_long_report_still_fits_its_first_page(published: Published) -> None:
    facts = facts_of(published, published.rows[0], TREND, HEAD)
    long = replace(
        facts.row, name="重庆市南川区东城街道办事处某某某某某某建筑工程劳务分包有限责任公司第一分公司"
    )
    text, pages = pdf_text(
        replace(facts, row=long, signals=(facts.signals * 2)[:6], lowering=facts.lowering * 4)
    )
    assert pages <= 3
    assert "第一分公司" in text.replace("\n", "")


@pytest.mark.parametrize(("amount", "zh"), [(950.0, "950元"), (184_000.0, "18.4万元"), (2.5e8, "2.50亿元")])
def test_money_is_said_as_people_say_it(amount: float, zh: str) -> None:
    assert yuan(amount).zh == zh


@pytest.mark.parametrize(("value", "said"), [(None, "—"), (0.0, "0"), (-0.62, "-0.62"), (12345.6, "12,346")])
def test_values_are_shown_with_the_digits_a_reader_can_use(value: float | None, said: str) -> None:
    assert plain_number(value) == said


@pytest.mark.parametrize(
    ("feature", "value", "said"),
    [
        ("energy_level_28d", 0.384, "38%"),
        ("bills_unpaid_days", 12.0, "12 天"),
        ("bills_unpaid_amount", 23_456.0, "2.3万元"),
        ("no_such_feature", 0.5, "0.5"),
        ("energy_level_28d", None, "—"),
    ],
)
def test_a_value_is_said_in_its_features_unit(feature: str, value: float | None, said: str) -> None:
    assert measured(feature, value) == said


def test_a_likely_major_case_is_told_with_its_probability(published: Published) -> None:
    likely = next(row for row in published.rows if row.p_major == 0.31)
    hardly = next(row for row in published.rows if row.p_major == 0.12)
    assert "专班规模（30人以上或100万元以上）的概率为 31%" in to_html(facts_of(published, likely)).replace(
        "31.0%", "31%"
    )
    assert "专班规模" not in to_html(facts_of(published, hardly))


def test_a_grade_that_a_rule_gave_is_headed_by_the_rule(published: Published) -> None:
    row = next(row for row in published.rows if row.rules)
    by_rule = facts_of(published, replace(row, put_by="rule")).head
    assert f"首要原因：命中规则「{row.rules[0].zh}」" in by_rule.zh and row.rules[0].en in by_rule.en
    by_model = facts_of(published, replace(row, put_by="model")).head
    assert "命中规则" not in by_model.zh and "查实欠薪的预计概率" in by_model.zh


def test_sizes_that_are_the_same_for_all_are_said_to_tell_nothing_apart(facts: Facts) -> None:
    alike = replace(facts, sizes_alike=True)
    for said in (to_html(alike), pdf_text(alike)[0].replace("\n", "")):
        assert "未能区分规模" in said
    assert "未能区分规模" not in to_html(replace(facts, sizes_alike=False))


def test_what_the_first_page_has_no_room_for_stands_in_the_annex(published: Published) -> None:
    facts = facts_of(published, published.rows[0], TREND, HEAD)
    long = tuple(replace(facts.signals[0], zh=f"第{i}个信号" + "很长" * 60) for i in range(12))
    text = pdf_text(replace(facts, signals=long))[0].replace("\n", "")
    assert all(f"第{i}个信号" in text for i in range(12)) and "首页未列出的信号" in text
