import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.errors import StatsError
from twofold.stats import holm


def test_holm_by_hand() -> None:
    # sorted .005 x4 = .02, .01 x3 = .03, .03 x2 = .06, .04 x1 = .04 -> lifted to .06
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )


def test_order_of_names_is_kept_and_empty_is_empty() -> None:
    assert list(holm({"z": 0.9, "a": 0.1})) == ["z", "a"]
    assert holm({}) == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_between_the_raw_value_and_bonferroni_and_in_the_same_order(values: list[float]) -> None:
    raw = {str(i): p for i, p in enumerate(values)}
    adjusted = holm(raw)
    for name, p in raw.items():
        assert p <= adjusted[name] <= min(1.0, p * len(raw)) + 1e-15
    ranked = sorted(raw, key=raw.__getitem__)
    assert [adjusted[k] for k in ranked] == sorted(adjusted.values())


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(StatsError, match="'x'"):
        holm({"x": p})
