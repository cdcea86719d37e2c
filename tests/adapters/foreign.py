"""What a converted folder gives inside the package it was written for: `python foreign.py KIND FOLDER PATHS`.

Run by a Python that has the package. PATHS (JSON) come last in its search path, for what twofold needs.
The replies are given; printed is what the package made of them, as JSON. Of verl and OpenRLHF, which cannot
be installed beside us, the files that call a reward are run from their unpacked wheels, with stand-ins for
what else they import.
"""

import asyncio
import json
import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

REPLIES = ("#### 12", "So, #### 12", "#### 13", "<think>7, 5")


def verifiers(folder: str) -> object:
    """The rewards of a rollout's task, and the error that it ended with."""
    sys.path.insert(0, folder)
    import verifiers.v1 as vf
    from verifiers.v1.graph import MessageNode
    from verifiers.v1.trace import AgentInfo, TraceTask
    from verifiers.v1.utils.loaders import load_taskset

    task, *others = load_taskset(vf.TasksetConfig(id="twofold_tasks"))
    found = []
    for content, thought in [*((text, None) for text in REPLIES), ("#### 12", "7"), (None, "7")]:
        message = vf.AssistantMessage(content=content, reasoning_content=thought)
        trace = vf.Trace(
            task=TraceTask(type="TwofoldTask", data=task.data),
            agent=AgentInfo(config=vf.AgentConfig()),
            nodes=[MessageNode(message=message, sampled=True)],
        )
        try:
            asyncio.run(task.score(trace))
        except vf.TaskError as error:
            found.append(str(error))
        else:
            found.append(trace.reward)
    return {"found": found, "tasks": 1 + len(others), "prompt": task.data.prompt_text}


def inspect(folder: str) -> object:
    """The scores of a log, its mean, and how many samples it calls unscored."""
    import tiktoken

    class Encoding:
        def encode(self, text: str, **_: object) -> list[str]:
            return text.split()

    tiktoken.get_encoding = lambda name: Encoding()  # its tables come from the network
    os.chdir(folder)  # Inspect takes no absolute path of a task
    from inspect_ai import eval as evaluate
    from inspect_ai.model import ModelOutput, get_model

    outputs = [ModelOutput.from_content("mockllm/model", text) for text in REPLIES]
    model = get_model("mockllm/model", custom_outputs=outputs)
    (log,) = evaluate(
        "task.py", model=model, display="none", max_samples=1, epochs=4, limit=1, log_dir=folder
    )
    assert log.status == "success", log.error
    (scored,) = log.results.scores
    values = [next(iter(each.scores.values())).value for each in log.samples]
    return {
        "found": [None if value != value else value for value in values],
        "mean": scored.metrics["mean"].value,
        "unscored": scored.unscored_samples,
    }


def lm_eval(folder: str) -> object:
    """The samples of a run, and its table of results."""
    os.environ["HF_DATASETS_CACHE"] = os.path.join(folder, "cache")
    import lm_eval as harness
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    class Fixed(LM):  # type: ignore[misc]
        def loglikelihood(self, requests: Any) -> Any:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

        def generate_until(self, requests: Any) -> list[str]:
            return [REPLIES[i] for i, _ in enumerate(requests)]

    tasks = TaskManager(include_path=folder, include_defaults=False)
    ran = harness.simple_evaluate(
        model=Fixed(),
        tasks=["twofold_soft_gate"],
        task_manager=tasks,
        log_samples=True,
        bootstrap_iters=0,
    )
    (samples,) = ran["samples"].values()
    (table,) = ran["results"].values()
    return {
        "found": [each["soft_gate"] for each in samples],
        "mean": table["soft_gate,none"],
        "unscored": table["unscored,none"],
    }


def stand_in(name: str, path: str = "", **values: object) -> None:
    """A module that is there in name, or a package whose modules are really in a folder."""
    module = ModuleType(name)
    module.__path__ = [path] if path else []
    for key, value in values.items():
        setattr(module, key, value)
    sys.modules[name] = module


