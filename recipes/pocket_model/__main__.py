"""Make the pocket model: `python -m recipes.pocket_model OUT [STEPS]`.

Seeds are fixed: one kind of machine always gives the same files.
"""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path

from recipes.pocket_model.corpus import demonstrations
from recipes.pocket_model.tokenizer import trained_tokenizer
from recipes.pocket_model.training import Schedule, fresh_network, train

TOKENIZER_SEED, CORPUS_SEED = 1, 2
N_TOKENIZER_CHATS = 4000


def main(out: Path, schedule: Schedule) -> None:
    """Write config, weights and tokenizer into `out`."""
    chats = islice(demonstrations(TOKENIZER_SEED), N_TOKENIZER_CHATS)
    tokenizer = trained_tokenizer(message["content"] for chat in chats for message in chat)
    network = fresh_network(tokenizer, seed=schedule.seed)
    print(f"{network.num_parameters():,} parameters, {len(tokenizer)} tokens", flush=True)
    start = time.monotonic()
    for step, loss in train(network, tokenizer, demonstrations(CORPUS_SEED), schedule):
        if step % 50 == 0 or step == schedule.n_steps - 1:
            print(f"step {step}: loss {loss:.3f}, {time.monotonic() - start:.0f} s", flush=True)
    network.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    n_steps = int(sys.argv[2]) if len(sys.argv) > 2 else Schedule.n_steps
    main(Path(sys.argv[1]), Schedule(n_steps=n_steps))
