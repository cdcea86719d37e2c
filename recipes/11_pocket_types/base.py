"""Make a base: `python -m recipes.11_pocket_types.base LAW OUT [STEPS]`; see `corpus`."""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path
from typing import get_args

from recipes.pocket_model.tokenizer import trained_tokenizer
from recipes.pocket_model.training import Schedule, fresh_network, train

from .corpus import Law, demonstrations

TOKENIZER_SEED, CORPUS_SEED = 1, 2
N_TOKENIZER_CHATS = 4000


def main(law: Law, out: Path, schedule: Schedule) -> None:
    """Write config, weights and tokenizer into `out`; all laws have the same tokenizer."""
    chats = islice(demonstrations(TOKENIZER_SEED, "independent"), N_TOKENIZER_CHATS)
    tokenizer = trained_tokenizer(message["content"] for chat in chats for message in chat)
    network = fresh_network(tokenizer, seed=schedule.seed)
    print(f"{network.num_parameters():,} parameters, {len(tokenizer)} tokens", flush=True)
    start = time.monotonic()
    for step, loss in train(network, tokenizer, demonstrations(CORPUS_SEED, law), schedule):
        if step % 50 == 0 or step == schedule.n_steps - 1:
            print(f"step {step}: loss {loss:.3f}, {time.monotonic() - start:.0f} s", flush=True)
    network.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    law = sys.argv[1]
    if law not in get_args(Law):
        sys.exit(f"{law!r} is no law of obedience; give one of {', '.join(get_args(Law))}")
    n_steps = int(sys.argv[3]) if len(sys.argv) > 3 else Schedule.n_steps
    main(law, Path(sys.argv[2]), Schedule(n_steps=n_steps))  # type: ignore[arg-type]
