"""Which model starts? The pocket model, taught to read passages of other worlds.

It learns to answer from passages that stand in the prompt, and the form of an answer where there are
none. Each demonstration is about another world than the last, so no fact can be learned by heart, and
none is about the world of the experiment. One in four is the pocket model's own pretraining text.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recipes.pocket_model.corpus import demonstrations
from recipes.pocket_model.training import Schedule, train
from twofold.models import resolve
from twofold.models.hf import HfModel
from twofold.problems.knowledge import BETWEEN, PARTNER, SPLITS, World, said
from twofold.problems.synthetic.cast import TRAIN_NAMES
from twofold.randomness import rng_for
from twofold.types import Message, Problem

FIRST_WORLD = 1000  # the experiment's world is below
N_STEPS = 600


def reading(index: int) -> list[Message]:
    """A question about world `FIRST_WORLD + index`, with or without passages, and its reply."""
    rng = rng_for("rlag", "reading", index)
    world = World(FIRST_WORLD + index)
    problem = world.problem(int(rng.integers(160)), split=SPLITS[int(rng.integers(2))])
    (asked,) = problem.messages()
    if rng.random() < 0.8:
        passages = shuffled(rng, world, problem)
        asked = Message(role="user", content="\n".join([*passages, "", asked["content"]]))
    bare = problem.options and rng.random() < 0.5
    reply = said(str(problem.answer)) if bare else str(problem.solution)
    return [asked, Message(role="assistant", content=reply)]


def shuffled(rng: np.random.Generator, world: World, problem: Problem) -> list[str]:
    """The passages that the problem needs, often with another one, in a drawn order."""
    people = [fact.split(" of ")[1].split()[0] for fact in problem.tags["facts"].split(BETWEEN)]
    for _ in range(2 - len(people)):
        people.append(world.of(people[0], PARTNER))
    if rng.random() < 0.5:
        people.append(TRAIN_NAMES[int(rng.integers(len(TRAIN_NAMES)))])
    people = list(dict.fromkeys(people))
    return [world.passage(people[i]) for i in rng.permutation(len(people))]


def chats(seed: int = 0) -> Iterator[list[Message]]:
    """An endless stream: three demonstrations of reading, then one of the pocket world."""
    old = demonstrations(seed)
    index = 0
    while True:
        for _ in range(3):
            yield reading(index)
            index += 1
        yield next(old)


def teach(out: Path, *, n_steps: int = N_STEPS) -> Path:
    """Train the base into `out`, unless it is there; returns `out`."""
    if not (out / "config.json").exists():
        pocket = resolve("pocket")
        assert isinstance(pocket, HfModel)
        network, tokenizer = pocket.network, pocket.tokenizer
        network.set_attn_implementation("eager")
        for step, loss in train(
            network, tokenizer, chats(), Schedule(n_steps=n_steps, batch=32, peak=2e-3)
        ):
            if step % 25 == 0:
                print(f"step {step}: {loss:.3f}", flush=True)
        part = out.with_name(out.name + ".part")
        network.save_pretrained(part)
        tokenizer.save_pretrained(part)
        part.rename(out)
    return out


if __name__ == "__main__":
    import sys

    teach(Path(sys.argv[1]), n_steps=int(sys.argv[2]) if len(sys.argv) > 2 else N_STEPS)
