"""What is killed: the smallest training and the smallest study, and what has to be the same after."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final
from unittest import mock

import torch
import transformers

from twofold.constraints import from_spec
from twofold.methods import Grpo, Rlag, Sft
from twofold.methods.rlag.weights import Weights
from twofold.methods.trl import frontier
from twofold.study import read, study
from twofold.types import Problem, Response, Scorer, Verdict

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
QUOTED = from_spec("startend:quotation", None, profile="fixed")
PROBLEMS = [
    Problem(question="what is two and two", answer="4", constraints=(NO_COMMA,)),
    Problem(question="what is it", answer="2", constraints=(NO_COMMA,)),
]
TO_QUOTE = [replace(problem, constraints=(QUOTED,)) for problem in PROBLEMS]
HELD_OUT = [Problem(question="what is four", answer="4", constraints=(NO_COMMA,))]

# Keys of a log that say how long a step took.
_OF_THE_CALL = ("step_time", "profiling")


@final
@dataclass(frozen=True)
class Share(Scorer):
    """The share of letters that are t or o: something that a random model earns."""

    @property
    def name(self) -> str:
        return "share"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        texts = [response.raw for response in responses]
        return [Verdict(sum(c in "to" for c in text) / max(1, len(text))) for text in texts]


def sft(base: Path, out: Path, *, keep_checkpoint: Literal["last", "frontier"] = "last") -> None:
    method = Sft(
        demonstrations=base.parent / "demonstrations.jsonl",
        learning_rate=1e-3,
        epochs=1.5,  # three steps of one row
        batch=1,
        save_steps=1,
        keep_checkpoint=keep_checkpoint,
    )
    method.train(str(base), PROBLEMS, out=out, eval_problems=HELD_OUT)


def kept(base: Path, out: Path) -> None:
    """The same, where every checkpoint holds, so that each is copied and takes the place of the last."""
    with mock.patch.object(frontier, "holds", frontier.is_compared):
        sft(base, out, keep_checkpoint="frontier")


def applied(base: Path, out: Path) -> None:
    method = Sft(
        demonstrations="applied",
        reward=Share(),
        at_least=0.0,  # no reply of this base is right
        num_generations=3,
        max_completion_length=6,
        learning_rate=1e-3,
        epochs=1,
        batch=3,
        save_steps=1,
    )
    method.train(str(base), TO_QUOTE, out=out, eval_problems=HELD_OUT)


def grpo(base: Path, out: Path) -> None:
    method = Grpo(
        reward=Share(),
        steps=3,
        batch=2,
        num_generations=2,
        max_completion_length=6,
        learning_rate=1e-3,
        save_steps=1,
        eval_metric=Share(),
        early_stopping_patience=2,
        precheck_problems=0,
    )
    method.train(str(base), PROBLEMS, out=out, eval_problems=HELD_OUT)


def rlag(base: Path, out: Path) -> None:
    """Two cycles of a multiple-choice problem each, the second from the weights of the first."""
    problems = [replace(problem, options=("two", "it is four", "is")) for problem in PROBLEMS]
    method = Rlag(
        corpus=base.parent / "corpus.txt",
        verified=False,
        weights=Weights(distil=0.5),
        cycles=2,
        learning_rate=1e-3,
        epochs=2,
        batch=1,
        save_steps=1,
        max_completion_length=6,
    )
    method.train(str(base), problems, out=out / "run", eval_problems=HELD_OUT)


def whole_study(base: Path, out: Path) -> None:
    result = study(read(base.parent / "study.yaml"), out=out, say=lambda _: None)
    if result.failed:
        raise RuntimeError(str(result.failed))


WORKS: Mapping[str, Callable[[Path, Path], None]] = {
    "sft": sft,
    "kept": kept,
    "applied": applied,
    "grpo": grpo,
    "rlag": rlag,
    "study": whole_study,
}


def prepare(folder: Path) -> Path:
    """Write what the works need; return the base."""
    from tiny_llama import copy_of, write_tiny

    from twofold.problems import write

    replies = zip(PROBLEMS, ("it is four", "two"), strict=True)
    lines = [json.dumps({"problem": problem.id, "raw": raw}) for problem, raw in replies]
    (folder / "demonstrations.jsonl").write_text("\n".join(lines))
    (folder / "corpus.txt").write_text("what is two\n\nit is four and two")
    write(folder / "train.jsonl", PROBLEMS)
    write(folder / "test.jsonl", HELD_OUT)
    plan = {
        "base": str(folder / "base"),
        "train": str(folder / "train.jsonl"),
        "splits": {"test": str(folder / "test.jsonl")},
        "eval_problems": str(folder / "test.jsonl"),
        "max_tokens": 6,
        "arms": {
            "sft": {
                "method": "sft",
                "demonstrations": str(folder / "demonstrations.jsonl"),
                "learning_rate": 1e-3,
                "epochs": 1,
                "batch": 1,
                "save_steps": 1,
            }
        },
    }
    (folder / "study.yaml").write_text(json.dumps(plan))
    made = copy_of(write_tiny(folder / "made"), folder / "base")
    ends = [2, *range(20, 60)]  # several, so that replies end early
    _one_layer(made, transformers.GenerationConfig(eos_token_id=ends))
    return made


def _one_layer(folder: Path, ends: transformers.GenerationConfig) -> None:
    """Replace the weights of the tiny model by fewer, which take fewer writes."""
    config = transformers.AutoConfig.from_pretrained(folder)
    config.num_hidden_layers = 1
    config.tie_word_embeddings = True
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = transformers.LlamaForCausalLM(config)
    network.generation_config = ends
    network.save_pretrained(folder)


def result(out: Path) -> dict[str, Any]:
    """What has to be equal, by file: tables, curves, weights, and which files there are."""
    found: dict[str, Any] = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = str(path.relative_to(out))
        if path.name.startswith(".lock"):
            continue
        if path.name == "trainer_state.json":
            rows = json.loads(path.read_text())["log_history"]
            found[name] = [_timeless(row) for row in rows if "train_runtime" not in row]
        elif path.suffix == ".json":
            found[name] = _timeless(json.loads(path.read_text().replace(str(out), "OUT")))
        elif path.suffix in (".jsonl", ".safetensors"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "there"
    return found


def _timeless(value: Any) -> Any:
    """A JSON value without times, and without what describes one call of a run in several."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if "minutes" not in k and k != "created"}
        return {
            k: _timeless(v) for k, v in kept.items() if not any(part in k for part in _OF_THE_CALL)
        }
    return [_timeless(each) for each in value] if isinstance(value, list) else value
