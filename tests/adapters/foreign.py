"""What a converted folder gives inside the package it was written for: `python foreign.py KIND FOLDER PATHS`.

Run by a Python that has the package. PATHS (JSON) come last in its search path, for what twofold needs.
The replies are given; printed is what the package made of them, as JSON.
"""

import asyncio
import json
import os
import sys
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


if __name__ == "__main__":
    kind, place, last = sys.argv[1:]
    sys.path.pop(0)  # this folder has modules with the names of packages
    sys.path += json.loads(last)
    print(json.dumps({"verifiers": verifiers, "inspect": inspect, "lm_eval": lm_eval}[kind](place)))
