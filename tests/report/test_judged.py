"""Does every judged share stand beside its floors and its judge's errors, on the page and in text?"""

from twofold.report.judged import sections
from twofold.report.markdown import summary
from twofold.types import Comparison, Estimate, Finding

URL = "http://127.0.0.1:8000/v1#judge"


def share(value: float) -> Estimate:
    return Estimate(
        value=value, low=value / 2, high=(1 + value) / 2, n=40, n_unscored=2, method="x"
    )


def finding(**more: Estimate) -> Finding:
    change = Comparison(
        difference=share(0.25),
        before=share(0.25),
        after=share(0.5),
        n_improved=12,
        n_lost=2,
        p=0.01,
        p_adjusted=0.02,
        test="x",
    )
    return Finding(
        diagnostic="checklist",
        question="Do they?",
        estimates={
            f"model/{URL}/mean": share(0.5),
            f"baseline/{URL}/mean": share(0.25),
            f"model/{URL}/category/pitfall": share(0.75),
            f"floor/{URL}/bare_answer/mean": share(0.125),
            f"judge/{URL}/specificity": share(0.875),
            "model/exact/mean": share(0.375),
        },
        comparisons={f"{URL}/mean": change},
        caveats=("Take care.",),
    )


def test_a_section_a_judge_whatever_its_name() -> None:
    found = sections(finding(), ["baseline", "model"])
    assert [section.judge for section in found] == [URL, "exact"]
    first, pitfalls = found[0].lines
    assert first.label == "Criteria met, by weight" and pitfalls.label == "Pitfall criteria"
    assert list(first.estimates) == ["baseline", "model"] and list(first.floors) == ["bare answer"]
    assert first.comparison is not None and first.comparison.n_improved == 12
    assert list(found[0].errors) == ["Not met, and failed (specificity)"]
    assert found[1].errors == {} and found[1].lines[0].comparison is None


def test_the_text_has_them_all() -> None:
    text = summary([finding()], {"model": "m", "baseline": "b"})
    assert f"judged by {URL}" in text and f"errors of {URL}" in text
    assert "bare answer 0.125 [0.062, 0.562] (n=40, 2 unscored)" in text
    assert "0.875 [0.438, 0.938] (n=40, 2 unscored)" in text and "12/2" in text
    assert "- Take care." in text
