"""How fast does `twofold --help` answer, and does it import torch?"""

import subprocess
import sys

from benchmarks.ratio import Ratio, seconds


def measure(rounds: int = 7) -> list[Ratio]:
    command = [sys.executable, "-m", "twofold", "--help"]
    probe = [
        sys.executable,
        "-c",
        "import sys; sys.argv = ['twofold', '--help']\n"
        "from twofold.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)",
    ]
    has_torch = subprocess.run(probe, stdout=subprocess.DEVNULL, check=False).returncode
    times = [
        seconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))
        for _ in range(rounds)
    ]
    return [
        Ratio(
            name="twofold --help, seconds of 0.5" + (" (IMPORTS TORCH)" if has_torch else ""),
            rounds=[t / 0.5 for t in times],
            limit=0.0 if has_torch else 1.0,
            ours=f"{sorted(times)[len(times) // 2]:.2f} s, no torch",
            theirs="0.5 s",
        )
    ]
