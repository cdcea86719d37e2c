"""Is training on two processes the training on one?"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl")

from twofold.methods import Sft
from twofold.problems import load


def losses(folder: Path) -> list[float]:
    rows = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [row["loss"] for row in rows if "loss" in row]


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tiny: Path, tmp_path: Path) -> None:
    problems = load("synthetic:8:train", profile="fixed")
    lines = [{"problem": p.id, "raw": f"it is {p.answer}"} for p in problems]
    file = tmp_path / "demonstrations.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    one = Sft(demonstrations=file, learning_rate=1e-3, epochs=4, batch=8)
    one.train(str(tiny), problems, out=tmp_path / "one")
    config = tmp_path / "two.yaml"
    config.write_text(f"demonstrations: {file}\nlearning_rate: 1e-3\nepochs: 4\nbatch: 4\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command += ["--master_port", port, "-m", "twofold", "train", "sft", "--base", str(tiny)]
    command += ["--problems", "synthetic:8:train", "--out", str(tmp_path / "two")]
    ran = subprocess.run(
        [*command, "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.count("4 steps") == 1
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-4)
