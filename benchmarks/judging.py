"""How much faster are eight criteria judged in one reading of a reply than with eight prompts? (SmolLM2)"""

import numpy as np
import torch

from benchmarks.ratio import Ratio, in_turn
from twofold.judges.judge import Asked
from twofold.judges.logodds import SIDES, LogOddsJudge, odds
from twofold.judges.parse_verdict import shown
from twofold.types import Problem, Response
from twofold.types.checklist import Criterion

N_REPLY, LIMIT, ROUNDS = 300, 1 / 4, 5
CRITERIA = (
    "Does the reply name the capital of the country?",
    "Is every step of the calculation written out?",
    "Does the reply avoid exclamation marks?",
    "Is the final answer given in a box?",
    "Does the reply mention the unit of the result?",
    "Is the reply written in the second person?",
    "Does the reply end with a question to the reader?",
    "Does the reply stay below four paragraphs?",
)


def questions(tokenizer):
    words = [
        "the",
        "cats",
        "of",
        "seven",
        "towns",
        "walk",
        "home",
        "and",
        "count",
        "their",
        "boats",
    ]
    drawn = np.random.default_rng(0).choice(words, 2 * N_REPLY)
    text = tokenizer.decode(tokenizer(" ".join(drawn)).input_ids[:N_REPLY])
    problem = Problem(question="How many boats do the cats of the seven towns count in all?")
    reply = Response(raw=text, reply=text)
    return [
        Asked(problem=problem, response=reply, criterion=Criterion(text=text)) for text in CRITERIA
    ]


def apart(judge, asked):
    """One full prompt for each criterion; logits of its last token only."""
    found = []
    with torch.inference_mode():
        for each in asked:
            head = tuple(sorted(shown(each.problem, each.response).items()))
            ids = judge._local.ids(head, each.criterion.text)
            logits = judge.model.network(torch.tensor([ids]), logits_to_keep=1).logits[0, -1]
            logprobs = logits.float().log_softmax(-1)
            yes, no = (
                float(logprobs[list(judge._local.spellings[side])].logsumexp(-1)) for side in SIDES
            )
            found.append(odds(yes, no, least=1e-9).score)
    return found


def measure():
    from twofold.models.hf import HfModel

    model = HfModel("smollm2")
    judge = LogOddsJudge(model, least=1e-9)
    asked = questions(model.tokenizer)
    ours = [verdict.score for verdict in judge(asked)]
    differ = float(np.abs(np.subtract(ours, apart(judge, asked))).max())
    assert differ < 1e-3, f"the two ways differ by {differ:.2g}"
    mine, theirs = in_turn(lambda: judge(asked), lambda: apart(judge, asked), rounds=ROUNDS)
    return [
        Ratio(
            name=f"8 criteria of a reply of {N_REPLY} tokens (scores differ by {differ:.1e})",
            rounds=[a / b for a, b in zip(mine, theirs, strict=True)],
            limit=LIMIT,
            ours=f"{min(mine):.2f} s",
            theirs=f"{min(theirs):.2f} s, a prompt a criterion",
        )
    ]
