"""What does it save to read the assistant once, and to answer in batches? (SoftCoT, pocket models)

The saving of a training step is bounded by what it does besides: with an assistant as large as the base, a
step without the assistant still reads the base forwards and backwards. So the ratio is told beside an
assistant that is read again in batches, and one that is read prompt by prompt, as in the published code.
"""

import tempfile
from pathlib import Path
from unittest import mock

from benchmarks.ratio import Ratio, in_turn
from twofold.methods.softcot.method import SoftCotMethod
from twofold.methods.softcot.model import SoftCot
from twofold.methods.softcot.projection import Projection
from twofold.methods.softcot.states import states
from twofold.methods.softcot.trainable import SoftTrainable
from twofold.methods.trl.runner import TrlRunner
from twofold.models import resolve
from twofold.models.batches import Capacity
from twofold.models.hf import HfModel
from twofold.problems import pocket
from twofold.types import Sampling

ROWS, ROUNDS = 16, 7


def measure():
    problems = pocket.suite(ROWS, split="train")
    chats = [problem.messages() for problem in problems]
    base, assistant = resolve("pocket"), resolve("pocket")
    method = SoftCotMethod(assistant="pocket", demonstrations="obedient", batch=ROWS)
    rows = method.rows(problems)
    with tempfile.TemporaryDirectory() as folder:
        runner = TrlRunner(method, "pocket", rows, out=Path(folder) / "run")
        assert isinstance(runner.trainable, SoftTrainable)
        kind, data = runner.trainable.trainer(method, rows)
        made = runner.trainer(kind, lambda: data)()
        batch = {"rows": [data[i] for i in range(len(data))]}

        def step():
            made.compute_loss(made.model, batch).backward()

        def step_in_batches():
            states(assistant, chats, n_slots=method.n_slots)
            step()

        def step_one_by_one():
            for chat in chats:
                states(assistant, [chat], n_slots=method.n_slots)
            step()

        step_in_batches()  # loads the assistant
        once, batched = in_turn(step, step_in_batches, rounds=ROUNDS)
        again, singly = in_turn(step, step_one_by_one, rounds=ROUNDS)
    soft = SoftCot(base, assistant, Projection(128, 128, n_slots=16))
    greedy = Sampling(max_tokens=48)
    one = Capacity(max_rows=1, n_bytes=2**30, bytes_per_token=1, bytes_per_row=1)

    def alone():
        with mock.patch.object(HfModel, "capacity", one):
            for chat in chats:
                soft.sample([chat], greedy)

    soft.sample(chats, greedy)
    together, apart = in_turn(lambda: soft.sample(chats, greedy), alone, rounds=ROUNDS)
    return [
        _ratio("training step, states read once, against again in batches", once, batched, 1.0),
        _ratio("the same against again one by one, as published", again, singly, 1 / 3),
        _ratio(f"answering {ROWS} prompts in a batch, against one by one", together, apart, 1 / 4),
    ]


def _ratio(name, ours, theirs, limit):
    return Ratio(
        name=name,
        rounds=[a / b for a, b in zip(ours, theirs, strict=True)],
        limit=round(limit, 3),
        ours=f"{min(ours):.3f} s",
        theirs=f"{min(theirs):.3f} s",
    )
