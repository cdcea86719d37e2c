"""The adapters that are shipped: small, described, on the released model, and what they are said to be."""

import json
from pathlib import Path

import pytest

from twofold import problems as problem_files
from twofold.models import smollm2
from twofold.scorers import Compliant, Correct
from twofold.types import Sampling

ADAPTERS = Path(__file__).parents[2] / "recipes" / "10_smollm2_study" / "adapters"
ARMS = sorted(p.name for p in ADAPTERS.iterdir() if p.is_dir())


@pytest.mark.parametrize("arm", ARMS)
def test_an_adapter_is_small_described_and_names_its_base(arm: str) -> None:
    folder = ADAPTERS / arm
    assert (folder / "adapter_model.safetensors").stat().st_size < 12 * 2**20
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "smollm2"
    assert config["r"] == (8 if arm == "base" else 16)
    card = (folder / "README.md").read_text()
    assert "base_model: HuggingFaceTB/SmolLM2-135M-Instruct" in card
    assert "| test | 0." in card and "| held_out | 0." in card


def test_imitating_obedient_solutions_made_it_obey_and_right_chains_did_not() -> None:
    pytest.importorskip("torch")
    if smollm2.gguf_file() is None:
        pytest.skip(smollm2.REMEDY)
    from twofold.models.hf import HfModel

    asked = problem_files.load(str(ADAPTERS / "test.jsonl"), profile="fixed")[:16]
    n_met = {}
    for arm in ("sft", "sft_obedient"):
        model = HfModel(str(ADAPTERS / arm), use_cache=False)
        drawn = model.sample([p.messages() for p in asked], Sampling(max_tokens=64), n=1)
        replies = [row[0] for row in drawn]
        n_met[arm] = sum(v.score == 1.0 for v in Compliant("all")(asked, replies))
        assert any(v.score == 1.0 for v in Correct()(asked, replies))
    assert n_met["sft_obedient"] > n_met["sft"]
