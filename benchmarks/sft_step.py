"""How much time does SFT on a CPU save by computing logits of the replies only? (SmolLM2, LoRA)"""

import json
import tempfile
from pathlib import Path
from unittest import mock

from benchmarks.ratio import Ratio, in_turn
from twofold.methods import Sft
from twofold.methods.trl import compact_loss
from twofold.models import loading
from twofold.problems import synthetic

ROWS, LIMIT, ROUNDS = 16, 0.6, 3


def measure():
    problems = synthetic.suite(ROWS, split="train")
    method = Sft(
        demonstrations="solutions",
        lora=8,
        learning_rate=1e-5,
        batch=ROWS,
        accumulation=2,
        epochs=2,
        trl={"bf16": loading.multiplies_bfloat16(), "report_to": "none"},
    )
    losses = {}

    def trained(kind):
        with tempfile.TemporaryDirectory() as folder:
            out = method.train("smollm2", problems, out=Path(folder) / "run").folder
            rows = json.loads((out / "trainer_state.json").read_text())["log_history"]
            losses[kind] = [row["loss"] for row in rows if "loss" in row]

    def usual():
        with mock.patch.object(compact_loss, "LARGE", 10**9):
            trained("usual")

    mine, theirs = in_turn(lambda: trained("ours"), usual, rounds=ROUNDS)
    apart = max(abs(a - b) for a, b in zip(losses["ours"], losses["usual"], strict=True))
    assert apart < 0.02, f"the losses differ by {apart:.3g}"
    return [
        Ratio(
            name=f"two steps of {ROWS} rows, with loading and saving (losses {apart:.0e} apart)",
            rounds=[a / b for a, b in zip(mine, theirs, strict=True)],
            limit=LIMIT,
            ours=f"{min(mine):.1f} s",
            theirs=f"{min(theirs):.1f} s",
        )
    ]
