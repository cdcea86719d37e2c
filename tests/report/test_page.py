"""The page as a file: complete, escaped, bound to its own script, and whole or not there at all."""

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from twofold.errors import RunError
from twofold.report import write
from twofold.report.page import embedded, model_names


@pytest.fixture(scope="module")
def page(pair_run: Path) -> str:
    return write(pair_run).read_text(encoding="utf-8")


class Attributes(HTMLParser):
    """The names of all attributes in a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


def element(page: str, opening: str, closing: str) -> str:
    (found,) = re.findall(re.escape(opening) + "(.*?)" + re.escape(closing), page, flags=re.DOTALL)
    return str(found)


def test_the_policy_names_the_hashes_of_what_is_there(page: str) -> None:
    policy = element(page, 'http-equiv="Content-Security-Policy" content="', '"')
    policy = policy.replace("&#39;", "'")
    for opening, closing, kind in (
        ("<script>", "</script>", "script"),
        ("<style>", "</style>", "style"),
    ):
        text = element(page, opening, closing)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    reader = Attributes()
    reader.feed(page)
    assert reader.found.isdisjoint({"src", "srcset", "action", "style", "onerror", "onclick"})
    assert all(link.startswith("#") for link in reader.links)
    code = element(page, "<script>", "</script>") + element(page, "<style>", "</style>")
    assert "innerHTML" not in code
    assert "@import" not in code
    assert "url(" not in code


def test_hostile_texts_survive_as_data(page: str, attack: str) -> None:
    data = element(page, '<script type="application/json" id="data">', "</script>")
    assert "<" not in data
    problems = json.loads(data)["problems"]
    assert problems[1]["question"].endswith(attack)
    said = [reply for reply in problems[2]["replies"] if reply["role"] == "model"]
    assert {reply["reply"] for reply in said} == {f"{attack} reply"}
    assert {reply["thinking"] for reply in said} == {f"{attack} thinking"}


def test_embedding_half_a_surrogate(small_run: Path) -> None:
    path = small_run / "responses.jsonl"
    path.write_text(path.read_text().replace("Adding both", "Adding \\ud800 both"))
    page = write(small_run).read_text(encoding="utf-8")
    data = json.loads(element(page, '<script type="application/json" id="data">', "</script>"))
    assert any("\ud800" in r["reply"] for p in data["problems"] for r in p["replies"])


def test_embedded_json_reads_back() -> None:
    value = {"a": ["</script>", "<!--", "\u2028", "\x00"]}
    assert json.loads(embedded(value)) == value


def test_every_estimate_in_a_table_has_its_units(page: str) -> None:
    ranges = re.findall(r'<span class="range">.*?</span> <small>(.*?)</small>', page)
    assert len(ranges) == page.count('class="estimate"') > 100
    assert all(re.fullmatch(r"n = \d+, \d+ unscored", units) for units in ranges)


def test_what_is_absent_is_said(single_run: Path) -> None:
    page = write(single_run).read_text(encoding="utf-8")
    for sentence in (
        "No problem has a reference answer",
        "No reply was sampled without the constraints",
        "Only one model was measured",
    ):
        assert sentence in page
    assert '<svg class="plane"' not in page


@pytest.mark.parametrize(("share", "warned"), [(0.05, False), (0.06, True)])
def test_a_run_that_lost_too_much_warns(small_run: Path, share: float, warned: bool) -> None:
    path = small_run / "findings.json"
    saved = json.loads(path.read_text())
    saved["lost"] |= {"share": share}
    path.write_text(json.dumps(saved))
    assert ("Do not use these numbers" in write(small_run).read_text(encoding="utf-8")) == warned


@pytest.mark.parametrize(("cut", "warned"), [(1, False), (4, True)])
def test_cut_thoughts_stand_on_the_first_screen(small_run: Path, cut: int, warned: bool) -> None:
    path = small_run / "findings.json"
    saved = json.loads(path.read_text())
    at = {"role": "model", "condition": "constrained"}
    counts = [at | {"metric": "answered", "n": 40}, at | {"metric": "unclosed_thinking", "n": cut}]
    saved["findings"][0]["counts"] = counts
    path.write_text(json.dumps(saved))
    page = write(small_run).read_text(encoding="utf-8")
    facts = element(page, '<dl class="facts">', "</dl>")
    assert f"Never finished thinking, after</dt><dd>{cut} of {40 + cut}</dd>" in facts
    assert ("Much of the thinking is unfinished" in page) == warned


def test_the_arrow_of_the_plane_is_the_paired_difference(pair_run: Path, page: str) -> None:
    saved = json.loads((pair_run / "findings.json").read_text())
    moved = {
        (each["condition"], each["metric"]): each
        for each in saved["findings"][0]["contrasts"]
        if not each["slice_by"]
    }
    axes = {"capability": ("unconstrained", "accuracy"), "obedience": ("", "obedience")}
    said = element(page, 'aria-label="Capability against obedience. ', '"')
    for side in ("before", "after"):
        for axis, key in axes.items():
            assert f"{axis} {moved[key][side]['value']:.3f}" in said


def test_a_run_with_other_findings_only(small_run: Path) -> None:
    path = small_run / "findings.json"
    saved = json.loads(path.read_text())
    saved["findings"][0]["diagnostic"] = "profiles"
    path.write_text(json.dumps(saved))
    assert saved["findings"][0]["question"].split(",")[0] in write(small_run).read_text()


def test_a_run_without_any_verdict(small_run: Path) -> None:
    (small_run / "verdicts.jsonl").write_text("")
    assert "nothing to show" in write(small_run).read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_page(pair_run: Path, page: str) -> None:
    assert write(pair_run).read_text(encoding="utf-8") == page


def test_the_short_text_is_written_too(pair_run: Path, page: str) -> None:
    text = (pair_run / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# tuned ")
    assert "All constraints met (HAcc)" in text


def test_a_failed_write_leaves_the_old_page(pair_run: Path, page: str, tmp_path: Path) -> None:
    home = tmp_path / "run"
    shutil.copytree(pair_run, home)
    (home / "findings.json").write_text("{")
    with pytest.raises(RunError):
        write(home)
    assert (home / "report.html").read_text(encoding="utf-8") == page
    assert not list(home.glob(".report*"))


def test_models_of_one_name_are_told_apart() -> None:
    assert model_names({}) == {"model": "the model"}
    names = model_names({"models": {"model": "x", "baseline": "x"}})
    assert names["model"] != names["baseline"]
