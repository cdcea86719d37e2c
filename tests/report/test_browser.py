"""The page in Chromium: silent, closed to the network, usable by hand, by key and on a phone."""

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from twofold.report import write
from twofold.report.study import write as write_study
from twofold.storage.jsonl import dumps, read_lines

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OBEDIENT, DISOBEDIENT = "(?:and|but) compliant", "not compliant"
RIGHT, WRONG = "^right", "^wrong"
"""How the line under a reply says in which cell it is."""

CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour.slice(0, 3);
    }
    throw new Error("no background");
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility() || node.closest("script, :disabled")) continue;
    const style = getComputedStyle(node);
    const plated = node.closest("svg.mosaic");
    const back = plated ? parse(getComputedStyle(plated.querySelector(".plate")).fill) : behind(node);
    const front = parse(node instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(front), light(back.slice(0, 3))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${node.className} ${text.data.trim().slice(0, 30)}`);
  }
  return bad;
}"""
"""Texts whose contrast with what is behind them is under WCAG AA's 4.5 to 1."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("TWOFOLD_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{CHROMIUM} is not there; install the package `chromium`")
        pytest.skip(f"{CHROMIUM} is not there; install the package `chromium` to run these tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(pair_run: Path) -> str:
    return write(pair_run).as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    yield from opened(browser, address, 1280, "light")


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    yield from opened(browser, address, 375, "light")


def opened(browser: Browser, address: str, width: int, scheme: str) -> Iterator[Page]:
    """A tab in which every message, dialog and request is an error of the test that uses it."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    faults: list[str] = []

    def refuse(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("dialog", refuse)
    page.on("request", lambda request: faults.append(f"request: {request.url}"))
    page.goto(address)
    yield page
    context.close()
    assert faults == [f"request: {address}"]


def n_found(page: Page) -> int:
    found = re.match(r"(\d+) of", page.inner_text("#count"))
    assert found
    return int(found.group(1))


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_loads_without_a_word(page: Page) -> None:
    expect(page.locator("h1")).to_be_visible()
    assert n_found(page) == 120  # 60 problems in two conditions
    assert page.locator("article").count() == 10


def test_hostile_texts_stay_texts(page: Page, attack: str) -> None:
    assert attack in (page.locator(".facts").text_content() or "")
    assert attack in (page.locator("#methods pre").text_content() or "")
    article = page.locator("article", has=page.get_by_role("heading", name="Problem 2", exact=True))
    assert attack in (article.first.text_content() or "")
    article = page.locator("article", has=page.get_by_role("heading", name="Problem 3", exact=True))
    after = article.first.locator(".reply").nth(1)
    after.get_by_text("Thinking", exact=True).click()
    after.get_by_text("Raw text", exact=True).click()
    said = after.text_content() or ""
    assert f"{attack} reply" in said
    assert f"{attack} thinking" in said
    assert attack in (page.locator(".broken .why").last.text_content() or "")
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0


def test_an_error_of_a_call_is_shown(page: Page, attack: str) -> None:
    page.select_option("[name=finish_reason]", "failed")
    page.select_option("[name=role]", "baseline")
    assert n_found(page) == 2
    before = page.locator("article .reply").first
    assert f"time-out {attack}" in (before.text_content() or "")


def test_filters_narrow_and_clear(page: Page) -> None:
    page.select_option("[name=condition]", "constrained")
    assert n_found(page) == 60
    page.select_option("[name=cell]", "right_obedient")
    either = n_found(page)
    page.select_option("[name=role]", "model")
    after = n_found(page)
    assert 0 < after <= either < 60
    page.select_option("[name=type]", "punctuation:no_comma")
    page.select_option("[name=kept]", "broken")
    assert n_found(page) == 0  # an obedient reply breaks nothing
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#count")).to_contain_text("120 of 120")


def test_text_filter_finds_what_is_written(page: Page) -> None:
    page.fill("[name=text]", "sells 3 apples")
    assert n_found(page) == 2
    page.fill("[name=text]", "no such words")
    assert n_found(page) == 0
    expect(page.locator("article")).to_have_count(0)


@pytest.fixture(scope="module")
def mixed_run(pair_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run with before and after exchanged in every second problem, so that some got worse."""
    home = tmp_path_factory.mktemp("runs") / "mixed"
    shutil.copytree(pair_run, home)
    ids = dict.fromkeys(row["problem"] for row in read_lines(home / "verdicts.jsonl"))
    second = {*list(ids)[1::2]}
    other = {"model": "baseline", "baseline": "model"}
    for name in ("responses.jsonl", "verdicts.jsonl"):
        rows = list(read_lines(home / name))
        for row in rows:
            if row["problem"] in second:
                row["role"] = other[row["role"]]
        (home / name).write_text("".join(dumps(row) + "\n" for row in rows), encoding="utf-8")
    write(home)
    return home


@pytest.mark.parametrize(
    ("change", "key", "before", "after", "marks"),
    [
        ("gained_obedience", "compliant", 0.0, 1.0, (DISOBEDIENT, OBEDIENT)),
        ("lost_obedience", "compliant", 1.0, 0.0, (OBEDIENT, DISOBEDIENT)),
        ("gained_answer", "correct", 0.0, 1.0, (WRONG, RIGHT)),
        ("lost_answer", "correct", 1.0, 0.0, (RIGHT, WRONG)),
    ],
)
def test_a_change_finds_the_problems_whose_verdicts_changed_that_way(
    browser: Browser,
    mixed_run: Path,
    change: str,
    key: str,
    before: float,
    after: float,
    marks: tuple[str, str],
) -> None:
    scores: dict[str, dict[str, float | None]] = {}
    for row in read_lines(mixed_run / "verdicts.jsonl"):
        if row["condition"] == "constrained":
            scores.setdefault(row["problem"], {})[row["role"]] = row[key]["score"]
    wanted = sum(each == {"baseline": before, "model": after} for each in scores.values())
    for page in opened(browser, (mixed_run / "report.html").as_uri(), 1280, "light"):
        page.select_option("[name=condition]", "constrained")
        page.select_option("[name=change]", change)
        assert n_found(page) == wanted > 0
        for article in page.locator("article").all():
            told = [each.inner_text() for each in article.locator(".reply > .tags").all()]
            assert re.search(marks[0], told[0]) and re.search(marks[1], told[1]), told


def test_pages_turn(page: Page) -> None:
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#count")).to_contain_text("11 to 20")
    page.keyboard.press("n")
    expect(page.locator("#count")).to_contain_text("21 to 30")
    page.keyboard.press("p")
    expect(page.locator("#pages")).to_contain_text("Page 2 of 12")


def test_keys_walk_through_the_replies(page: Page) -> None:
    where = "[...document.querySelectorAll('article')].indexOf(document.activeElement)"
    places = []
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
        places.append(page.evaluate(where))
    assert places == [0, 1, 0]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.type("jk")
    assert page.input_value("[name=text]") == "jk"


def test_every_control_has_a_name_and_can_be_reached(page: Page) -> None:
    for control in page.locator("#filters select:visible, #filters input, button:visible").all():
        assert control.evaluate("e => (e.labels?.[0] ?? e).textContent.trim() || e.ariaLabel")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the result"


def test_headings_descend_one_step_at_a_time(page: Page) -> None:
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_tables_sort_inside_their_groups(page: Page) -> None:
    table = page.locator("table.sortable")
    before = table.locator("tbody").first.locator("tr").first.inner_text()
    rates = "b => [...b.rows].slice(1).map(r => +r.cells[2].dataset.value)"
    for order, reverse in (("descending", True), ("ascending", False)):
        table.get_by_role("button", name="Rate").click()
        assert table.locator(f"th[aria-sort={order}]").inner_text().startswith("Rate")
        found = table.locator("tbody").first.evaluate(rates)
        assert len(found) >= 3
        assert found == sorted(found, reverse=reverse)
    assert table.locator("tbody").first.locator("tr").first.inner_text() == before


def test_a_phone_needs_no_sideways_scroll(phone: Page) -> None:
    assert overflow(phone) <= 0
    for details in phone.locator("details").all():
        details.evaluate("e => { e.open = true }")
    assert overflow(phone) <= 0


def test_tables_scroll_inside_themselves_on_a_phone(phone: Page) -> None:
    wide = phone.locator(".wide:has(table.sortable)")
    assert wide.evaluate("e => e.scrollWidth > e.clientWidth && e.tabIndex === 0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(browser: Browser, address: str, scheme: str) -> None:
    for page in opened(browser, address, 1280, scheme):
        assert page.evaluate(CONTRAST) == []


def test_the_contrast_check_can_fail(page: Page) -> None:
    page.evaluate("document.querySelector('h1').style.color = 'rgb(200, 200, 200)'")
    (fault,) = page.evaluate(CONTRAST)
    assert fault.split(" ", 1)[1].strip() == page.inner_text("h1")[:30].strip()


def test_the_button_turns_the_lights_off_and_on(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    day = page.evaluate(ground)
    page.click("#theme")
    assert page.evaluate(ground) != day
    assert page.evaluate(CONTRAST) == []
    expect(page.locator("#theme")).to_have_attribute("aria-label", "Switch to light colours")
    page.click("#theme")
    assert page.evaluate(ground) == day


def test_an_injected_script_would_be_refused(browser: Browser, address: str) -> None:
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(address)
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
    }""")
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in refused)
    page.close()


def test_one_model_without_answers(browser: Browser, single_run: Path) -> None:
    for page in opened(browser, write(single_run).as_uri(), 375, "light"):
        assert n_found(page) == 20
        assert overflow(page) <= 0
        expect(page.locator("[name=role]")).to_be_hidden()
        assert "All constraints met" in page.inner_text("h1 + .lede")


@pytest.fixture(scope="module")
def study(made: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_study(made(tmp_path_factory.mktemp("study"))).as_uri()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_a_studys_page_is_silent_readable_and_fits(
    browser: Browser, study: str, width: int, scheme: str
) -> None:
    for page in opened(browser, study, width, scheme):
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("svg.plane").count() == 1
        assert "<script>alert(1)</script>" in (page.locator("#samples").text_content() or "")
        assert overflow(page) == 0
        assert page.evaluate(CONTRAST) == []
        page.click("#theme")
        assert page.evaluate(CONTRAST) == []
