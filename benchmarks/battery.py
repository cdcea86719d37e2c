"""What do the chain diagnostics cost, compared with generating the replies? (SmolLM2)

Both chain diagnostics in full: cuts, edits with their random controls, continuation after a mistake,
and the two controls built from the same model, all by rule and without a paraphraser. Compared with
the generation of the replies: one unconstrained reply to each problem. The twins read, and the model
continues, the samples that an audit takes.

The second figure counts tokens: those that the network reads, padding included, over those that it must
read. A text must be read once, where another text begins alike only from there, and a continuation up to
its last token but one.
"""

from collections.abc import Callable, Iterable
from unittest.mock import patch

from benchmarks.ratio import Ratio, in_turn
from twofold import prefix_scoring
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
    rows: list[dict[str, object]] = []
    n_tokens, n_least = tokens(model, lambda: rows.extend(chains.collect(subject, frozenset())))
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
        ),
        Ratio(
            name="tokens that the chain diagnostics read over those that they must",
            rounds=[n_tokens / n_least],
            limit=1.3,
            ours=f"{n_tokens} tokens",
            theirs=f"{n_least} tokens",
        ),
    ]


def tokens(model: HfModel, work: Callable[[], object]) -> tuple[int, int]:
    """How many tokens the network reads during `work`, and how many it must."""
    network = model.network.base_model
    forward, score, continued = network.forward, prefix_scoring.score, model.continued
    n_read = 0
    least: dict[
        tuple[int, int], int
    ] = {}  # the number of a text, by that of the text before and a token

    def text(ids: Iterable[int]) -> None:
        at = 0
        for token in ids:
            at = least.setdefault((at, token), len(least) + 1)

    def counted(*args, **more):
        nonlocal n_read
        n_read += (args[0] if args else more["input_ids"]).numel()
        return forward(*args, **more)

    def scored(model, trees, **more):
        for tree in trees:
            for branch in tree.branches:
                text((*tree.trunk[: branch.cut], *branch.ids))
        return score(model, trees, **more)

    def written(chats, started, sampling, **more):
        for place, response in continued(chats, started, sampling, **more):
            text((*model.ids(model.render(chats[place])), *response.ids[:-1]))
            yield place, response

    with (
        patch.object(network, "forward", counted),
        patch.object(prefix_scoring, "score", scored),
        patch.object(HfModel, "continued", lambda self, *args, **more: written(*args, **more)),
    ):
        work()
    return n_read, len(least)
