"""What does an audit cost compared with bare `generate` of the same tokens?

Both sides have loaded the weights and answer the same prompts in the same batches with the same
budget; the audit also renders prompts, samples with our own code, saves and scores every reply,
bootstraps and writes the report.
"""

import tempfile
from pathlib import Path

import torch
from transformers import GenerationConfig

from benchmarks.ratio import Ratio, in_turn
from twofold.models.batches import plan
from twofold.models.hf import HfModel
from twofold.problems import load
from twofold.problems.conditions import asked
from twofold.runs.audit import audit
from twofold.types import Sampling

SAMPLING = Sampling(max_tokens=96)


def measure(rounds: int = 3, n_problems: int = 24) -> list[Ratio]:
    model = HfModel("smollm2", use_cache=False)
    problems = load(f"synthetic:{n_problems}", profile="fixed")
    texts = [model.render(chat) for *_, chat in asked(problems)]
    ids = [model.tokenizer(text, add_special_tokens=False).input_ids for text in texts]
    batches = plan(
        [len(i) for i in ids], n=1, max_tokens=SAMPLING.max_tokens, capacity=model.capacity
    )
    n_tokens = {"bare": 0}

    def bare() -> None:
        config = GenerationConfig(
            max_new_tokens=SAMPLING.max_tokens,
            do_sample=False,
            eos_token_id=list(model.eos),
            pad_token_id=model.eos[0],
        )
        n_tokens["bare"] = 0
        for batch in batches:
            rows = [ids[p] for p, _ in batch]
            longest = max(map(len, rows))
            padded = torch.tensor([[0] * (longest - len(r)) + r for r in rows])
            mask = torch.tensor([[0] * (longest - len(r)) + [1] * len(r) for r in rows])
            with torch.inference_mode():
                out = model.network.generate(
                    input_ids=padded, attention_mask=mask, generation_config=config
                )
            for row in out[:, longest:].tolist():
                end = next((i for i, t in enumerate(row) if t in model.eos), len(row) - 1)
                n_tokens["bare"] += end + 1

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            result = audit(model, problems, out=Path(folder) / "run", sampling=SAMPLING)
            assert result is not None

    _ = model.network  # loaded, as for the bare side
    bare()  # warm-up
    a, b = in_turn(ours, bare, rounds=rounds)
    return [
        Ratio(
            name=f"audit of {len(texts)} replies over bare generate",
            rounds=[x / y for x, y in zip(a, b, strict=True)],
            limit=1.1,
            ours=f"{min(a):.1f} s",
            theirs=f"{min(b):.1f} s, {n_tokens['bare']} tokens",
        )
    ]
