"""What does llama.cpp gain over transformers on one `.gguf` file, where replies are only sampled? (CPU)

`python -m benchmarks.llama FILE` measures another file than SmolLM2's.
"""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.ratio import Ratio, in_turn, table
from twofold.models import smollm2
from twofold.models.hf import HfModel
from twofold.problems import synthetic
from twofold.types import Model, Sampling

ROUNDS, TOKENS = 3, 48


class Case(NamedTuple):
    """`read`: whether the time is that of a token of the prompts, not of the replies."""

    what: str
    prompts: int
    replies: int
    tokens: int
    limit: float
    read: bool = False


CASES = (
    Case("16 prompts are read", 16, 1, 1, 4.0, read=True),
    Case(f"1 reply of up to {TOKENS} tokens", 1, 1, TOKENS, 0.6),
    Case(f"16 replies of up to {TOKENS} tokens at once", 1, 16, TOKENS, 1.5),
)
CHILD = """
import sys
from twofold.models import resolve
from twofold.problems import synthetic
from twofold.types import Sampling
asked = [p.messages() for p in synthetic.suite(1, split="train")]
model = resolve(sys.argv[1])
model._cache = type(model._cache)(None)
model.sample(asked, Sampling(max_tokens=48, temperature=1.0), n=16)
high = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(high.split()[1])
"""


def measure(file: Path | None = None) -> list[Ratio]:
    if importlib.util.find_spec("llama_cpp") is None:
        print("llama is left out; it needs pip install 'twofold[llama]'", file=sys.stderr)
        return []
    from twofold.models.llama import LlamaModel

    source = file or smollm2.gguf_file()
    assert source is not None, smollm2.REMEDY
    ours = LlamaModel(f"llama:{source}", use_cache=False)
    theirs = HfModel(str(source), use_cache=False)
    for model in (ours, theirs):
        model.__dict__["capacity"] = replace(model.capacity, max_rows=16)
    return [*(_time(case, ours, theirs) for case in CASES), _memory(source)]


def _time(case: Case, ours: Model, theirs: HfModel) -> Ratio:
    asked = [p.messages() for p in synthetic.suite(case.prompts, split="train")]
    sampling = Sampling(max_tokens=case.tokens, temperature=1.0)

    def once(model):
        return [r for of in model.sample(asked, sampling, n=case.replies) for r in of]

    def n_tokens(model):  # which also loads the model
        made = sum(len(reply.ids) for reply in once(model))
        tokens = model.chat_tokens
        return sum(len(tokens.ids(tokens.render(chat))) for chat in asked) if case.read else made

    n_mine, n_others = n_tokens(ours), n_tokens(theirs)
    mine, others = in_turn(lambda: once(ours), lambda: once(theirs), rounds=ROUNDS)
    return Ratio(
        name=f"{case.what}: time a token, llama.cpp over transformers in {str(theirs.dtype)[6:]}",
        rounds=[(a / n_mine) / (b / n_others) for a, b in zip(mine, others, strict=True)],
        limit=case.limit,
        ours=f"{min(mine) / n_mine * 1e3:.1f} ms",
        theirs=f"{min(others) / n_others * 1e3:.1f} ms",
    )


def _memory(source: Path) -> Ratio:
    small, large = (_peak(spec) for spec in (f"llama:{source}", str(source)))
    return Ratio(
        name="peak memory of a process, llama.cpp over transformers",
        rounds=[small / large],
        limit=0.9,
        ours=f"{small:.0f} MiB",
        theirs=f"{large:.0f} MiB",
    )


def _peak(spec: str) -> float:
    """Peak resident memory, in MiB, of 16 replies in a process of their own."""
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, spec], capture_output=True, text=True, check=True
    )
    return float(ran.stdout.split()[-1]) / 1024


if __name__ == "__main__":
    print(table(measure(*map(Path, sys.argv[1:2]))))
