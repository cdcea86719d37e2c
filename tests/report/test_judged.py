"""Does every judged share stand beside its floors, its judge's errors and its judge's words?"""

import html
import json
from dataclasses import replace
from pathlib import Path

import pytest

from twofold import report
from twofold.diagnostics.checklist.collect import Checklists
from twofold.judges import Blend, ExactJudge, ProgramJudge, SampledJudge
from twofold.models.scripted import ScriptedModel
from twofold.problems import pocket
from twofold.report import judged
from twofold.report.judged import MOST_JUDGED, sections
from twofold.report.markdown import summary
from twofold.runs.audit import audit
from twofold.types import ALL, Comparison, Contrast, Estimate, Finding, Measure, Sampling, Slice
from twofold.types.checklist import Checklist, Criterion

URL = "http://127.0.0.1:8000/v1#judge"


def share(value: float) -> Estimate:
    return Estimate(
        value=value, low=value / 2, high=(1 + value) / 2, n=40, n_unscored=2, method="x"
    )


def measure(role: str, judge: str, metric: str, value: float, part: Slice = ALL) -> Measure:
    return Measure(role=role, condition=judge, metric=metric, slice=part, estimate=share(value))


def finding() -> Finding:
    change = Comparison(
        difference=share(0.25),
        before=share(0.25),
        after=share(0.5),
        n_improved=12,
        n_regressed=2,
        p=0.01,
        p_adjusted=0.02,
        test="x",
    )
    return Finding(
        diagnostic="checklist",
        question="Do they?",
        measures=(
            measure("model", URL, "mean", 0.5),
            measure("baseline", URL, "mean", 0.25),
            measure("model", URL, "met", 0.75, Slice("category", "pitfall")),
            measure("bare_answer", URL, "mean", 0.125),
            measure("judge", URL, "specificity", 0.875),
            measure("model", "exact", "mean", 0.375),
        ),
        contrasts=(
            Contrast(
                role="model", versus="baseline", condition=URL, metric="mean", comparison=change
            ),
        ),
        caveats=("Take care.",),
    )


def test_a_section_a_judge_whatever_its_name() -> None:
    found = sections(finding(), ["baseline", "model"])
    assert [section.judge for section in found] == [URL, "exact"]
    first, pitfalls = found[0].shares
    assert first.label == "Criteria met, weighted mean" and pitfalls.label == "Pitfall criteria"
    assert list(first.estimates) == ["baseline", "model"] and list(first.floors) == ["bare answer"]
    assert first.comparison is not None and first.comparison.n_improved == 12
    (error,) = found[0].errors
    assert error.startswith("True-negative rate (specificity)")
    assert found[1].errors == {} and found[1].shares[0].comparison is None


def test_the_text_has_them_all() -> None:
    text = summary([finding()], {"model": "m", "baseline": "b"})
    assert f"judged by {URL}" in text and f"errors of {URL}" in text
    assert "bare answer 0.125 [0.062, 0.562] (n=40, 2 unscored)" in text
    assert "0.875 [0.438, 0.938] (n=40, 2 unscored)" in text and "12/2" in text
    assert "- Take care." in text


ATTACK = "</div><script>alert(1)</script><img src=x onerror=alert(2)> \ud800 It greets.\n80"
CRITERIA = (
    Criterion(text="Is it <b>kind</b>?", weight=20),
    Criterion(text="Does it ramble?", pitfall=True),
)
PROBLEMS = [replace(p, checklist=Checklist(criteria=CRITERIA)) for p in pocket.suite(30)]
LOST = {PROBLEMS[0].question, PROBLEMS[1].question}


def said(text: str, sample: int) -> str:
    if any(question in text for question in LOST):
        return "I cannot say."
    return ATTACK if sample == 0 else f"As I said.\n{sum(map(ord, text)) % 100}"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = ScriptedModel(lambda prompt, sample: f"Hm. {len(prompt)} \\boxed{{4}}", name="m")
    judge = SampledJudge(ScriptedModel(said, name="j"), n=3)
    programs = Blend(judge, ProgramJudge())
    listed = [Checklists(judge, "j"), Checklists(programs, "j+average"), Checklists(ExactJudge())]
    out = tmp_path_factory.mktemp("judged") / "run"
    for each in listed:
        audit(model, PROBLEMS, out=out, sampling=Sampling(max_tokens=8), diagnostics=[each])
    return out


def test_a_person_can_check_what_a_judge_said(run_dir: Path) -> None:
    views = judged.views(run_dir)
    assert {view.judge for view in views} == {"j", "j+average"}  # rules say theirs elsewhere
    for judge in ("j", "j+average"):
        shown = [view for view in views if view.judge == judge]
        assert len(shown) == MOST_JUDGED and shown[0].score is None
        scores = [view.score for view in shown if view.score is not None]
        assert len(set(scores)) > 3 and [v.number for v in shown] == sorted(v.number for v in shown)
        (kind, ramble) = shown[-1].criteria
        assert kind.words[0][1] == ATTACK and len(kind.words) == 3
        assert kind.words[0][0] == pytest.approx(0.8)
        assert ramble.pitfall and ramble.words[0][0] == pytest.approx(0.2)
        assert shown[-1].reply.startswith("Hm. ") and "mean" in kind.reason
        assert [words for _, words in shown[0].criteria[0].words] == ["I cannot say."] * 3


def test_its_words_are_shown_and_never_run(run_dir: Path) -> None:
    page = report.write(run_dir).read_text(encoding="utf-8")
    assert html.escape("<script>alert(1)</script><img src=x onerror=alert(2)>") in page
    assert "<script>alert(1)" not in page and "<img" not in page and "Is it <b>" not in page
    assert page.count("What this judge said") == 2


def test_rows_of_an_older_twofold_have_no_words_and_do_no_harm(
    run_dir: Path, tmp_path: Path
) -> None:
    for name in ("problems", "responses"):
        (tmp_path / f"{name}.jsonl").write_bytes((run_dir / f"{name}.jsonl").read_bytes())
    rows = [json.loads(line) for line in (run_dir / "checklist.jsonl").read_text().splitlines()]
    assert all("parts" in row for row in rows)
    old = [{k: v for k, v in row.items() if k != "parts"} for row in rows]
    (tmp_path / "checklist.jsonl").write_text("".join(json.dumps(row) + "\n" for row in old))
    assert judged.views(tmp_path) == []
    (tmp_path / "checklist.jsonl").unlink()
    assert judged.views(tmp_path) == []