def reward_file(folder: str) -> Any:
    spec = spec_from_file_location("reward", Path(folder) / "reward.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verl(folder: str) -> object:
    """What the manager `naive` of verl's source makes of each reply."""
    import pyarrow.parquet as pq
    import torch

    source = os.environ["TWOFOLD_VERL_SOURCE"]
    within = "verl.experimental.reward_loop.reward_manager"
    stand_in("verl", DataProto=object)
    stand_in("verl.utils")
    stand_in("verl.utils.ray_utils", get_event_loop=asyncio.get_event_loop)
    stand_in("verl.utils.reward_score", default_compute_score=None)
    for name in ("verl.experimental", "verl.experimental.reward_loop"):
        stand_in(name)
    stand_in(within, f"{source}/{within.replace('.', '/')}", register=lambda _: lambda cls: cls)
    stand_in("omegaconf", DictConfig=dict)
    (row, *_) = pq.read_table(Path(folder) / "train.parquet").to_pylist()

    class Data:
        def __init__(self, text: str) -> None:
            ids = torch.tensor([ord(char) for char in text])
            mask = torch.ones(len(ids) + 3, dtype=torch.long)
            self.batch = {"responses": ids, "attention_mask": mask}
            self.non_tensor_batch = json.loads(json.dumps(row))

        def __getitem__(self, index: object) -> "Data":
            return self

    class Tokenizer:
        def decode(self, ids: Any, skip_special_tokens: bool) -> str:
            assert skip_special_tokens
            return "".join(map(chr, ids.tolist()))

    async def ran(manager: Any) -> list[object]:
        found = []
        for text in REPLIES:
            one = manager({}, Tokenizer(), reward_file(folder).compute_score)
            try:
                found.append((await one.run_single(Data(text)))["reward_score"])
            except Exception as error:  # noqa: BLE001 (whatever the manager lets through)
                found.append(f"{type(error).__name__}: {error}")
        return found

    naive = import_module(f"{within}.naive").NaiveRewardManager
    return {"found": asyncio.run(ran(naive))}


class Characters:
    """A tokenizer whose tokens are characters."""

    def __call__(self, text: str, **_: object) -> object:
        return {"input_ids": [SimpleNamespace(tolist=lambda: [ord(char) for char in text])]}

    def decode(self, ids: Any, skip_special_tokens: bool) -> str:
        assert not skip_special_tokens
        return "".join(map(chr, ids))


def executed(folder: str, endpoint: str) -> list[dict[str, Any]]:
    """What the executor of OpenRLHF's source makes of each reply."""
    source = os.environ["TWOFOLD_OPENRLHF_SOURCE"]
    stand_in("openrlhf", f"{source}/openrlhf")
    stand_in("openrlhf.utils", f"{source}/openrlhf/utils")
    made = import_module("openrlhf.utils.agent").SingleTurnAgentExecutor
    with (Path(folder) / "train.jsonl").open() as file:
        row = json.loads(file.readline())
    prompt = f"<|im_start|>user\n{row['input'][0]['content']}<|im_end|>\n<|im_start|>assistant\n"

    async def ran(text: str) -> Any:
        async def generate(*_: object, **__: object) -> object:
            ids = [ord(char) for char in text + "<|im_end|>"]
            said = SimpleNamespace(token_ids=ids, finish_reason="stop", logprobs=None)
            return SimpleNamespace(outputs=[said])

        params = SimpleNamespace(max_tokens=100, logprobs=None)
        engine = SimpleNamespace(generate=generate)
        given = (prompt, row["label"], params, 4096, Characters(), engine)
        return await made(endpoint).execute(*given)

    return [asyncio.run(ran(text)) for text in REPLIES]


def openrlhf(folder: str) -> object:
    """The rewards in its own process, as tensors."""
    import torch

    stand_in("aiohttp")
    found: list[object] = []
    for out in executed(folder, str(Path(folder) / "reward.py")):
        if out["reward"] is None:
            found.append(None)
            continue
        # As `samples_generator` makes tensors of them.
        assert torch.equal(torch.tensor([out["reward"]]), torch.tensor([out["scores"]]))
        logged = {key: value.flatten()[0].item() for key, value in out["extra_logs"].items()}
        found.append([torch.tensor([out["reward"]]).tolist()[0], logged["unfinished"]])
    return {"found": found}


def openrlhf_remote(folder: str) -> object:
    """The rewards over HTTP, as the server of `TWOFOLD_URL` gives them."""
    found = executed(folder, os.environ["TWOFOLD_URL"])
    return {"found": [out["reward"] for out in found], "scores": [out["scores"] for out in found]}


KINDS = {
    "verifiers": verifiers,
    "inspect": inspect,
    "lm_eval": lm_eval,
    "verl": verl,
    "openrlhf": openrlhf,
    "openrlhf_remote": openrlhf_remote,
}

if __name__ == "__main__":
    kind, place, last = sys.argv[1:]
    sys.path.pop(0)  # this folder has modules with the names of packages
    sys.path += json.loads(last)
    print(json.dumps(KINDS[kind](place)))
