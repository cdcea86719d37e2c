"""Does scoring 100 times as many replies need more memory?"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.ratio import Ratio

CHILD = """
import sys
from pathlib import Path
from twofold.constraints import from_spec
from twofold.problems import io
from twofold.runs.score import score
problems = io.read(Path(sys.argv[1]), profile="fixed")
score(Path(sys.argv[2]), problems, out=Path(sys.argv[3]))
high = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
print(high.split()[1])  # KiB; ru_maxrss would count what the parent held before exec
"""


def _peak(folder: Path, n_rows: int) -> float:
    """Peak resident memory, in MiB, of scoring `n_rows` replies to 100 problems."""
    problems = [
        {
            "question": f"What is {i} + {i}?",
            "answer": str(2 * i),
            "constraints": [
                {"name": "punctuation:no_comma"},
                {
                    "name": "length_constraints:number_words",
                    "args": {"num_words": 90, "relation": "less than"},
                },
            ],
        }
        for i in range(100)
    ]
    (folder / "problems.jsonl").write_text("".join(json.dumps(p) + "\n" for p in problems))
    replies = folder / f"replies-{n_rows}.jsonl"
    with replies.open("w") as file:
        for i in range(100):
            texts = [
                f"Reply {k}. "
                + "We add the two numbers step by step. " * (k % 20)
                + f"So it is \\boxed{{{2 * i + (k % 3 == 0)}}}."
                for k in range(n_rows // 100)
            ]
            file.write(json.dumps({"output": texts}) + "\n")
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            CHILD,
            str(folder / "problems.jsonl"),
            str(replies),
            str(folder / f"run-{n_rows}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout.strip().splitlines()[-1]) / 1024


def measure() -> list[Ratio]:
    with tempfile.TemporaryDirectory() as name:
        small, large = (_peak(Path(name), n) for n in (1_000, 100_000))
    return [
        Ratio(
            name="peak memory, 100,000 rows over 1,000",
            rounds=[large / small],
            limit=1.25,
            ours=f"{large:.0f} MiB",
            theirs=f"{small:.0f} MiB",
        )
    ]
