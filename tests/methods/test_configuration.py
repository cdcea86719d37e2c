"""Is whatever stands under `trl:` either a value of the type that TRL means, or one error of ours?"""

import math
from typing import Any, get_type_hints

import pytest

pytest.importorskip("trl")

from hypothesis import given, settings
from hypothesis import strategies as st
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.sft_config import SFTConfig

from twofold.methods.method import TrainingError
from twofold.methods.trl.configuration import typed

FIELDS = [
    (kind, key) for kind in (SFTConfig, DPOConfig, GRPOConfig) for key in get_type_hints(kind)
]
PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5)
VALUES = (
    PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=3), PLAIN, max_size=2)
)


def numbers(value: object) -> list[float]:
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return [float(value)] if is_number else []  # type: ignore[arg-type]


@settings(max_examples=400)
@given(st.sampled_from(FIELDS), VALUES)
def test_no_value_is_taken_for_another(field: tuple[type, str], value: Any) -> None:
    kind, key = field
    try:
        found = typed(kind, {key: value})[key]
    except TrainingError as error:
        assert f"'trl.{key}" in str(error)
        return
    assert all(math.isfinite(number) and number >= -1 for number in numbers(found))
    if isinstance(value, bool):
        assert not isinstance(found, float) and type(found) is not int
    if numbers(found) and not isinstance(value, str | list):
        assert found == value


@pytest.mark.parametrize(("value", "found"), [("1e-4", 1e-4), (1, 1.0), (0, 0.0), ("3", 3.0)])
def test_a_number_that_yaml_reads_as_a_text_is_a_number(value: object, found: float) -> None:
    assert typed(SFTConfig, {"weight_decay": value}) == {"weight_decay": found}
