"""What do the chain diagnostics cost, compared with generating the replies? (SmolLM2)

Both chain diagnostics in full: cuts, edits with their random controls, continuation after a mistake,
and the two controls built from the same model, all by rule and without a paraphraser. Compared with
the generation of the replies: one unconstrained reply to each problem.
"""

from benchmarks.ratio import Ratio, in_turn
from twofold.diagnostics.chain import collect as chains
from twofold.diagnostics.diagnostic import ScoredResponse, Subject
from twofold.models.hf import HfModel
from twofold.problems import load
from twofold.problems.conditions import prompt
from twofold.scorers import Correct
from twofold.types import Item, Sampling

SAMPLING = Sampling(max_tokens=160)


def measure(rounds: int = 3, n_problems: int = 8) -> list[Ratio]:
    model = HfModel("smollm2", use_cache=False)
    problems = load(f"synthetic:{n_problems}", profile="fixed")
    chats = [chat for problem in problems if (chat := prompt(problem, "unconstrained")) is not None]
    replies = [row[0] for row in model.sample(chats, SAMPLING)]  # loads the weights too
    verdicts = Correct()(problems, replies)
    subject = Subject(
        role="model",
        model=model,
        problems=problems,
        answers=[
            ScoredResponse(
                item=Item("model", "unconstrained", p.id, 0), response=r, correct=v.score
            )
            for p, r, v in zip(problems, replies, verdicts, strict=True)
        ],
        sampling=SAMPLING,
        seed=0,
    )
    rows = list(chains.collect(subject, frozenset()))
    n_read = sum("reason" not in row for row in rows)
    battery, generation = in_turn(
        lambda: list(chains.collect(subject, frozenset())),
        lambda: model.sample(chats, SAMPLING),
        rounds=rounds,
    )
    return [
        Ratio(
            name=f"chain diagnostics on {n_read} of {len(rows)} replies over their generation",
            rounds=[a / b for a, b in zip(battery, generation, strict=True)],
            limit=2.0,
            ours=f"{min(battery):.1f} s",
            theirs=f"{min(generation):.1f} s, {sum(r.n_reply_tokens or 0 for r in replies)} tokens",
        )
    ]
