"""Does GRPO on the tiny model learn what is rewarded, and nothing from what is not judged?"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from pydantic import ValidationError  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tiny_llama import copy_of  # noqa: E402

from twofold.errors import ModelError, RunError, ScoringError  # noqa: E402
from twofold.methods import Grpo, TrainingError  # noqa: E402
from twofold.methods.trl.checkpoints import last_checkpoint  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.scorers import Compliant, Correct  # noqa: E402
from twofold.types import Problem, Response, Sampling, Scorer, Verdict  # noqa: E402

PROBLEMS = [Problem(question=f"what is {word}", answer="4") for word in ("two", "it", "is", "and")]


def share(text: str) -> float:
    return sum(char in "to" for char in text) / max(1, len(text))


@final
@dataclass(frozen=True)
class Share(Scorer):
    """The share of letters that are t or o, so that there is something quick to learn."""

    @property
    def name(self) -> str:
        return "share"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        return [Verdict(share(response.raw)) for response in responses]


@final
@dataclass(frozen=True)
class Faulty(Scorer):
    """`Share` by a judge that is down for 3 calls in 10 and answers one reply in three not at all."""

    calls: list[int] = field(repr=False)

    @property
    def name(self) -> str:
        return "faulty"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        self.calls.append(len(responses))
        if len(self.calls) % 10 in (3, 6, 9):
            raise ScoringError("the judge does not answer; start it")
        return [
            Verdict(None, "timed out") if i % 3 == 0 else Verdict(share(response.raw))
            for i, response in enumerate(responses)
        ]


@final
@dataclass(frozen=True)
class ByProblem(Scorer):
    """`Share`, but always 0 for the questions in `hopeless` and unscored for those in `lost`."""

    hopeless: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "by_problem"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        found = []
        for problem, response in zip(problems, responses, strict=True):
            score = 0.0 if problem.question in self.hopeless else share(response.raw)
            found.append(Verdict(None if problem.question in self.lost else score))
        return found


GRPO = Grpo(
    reward=Share(),
    steps=14,
    batch=4,
    num_generations=8,
    max_completion_length=12,
    learning_rate=5e-3,
    save_steps=100,
)


def history(folder: Path) -> list[dict[str, Any]]:
    rows = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [row for row in rows if "reward" in row]


def rise(folder: Path) -> float:
    """Mean reward of the last four scored steps over that of the first four."""
    found = [row["reward"] for row in history(folder) if row["reward"] is not None]
    return sum(found[-4:]) / sum(found[:4])


def test_rows_exactly() -> None:
    assert GRPO.rows(PROBLEMS[:1]) == [
        {"prompt": [{"role": "user", "content": "what is two"}], "problem": PROBLEMS[0].id}
    ]


def test_the_reward_rises_and_the_model_can_be_audited(tiny: Path, tmp_path: Path) -> None:
    done = GRPO.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    assert done.n_steps == 14
    assert rise(done.folder) > 2
    first = history(done.folder)[0]
    assert first["measure/share"] == pytest.approx(first["reward"])
    assert {"measure/unscored", "frac_reward_zero_std", "completions/mean_length"} <= set(first)
    chats = [problem.messages() for problem in PROBLEMS]
    drawn = Sampling(max_tokens=12, temperature=1.0)
    means = [
        sum(share(r.raw) for row in HfModel(str(folder)).sample(chats, drawn, n=8) for r in row)
        for folder in (tiny, done.folder)
    ]
    assert means[1] > 2 * means[0]
    assert GRPO.train(str(tiny), PROBLEMS, out=tmp_path / "run") == done  # done: nothing to do


def test_lora_writes_an_adapter_that_an_audit_takes(tiny: Path, tmp_path: Path) -> None:
    method = replace(GRPO, lora=8, learning_rate=2e-2)
    done = method.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    assert (done.folder / "adapter_model.safetensors").exists()
    assert not (done.folder / "model.safetensors").exists()
    assert not [file for file in done.folder.rglob("*.bin") if file.name != "training_args.bin"]
    assert rise(done.folder) > 1.2
    assert HfModel(str(done.folder)).sample([PROBLEMS[0].messages()], Sampling(max_tokens=4))


def test_a_judge_that_fails_on_a_third_of_calls_and_replies_does_no_harm(
    tiny: Path, tmp_path: Path
) -> None:
    method = replace(GRPO, reward=Faulty([]), trl={"log_completions": True})
    done = method.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    assert rise(done.folder) > 1.7
    import pandas

    n_lost = 0
    for file in sorted((done.folder / "completions").glob("*.parquet")):
        table = pandas.read_parquet(file)
        for start in range(0, len(table), 8):
            group = table.iloc[start : start + 8]
            lost = group["faulty"].isna()
            n_lost += int(lost.sum())
            assert (group["advantage"][lost] == 0).all()
            scored = list(group["faulty"][~lost])
            if len(scored) < 2:
                continue
            mean = sum(scored) / len(scored)
            spread = math.sqrt(sum((x - mean) ** 2 for x in scored) / (len(scored) - 1))
            by_hand = [(x - mean) / (spread + 1e-4) for x in scored]
            assert list(group["advantage"][~lost]) == pytest.approx(by_hand, abs=1e-4)
    assert n_lost > 0.4 * 14 * 32


def test_resumed_equals_uninterrupted(tiny: Path, tmp_path: Path) -> None:
    method = replace(GRPO, steps=6, save_steps=3)
    whole = method.train(str(tiny), PROBLEMS, out=tmp_path / "whole").folder
    cut = method.train(str(tiny), PROBLEMS, out=tmp_path / "cut").folder
    (cut / "training.json").unlink()
    (cut / "model.safetensors").unlink()
    (cut / "checkpoint-6/trainer_state.json").write_text(
        '{"best'
    )  # a kill in the middle of a checkpoint
    assert last_checkpoint(cut) == cut / "checkpoint-3"
    assert method.train(str(tiny), PROBLEMS, out=cut).n_steps == 6
    there, here = load_file(whole / "model.safetensors"), load_file(cut / "model.safetensors")
    assert all(torch.equal(there[name], here[name]) for name in there)
    assert [r["reward"] for r in history(whole)] == [r["reward"] for r in history(cut)]


def test_one_piece_equals_two(tiny: Path, tmp_path: Path) -> None:
    curves = []
    for accumulation in (1, 2):
        method = replace(GRPO, steps=4, learning_rate=1e-4, accumulation=accumulation)
        done = method.train(str(tiny), PROBLEMS, out=tmp_path / f"run{accumulation}")
        curves.append(load_file(done.folder / "model.safetensors"))
    start = load_file(tiny / "model.safetensors")
    moved = max(float((curves[0][n] - start[n]).abs().max()) for n in start)
    apart = max(float((curves[0][n] - curves[1][n]).abs().max()) for n in start)
    assert apart < 0.05 * moved


def test_an_adapter_is_merged_before_all_weights_are_tuned(tiny: Path, tmp_path: Path) -> None:
    short = replace(GRPO, steps=4)
    adapter = replace(short, lora=8, learning_rate=2e-2).train(
        str(tiny), PROBLEMS, out=tmp_path / "adapter"
    )
    with pytest.raises(ModelError, match="adapter already"):
        replace(short, lora=8).train(str(adapter.folder), PROBLEMS, out=tmp_path / "twice")
    whole = replace(short, learning_rate=1e-12).train(
        str(adapter.folder), PROBLEMS, out=tmp_path / "whole"
    )
    chats = [problem.messages() for problem in PROBLEMS]
    said = [
        [row[0].raw for row in HfModel(str(folder)).sample(chats, Sampling(max_tokens=8))]
        for folder in (tiny, adapter.folder, whole.folder)
    ]
    assert said[1] == said[2] != said[0]


def test_a_base_that_never_earns_a_reward_is_reported(tiny: Path, tmp_path: Path) -> None:
    method = replace(GRPO, reward=Correct(), max_completion_length=4)
    with pytest.raises(
        TrainingError, match=r"pass@8 of the base is 0/4.*`sft` first.*precheck_problems to 0"
    ):
        method.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    with pytest.raises(TrainingError, match="compliant can score none of the 4 problems"):
        replace(method, reward=Compliant()).train(str(tiny), PROBLEMS, out=tmp_path / "run")


def test_problems_that_earn_nothing_are_left_out_and_counted(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, it, others = PROBLEMS[0], PROBLEMS[1], PROBLEMS[2:]
    reward = ByProblem(hopeless=(two.question,), lost=(it.question,))
    more = {"logging_steps": 1, "log_completions": True}
    method = replace(GRPO, reward=reward, steps=3, batch=2, drop_after=4, save_steps=2, trl=more)
    done = method.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    noted = json.loads((done.folder / "manifest.json").read_text())["left_out"]
    assert noted == {"problems": [two.id], "replies": 4, "reward": "by_problem"}
    told = "1 of 4 problems are left out: none of 4 replies of the base earned any by_problem"
    assert told in caplog.text
    asked = asked_in(done.folder)
    assert {p.question for p in [it, *others] if any(p.question in a for a in asked)} == {
        p.question
        for p in [it, *others]  # what cannot be scored is not hopeless
    }
    assert not any(two.question in prompt for prompt in asked)
    # a resumed run trains on the same problems without a second look
    for file in ("training.json", "model.safetensors"):
        (done.folder / file).unlink()
    monkeypatch.setattr(Grpo, "draw", lambda *_, **__: pytest.fail("drawn again"))
    assert method.train(str(tiny), PROBLEMS, out=tmp_path / "run").n_steps == 3
    assert not any(two.question in prompt for prompt in asked_in(done.folder))


def asked_in(folder: Path) -> list[str]:
    """The prompts of all logged steps."""
    import pandas

    files = sorted((folder / "completions").glob("*.parquet"))
    return [str(prompt) for file in files for prompt in pandas.read_parquet(file)["prompt"]]


def test_a_base_that_earns_nothing_anywhere_is_refused_with_or_without_the_check(
    tiny: Path, tmp_path: Path
) -> None:
    none = ByProblem(hopeless=tuple(problem.question for problem in PROBLEMS))
    method = replace(GRPO, reward=none, drop_after=2)
    with pytest.raises(TrainingError, match=r"pass@2 of the base is 0/4"):
        method.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    with pytest.raises(TrainingError, match="all 4 problems are left out; take easier ones"):
        replace(method, precheck_problems=0).train(str(tiny), PROBLEMS, out=tmp_path / "run")


def test_thinking_tags_that_trl_would_drop_are_refused(tiny: Path, tmp_path: Path) -> None:
    base = copy_of(tiny, tmp_path / "base")
    for file in (base / "tokenizer.json", base / "tokenizer_config.json"):
        values = json.loads(file.read_text())
        if "added_tokens" in values:
            for token in values["added_tokens"]:
                token["special"] = True
        else:
            values["additional_special_tokens"] = ["<think>", "</think>"]
        file.write_text(json.dumps(values))
    with pytest.raises(ModelError, match="as special"):
        GRPO.train(str(base), PROBLEMS, out=tmp_path / "run")


def test_the_day_in_a_template_is_that_of_an_audit(tiny: Path, tmp_path: Path) -> None:
    base = copy_of(tiny, tmp_path / "base")
    template = base / "chat_template.jinja"
    template.write_text("{{ strftime_now('%d %b %Y') }}\n" + template.read_text())
    method = replace(GRPO, steps=1, trl={"log_completions": True})
    done = method.train(str(base), PROBLEMS, out=tmp_path / "run")
    (row,) = history(done.folder)
    model = HfModel(str(base))
    ids = [model.tokenizer(model.render(p.messages())).input_ids for p in PROBLEMS]
    asked = 8 * sum(map(len, ids))
    assert row["num_tokens"] == asked + 32 * row["completions/mean_length"]


def test_another_run_in_the_folder_is_refused(tiny: Path, tmp_path: Path) -> None:
    method = replace(GRPO, steps=1)
    method.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    with pytest.raises(RunError, match="learning_rate"):
        replace(method, learning_rate=1e-9).train(str(tiny), PROBLEMS, out=tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_before_the_weights(tiny: Path, tmp_path: Path) -> None:
    from trl import GRPOConfig, GRPOTrainer

    from twofold.methods.trl.configuration import settings_here
    from twofold.methods.trl.reward import TrlReward
    from twofold.methods.trl.runner import TrlRunner

    class Poisoned(GRPOTrainer):  # type: ignore[misc]
        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            loss = super()._compute_loss(model, inputs)
            return loss * (math.nan if self.state.global_step == 2 else 1.0)

    method, out = replace(GRPO, save_steps=1), tmp_path / "run"
    runner = TrlRunner(method, str(tiny), method.rows(PROBLEMS), out=out)
    settings = method.shared_settings() | {"max_steps": 4, "max_completion_length": 8}
    with pytest.raises(TrainingError, match=r"step 3 .*checkpoint-1 and checkpoint-2 .*lower"):
        runner.run(
            lambda: Poisoned(
                model=runner.trainable.network,
                reward_funcs=TrlReward(Share(), tuple(PROBLEMS)),
                args=GRPOConfig(**settings_here(out, settings)),
                train_dataset=runner.data(n_steps=4),
                processing_class=runner.trainable.tokenizer,
            )
        )
    assert last_checkpoint(out) == out / "checkpoint-2"
    weights = load_file(out / "checkpoint-2/model.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_weights_that_explode_end_with_the_remedy(tiny: Path, tmp_path: Path) -> None:
    method = replace(GRPO, learning_rate=1e18, save_steps=1)
    with pytest.raises(TrainingError, match="lower learning_rate"):
        method.train(str(tiny), PROBLEMS, out=tmp_path / "run")


def test_held_out_problems_are_followed(tiny: Path, tmp_path: Path) -> None:
    method = replace(GRPO, steps=4, save_steps=2)
    done = method.train(str(tiny), PROBLEMS[:2], out=tmp_path / "run", eval_problems=PROBLEMS[2:])
    rows = json.loads((done.folder / "trainer_state.json").read_text())["log_history"]
    followed = [row for row in rows if "eval/correct" in row]
    assert [row["step"] for row in followed] == [0, 2, 4]  # the base first
    assert all(row["eval/tokens"] > 0 for row in followed)
    assert followed[0]["eval/correct"] == 0.0  # a random model answers nothing
    assert followed[0]["eval/unscored"] == 1.0  # no constraints, so no joint measure


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"trl": {"learning_rat": 1}}, "did you mean 'learning_rate'"),
        ({"trl": {"beta": "much"}}, "'trl.beta' should be a valid number"),
        ({"trl": {"beta": math.nan}}, "'trl.beta' should be a finite number"),
        ({"trl": {"weight_decay": -0.1}}, "'trl.weight_decay' should not be negative"),
        ({"trl": {"max_grad_norm": True}}, "'trl.max_grad_norm' should be a number"),
        ({"trl": {"reward_weights": [1.0, math.inf]}}, "'trl.reward_weights' should be a finite"),
        ({"trl": {"optim": "adamm"}}, r"refuses these settings \(adamm is not"),
        ({"trl": {"num_iterations": [2]}}, "'trl.num_iterations' should be a valid integer"),
        ({"seed": 2**32}, "seed"),
        ({"trl": {"learning_rate": 1}}, "set by learning_rate"),
        ({"accumulation": 3}, "does not divide a step's 32 rows"),
        ({"num_generations": 1}, "greater than or equal to 2"),
        ({"aggregation": "lexicographic"}, "needs a reward with an order, and share has none"),
        ({"temperature": 0.0}, "greater than 0"),
        ({"learning_rate": 0.0}, "greater than 0"),
    ],
)
def test_wrong_settings_are_reported_before_anything_is_loaded(
    settings: dict[str, Any], told: str, tiny: Path, tmp_path: Path
) -> None:
    with pytest.raises((TrainingError, ValidationError), match=told):
        replace(GRPO, **settings).train(str(tiny), PROBLEMS, out=tmp_path / "run")


def test_nothing_to_train_on(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="grpo has no problems; check --problems"):
        GRPO.train(str(tiny), [], out=tmp_path / "run")
