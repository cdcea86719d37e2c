"""Does every judged share stand beside its floors and its judge's errors, on the page and in text?"""

from twofold.report.judged import sections
from twofold.report.markdown import summary
from twofold.types import ALL, Comparison, Contrast, Estimate, Finding, Measure, Slice

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
