"""`python -m recipes.n_minus_one [OUT] [SEED]`: does a model optimise, or recall its training instances?

Four arms on the same 100 instances of `choice`: `warm` was trained on worked solutions of other
instances; `recall` on the bare answers of these until it knew them; `sft`, from `warm`, on worked
solutions of these; `grpo`, from `warm`, with a reward for right answers to these. No arm saw the
instances with one offer removed.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from twofold.diagnostics import diagnostics_named
from twofold.methods.grpo import Grpo
from twofold.methods.sft import Sft
from twofold.models import resolve
from twofold.problems.optimisation import choice
from twofold.runs.audit import audit
from twofold.scorers import Correct
from twofold.storage.jsonl import dumps
from twofold.types import Problem, Sampling

N_ASKED = 100  # instances that `ood` uses: all are among the first 200 of the training split


def demonstrations(problems: Sequence[Problem], path: Path, *, worked: bool) -> Path:
    """Demonstrations for `Sft`: worked solutions, or bare answers."""
    texts = (choice.solution(p) if worked else f"It is \\boxed{{{p.answer}}}." for p in problems)
    rows = ({"problem": p.id, "raw": text} for p, text in zip(problems, texts, strict=True))
    path.write_text("".join(dumps(row) + "\n" for row in rows))
    return path


def arms(out: Path, seed: int) -> dict[str, str]:
    """Train what is not trained yet; returns the checkpoint of each arm."""
    out.mkdir(parents=True, exist_ok=True)
    every = choice.suite(2000, split="train")
    known, others = every[: 2 * N_ASKED], every[2 * N_ASKED :]
    worked = demonstrations(others, out / "worked.jsonl", worked=True)
    shown = demonstrations(known, out / "shown.jsonl", worked=True)
    bare = demonstrations(known, out / "bare.jsonl", worked=False)
    shared = {"seed": seed, "batch": 16, "save_steps": 1000}
    warm = Sft(demonstrations=worked, learning_rate=1e-3, epochs=12, **shared).train(
        "pocket", others, out=out / f"warm-{seed}"
    )
    start = str(warm.folder)
    recall = Sft(demonstrations=bare, learning_rate=1e-3, epochs=60, **shared)
    sft = Sft(demonstrations=shown, learning_rate=3e-4, epochs=10, **shared)
    grpo = Grpo(
        reward=Correct(),
        steps=60,
        batch=12,
        num_generations=8,
        max_completion_length=96,
        learning_rate=2e-4,
        warmup_steps=6,
        save_steps=1000,
        seed=seed,
    )
    found = {"warm": start}
    for name, method in (("recall", recall), ("sft", sft), ("grpo", grpo)):
        base = "pocket" if name == "recall" else start
        found[name] = str(method.train(base, known, out=out / f"{name}-{seed}").folder)
    return found


def main(out: Path, seed: int) -> None:
    """Train, audit, and print a table."""
    asked = choice.suite(60, split="test")
    heads = ("arm", "n", "size control", "n1 slack", "n1 binding", "n1 fresh")
    print("| " + " | ".join((*heads, "binding - fresh", "n - control", "copies")) + " |")
    print("|" + "---|" * 9)
    for name, checkpoint in arms(out, seed).items():
        result = audit(
            resolve(checkpoint),
            asked,
            out=out / f"audit-{name}-{seed}",
            sampling=Sampling(max_tokens=96),
            diagnostics=diagnostics_named("ood"),
        )
        assert result is not None
        found = next(f for f in result.findings if f.diagnostic == "ood")
        best = [
            str(found.estimate("solved", condition=variant) or "unscored")
            for variant in ("n", "size_control", "n1_slack", "n1_binding", "n1_fresh")
        ]
        told = []
        for old, new in (("n1_fresh", "n1_binding"), ("size_control", "n")):
            cost = found.comparison("solved", versus=old, condition=new)
            told.append(f"{cost.difference}, p {cost.p_adjusted:.2g}" if cost else "unscored")
        copies = str(found.estimate("copies", condition="n1_binding") or "unscored")
        print("| " + " | ".join([name, *best, *told, copies]) + " |", flush=True)


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/n_minus_one")
    main(place, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
