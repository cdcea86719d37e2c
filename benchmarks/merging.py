"""How long does merging two checkpoints of 135 M parameters take, and how much memory? (random weights)

The three checkpoints have SmolLM2's shape, in bfloat16, 269 MB each, and are made here. Weights are read into
memory of the process' own, never through a map. So the peak of resident memory (VmHWM, set back before the
merge) above what was resident before is all that it takes; what the kernel keeps of files is not its own.
`null_space` loads the reasoner for its calibration; its 64 thoughts of 40 tokens are given, since sampling
them takes what it takes in any audit, in time and in memory. Limited are seconds of a core, which a busy
machine does not multiply; those on the wall stand beside them.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.ratio import Ratio

SECONDS, MEMORY = 30, 1.5

MAKE = """
import sys, shutil, torch, transformers
from pathlib import Path
from twofold.models import pocket
config = transformers.LlamaConfig(
    vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
    num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True, dtype="bfloat16",
)
for seed, role in enumerate(("base", "reasoner", "instruct")):
    torch.manual_seed(seed)
    network = transformers.LlamaForCausalLM(config).bfloat16()
    network.save_pretrained(Path(sys.argv[1]) / role)
    for file in pocket.FOLDER.glob("*token*"):
        shutil.copy(file, Path(sys.argv[1]) / role)
    shutil.copy(pocket.FOLDER / "chat_template.jinja", Path(sys.argv[1]) / role)
"""

CHILD = """
import sys, time
from pathlib import Path
import transformers
from twofold.methods.merge.arithmetic import Arithmetic
from twofold.methods.merge.inputs import Thought
from twofold.methods.merge.merge import merge
from twofold.methods.merge.null_space import NullSpace
from twofold.methods.merge.ties import Ties
from twofold.models import resolve

folder, how, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
(a, b), = zip(*resolve("pocket").tokenizer(["<think>", "</think>"], add_special_tokens=False).input_ids)
thoughts = [Thought((5, 9, a, *range(20 + i, 60 + i), b), 2) for i in range(64)]
NullSpace.calibration = lambda self, model: thoughts
recipe = {
    "arithmetic": Arithmetic(weight=0.5),
    "ties": Ties(density=0.2),
    "null_space": NullSpace(problems="pocket:1"),
}[how]
def kilobytes(key):
    line = next(line for line in Path("/proc/self/status").open() if line.startswith(key))
    return int(line.split()[1])
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew here
before, started, worked = kilobytes("VmRSS"), time.perf_counter(), time.process_time()
names = [str(folder / role) for role in ("reasoner", "instruct", "base")]
merge(names[0], names[1], base=names[2], recipe=recipe, out=out)
spent = time.perf_counter() - started, time.process_time() - worked
print(*spent, (kilobytes("VmHWM") - before) / 1024)
"""


def _child(code: str, *arguments: object) -> str:
    words = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def measure() -> list[Ratio]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _child(MAKE, folder)
        one = (folder / "reasoner" / "model.safetensors").stat().st_size / 2**20
        return [
            each
            for how in ("arithmetic", "ties", "null_space")
            for each in _measured(folder, how, one)
        ]


def _measured(folder: Path, how: str, one: float) -> list[Ratio]:
    """Seconds of a core over the limit, and memory over one checkpoint, of three runs."""
    runs = []
    for i in range(3):
        told = _child(CHILD, folder, how, folder / f"{how}-{i}").split()
        runs.append([float(each) for each in told])
    seconds, worked, memory = zip(*runs, strict=True)
    return [
        Ratio(
            name=f"{how}: seconds of a core over {SECONDS}",
            rounds=[each / SECONDS for each in worked],
            limit=1,
            ours=f"{min(worked):.1f} s, {min(seconds):.1f} s on the wall",
            theirs=f"{SECONDS} s",
        ),
        Ratio(
            name=f"{how}: peak memory over one checkpoint",
            rounds=[each / one for each in memory],
            limit=MEMORY,
            ours=f"{max(memory):.0f} MiB",
            theirs=f"{one:.0f} MiB",
        ),
    ]
