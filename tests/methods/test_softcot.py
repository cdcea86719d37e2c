"""SoftCoT: what is trained, what stays, what its controls are, and what it refuses."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

import torch
from safetensors.torch import save_file
from tiny_llama import copy_of
from torch.nn import functional

from twofold.errors import ModelError
from twofold.extension import ExtensionError
from twofold.methods import TrainingError, method_named
from twofold.methods.softcot import hints, trainer
from twofold.methods.softcot import states as reading
from twofold.methods.softcot.hints import TextHints
from twofold.methods.softcot.method import SoftCotMethod
from twofold.methods.softcot.model import Filling, SoftCot
from twofold.methods.softcot.projection import Projection
from twofold.methods.softcot.prompts import first_tokens, request, with_slots
from twofold.methods.trl.callbacks import SoundNumbers
from twofold.methods.trl.runner import TrlRunner
from twofold.models import pocket as pocket_files
from twofold.models import resolve
from twofold.models.batches import Capacity
from twofold.models.hf import HfModel
from twofold.models.scripted import ScriptedModel
from twofold.problems import load
from twofold.runs.audit import audit
from twofold.types import FinishReason, Message, Sampling, Share

PROBLEMS = load("pocket:8:train", profile="fixed")
CHATS = [problem.messages() for problem in PROBLEMS]
SAMPLED = Sampling(max_tokens=24, temperature=1.0)
WIDTH, TINY = 128, 32  # of the pocket model and the tiny one


@pytest.fixture(scope="session")
def thinker(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with room for a request: an assistant with a tokenizer of its own."""
    to = tmp_path_factory.mktemp("thinker") / "model"
    return copy_of(tiny, to, config={"max_position_embeddings": 1024})


@pytest.fixture
def method(thinker: Path) -> SoftCotMethod:
    return SoftCotMethod(
        assistant=str(thinker),
        demonstrations="obedient",
        n_slots=3,
        epochs=2,
        batch=4,
        learning_rate=1e-2,
    )


def projection(*, n_slots: int, n_thoughts: int = 1, scale: float = 1.0) -> Projection:
    return Projection(
        TINY, WIDTH, n_slots=n_slots, n_thoughts=n_thoughts, scale=scale
    ).requires_grad_(False)


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def in_slots(model: SoftCot) -> torch.Tensor:
    """The vectors that a model's prompts have in their slots."""
    found = model._empty(len(CHATS))
    for rows, made in model._vectors(CHATS, model._thoughts(CHATS), {*range(len(found))}):
        found[rows] = made
    return found


def test_without_slots_every_reply_is_the_bases_own(thinker: Path) -> None:
    base, assistant = resolve(str(thinker)), resolve("pocket")
    bare = SoftCot(base, assistant, Projection(WIDTH, TINY, n_slots=0))
    assert bare.sample(CHATS, SAMPLED, n=2, seed=5) == base.sample(CHATS, SAMPLED, n=2, seed=5)
    soft = SoftCot(base, assistant, Projection(WIDTH, TINY, n_slots=3))
    assert soft.sample(CHATS, SAMPLED, n=2, seed=5) != base.sample(CHATS, SAMPLED, n=2, seed=5)


def test_thoughts_without_slots_are_none(thinker: Path) -> None:
    base = resolve("pocket")
    model = SoftCot(base, resolve(str(thinker)), projection(n_slots=0, n_thoughts=2))
    alone = base.sample(CHATS[:2], SAMPLED, n=3, seed=1)
    assert model.sample(CHATS[:2], SAMPLED, n=3, seed=1) == alone


def test_an_audit_against_the_base_shows_no_change_without_slots(
    thinker: Path, tmp_path: Path
) -> None:
    base = resolve("pocket")
    bare = SoftCot(base, resolve(str(thinker)), projection(n_slots=0))
    audit(bare, PROBLEMS, baseline=base, sampling=SAMPLED, out=tmp_path / "run")
    lines = (tmp_path / "run" / "responses.jsonl").read_text().splitlines()
    said: dict[str, list[Any]] = {"model": [], "baseline": []}
    for row in sorted(map(json.loads, lines), key=lambda r: (r["condition"], r["problem"])):
        said[row["role"]].append((row["condition"], row["problem"], row["raw"]))
    assert said["model"] == said["baseline"]
    assert len(said["model"]) == 2 * len(PROBLEMS)


def test_no_weight_of_base_or_assistant_changes(
    thinker: Path, method: SoftCotMethod, tmp_path: Path
) -> None:
    trained = method
    pocket = Path(resolve("pocket")._checkpoint.folder)  # type: ignore[attr-defined]
    files = contents(thinker), contents(pocket)
    runner = TrlRunner(trained, "pocket", trained.rows(PROBLEMS), out=tmp_path / "run")
    models = runner.trainable._base, runner.trainable._assistant  # type: ignore[attr-defined]
    before = [
        {name: weight.clone() for name, weight in model.network.state_dict().items()}
        for model in models
    ]
    kind, data = runner.trainable.trainer(trained, trained.rows(PROBLEMS))  # type: ignore[attr-defined]
    runner.run(runner.trainer(kind, lambda: data))
    for model, old in zip(models, before, strict=True):
        now = model.network.state_dict()
        assert now.keys() == old.keys()
        assert all(torch.equal(now[name], old[name]) for name in old)
        assert all(weight.grad is None for weight in model.network.parameters())
    assert (contents(thinker), contents(pocket)) == files


def test_training_moves_the_projection_and_lowers_the_loss(
    method: SoftCotMethod, tmp_path: Path
) -> None:
    done = replace(method, epochs=12).train("pocket", PROBLEMS, out=tmp_path / "run")
    trained = Projection.load(done.folder / "projection.safetensors")
    first = Projection.load(done.folder / "untrained.safetensors")
    assert not torch.equal(trained.linear.weight, first.linear.weight)
    log = json.loads((done.folder / "trainer_state.json").read_text())["log_history"]
    losses = [row["loss"] for row in log if "loss" in row]
    assert sum(losses[-4:]) < sum(losses[:4])


def by_hand(base: HfModel, rows: Sequence[dict[str, Any]], thoughts: torch.Tensor) -> float:
    """The mean loss of all replies' tokens, one row after the other, from embeddings put together."""
    network, total, n = base.network, 0.0, 0
    embed = network.get_input_embeddings().weight
    for r, row in enumerate(rows):
        known = base.n_embedded
        prompt = [embed[i] if i < known else thoughts[r, i - known] for i in row["prompt"]]
        whole = torch.stack([*prompt, *(embed[i] for i in row["completion"])])
        with torch.no_grad():
            logits = network(inputs_embeds=whole[None]).logits[0]
        for t, token in enumerate(row["completion"]):
            total -= float(functional.log_softmax(logits[len(prompt) + t - 1], -1)[token])
            n += 1
    return total / n


def test_the_loss_is_that_of_the_reply_alone(method: SoftCotMethod, tmp_path: Path) -> None:
    rows = method.rows(PROBLEMS)
    runner = TrlRunner(method, "pocket", rows, out=tmp_path / "run")
    kind, data = runner.trainable.trainer(method, rows)  # type: ignore[attr-defined]
    made = runner.trainer(kind, lambda: data)()
    batch = [data[i] for i in (0, 3, 5)]
    assert len({len(row["completion"]) for row in batch}) > 1  # so that something is padded
    found = made.compute_loss(made.model, {"rows": batch})
    thoughts = made.model(made._frozen.states_PKSD[[row["at"] for row in batch]])[:, 0]
    base = runner.trainable._base  # type: ignore[attr-defined]
    assert found.item() == pytest.approx(by_hand(base, batch, thoughts.detach()), rel=1e-5)


def test_several_thoughts_have_the_mean_of_their_losses_and_the_contrast(
    method: SoftCotMethod, tmp_path: Path
) -> None:
    several = replace(method, n_thoughts=3, contrast=0.5)
    rows = several.rows(PROBLEMS)
    runner = TrlRunner(several, "pocket", rows, out=tmp_path / "run")
    kind, data = runner.trainable.trainer(several, rows)  # type: ignore[attr-defined]
    made = runner.trainer(kind, lambda: data)()
    batch = [data[i] for i in (1, 2)]
    thoughts = made.model(made._frozen.states_PKSD[[row["at"] for row in batch]]).detach()
    base = runner.trainable._base  # type: ignore[attr-defined]
    likelihood = sum(by_hand(base, batch, thoughts[:, k]) for k in range(3)) / 3
    torch.manual_seed(3)
    apart = float(trainer.contrast(thoughts.mean(2)))
    torch.manual_seed(3)
    found = made.compute_loss(made.model, {"rows": batch}).item()
    assert found == pytest.approx(likelihood + 0.5 * apart, rel=1e-5)


def test_the_contrast_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_DROPPED", 0.0)
    right_angle = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    # cosine 1 with itself, 0 with the other: -log(e^20 / (e^20 + 1))
    assert float(trainer.contrast(right_angle)) == pytest.approx(2.06e-9, abs=1e-7)
    assert float(trainer.contrast(torch.ones(2, 2, 3))) == pytest.approx(0.6931, abs=1e-4)


def test_states_are_those_of_each_prompt_alone(
    thinker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_ROWS", 3)
    assistant = HfModel(str(thinker))
    found = reading.states(assistant, CHATS, n_slots=2, n_thoughts=2)
    assert found.shape == (len(CHATS), 2, 2, TINY)
    starts = first_tokens(assistant, 2)
    for p, chat in enumerate(CHATS):
        for k, start in enumerate(starts):
            ids = [*assistant.ids(assistant.render(request(chat))), start, start]
            with torch.no_grad():
                alone = assistant.network(
                    input_ids=torch.tensor([ids]), output_hidden_states=True
                ).hidden_states[-1][0, -2:]
            assert torch.allclose(found[p, k], alone, atol=1e-5)


def test_a_batch_answers_as_each_prompt_alone(thinker: Path) -> None:
    soft = SoftCot(resolve("pocket"), resolve(str(thinker)), projection(n_slots=3, scale=0.5))
    greedy = Sampling(max_tokens=16)
    together = [row[0].ids for row in soft.sample(CHATS, greedy)]
    assert together == [soft.sample([chat], greedy)[0][0].ids for chat in CHATS]


def test_each_sample_has_its_thought_and_a_resumed_call_gives_the_same(thinker: Path) -> None:
    base, assistant = resolve(str(thinker)), resolve("pocket")
    greedy = Sampling(max_tokens=16)
    two = Projection(WIDTH, TINY, n_slots=3, n_thoughts=2)
    found = SoftCot(base, assistant, two).sample(CHATS, greedy, n=4)
    assert [row[0] for row in found] == [row[2] for row in found]  # the same thought, greedily
    assert [row[1] for row in found] == [row[3] for row in found]
    assert [row[0] for row in found] != [row[1] for row in found]
    sampled = SoftCot(base, assistant, two)
    whole = {(p, g): r for p, g, r in sampled.stream(CHATS, SAMPLED, n=3)}
    assert whole.keys() == {(p, g) for p in range(len(CHATS)) for g in range(3)}
    done = {(0, 0), (1, 2), (5, 1)}
    rest = {(p, g): r for p, g, r in sampled.stream(CHATS, SAMPLED, n=3, done=done)}
    assert rest == {key: reply for key, reply in whole.items() if key not in done}


@contextmanager
def read_by(model: HfModel) -> Iterator[list[int]]:
    """How many rows each pass of a network reads, while the block runs."""
    rows: list[int] = []
    hook = model.network.base_model.register_forward_pre_hook(
        lambda _, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    try:
        yield rows
    finally:
        hook.remove()


@pytest.mark.parametrize("filling", ["trained", "random"])
def test_a_resumed_call_reads_the_states_of_what_is_left(
    thinker: Path, monkeypatch: pytest.MonkeyPatch, filling: Filling
) -> None:
    """Of prompts that are answered the assistant reads nothing, and the replies are the same."""
    monkeypatch.setattr(reading, "_ROWS", 2)
    base, assistant = HfModel("pocket"), HfModel(str(thinker))
    room = Capacity(max_rows=2, n_bytes=10**9, bytes_per_token=1, bytes_per_row=1)
    base.__dict__["capacity"] = room
    soft = SoftCot(base, assistant, projection(n_slots=3, n_thoughts=2), filling)
    with read_by(assistant) as rows:
        whole = list(soft.stream(CHATS, SAMPLED, n=2))
    assert rows == [2] * len(CHATS) and len(whole) == 2 * len(CHATS)  # two thoughts, once each
    done = {(p, g) for p, g, _ in whole[: len(whole) // 2]}
    left = {p for p, g, _ in whole if (p, g) not in done}
    with read_by(assistant) as rows:
        rest = list(soft.stream(CHATS, SAMPLED, n=2, done=done))
    assert [*whole[: len(done)], *rest] == whole
    assert 0 < sum(rows) <= 2 * len(left) < 2 * len(CHATS)
    with read_by(assistant) as rows:
        every = {(p, g) for p, g, _ in whole}
        assert list(soft.stream(CHATS, SAMPLED, n=2, done=every)) == []
        first = [*soft.stream(CHATS, SAMPLED, n=2, share=Share(0, 2))]
    assert {(p, g) for p, g, _ in first} < every and sum(rows) < 2 * len(CHATS)


def test_nothing_is_read_for_slots_of_zeros(thinker: Path) -> None:
    assistant = HfModel(str(thinker))
    zero = SoftCot(resolve("pocket"), assistant, projection(n_slots=3), "zero")
    with read_by(assistant) as rows:
        zero.sample(CHATS, Sampling(max_tokens=4))
    assert rows == []


def test_resumed_hints_are_asked_for_where_a_reply_is_missing(
    thinker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "CHUNK", 3)
    asked: list[str] = []

    def noted(prompt: str, sample: int) -> str:
        asked.append(prompt)
        return f"Mind all {len(prompt)} letters."

    base = HfModel(str(thinker), use_cache=False)
    model = TextHints(base, ScriptedModel(noted))
    whole = {(p, g): r for p, g, r in model.stream(CHATS, SAMPLED, n=2)}
    assert len(asked) == len(CHATS) == 8 and len(whole) == 16
    asked.clear()
    done = {(p, g) for p, g in whole if p < 3 or (p == 4 and g == 0)}
    rest = {(p, g): r for p, g, r in model.stream(CHATS, SAMPLED, n=2, done=done)}
    assert rest == {key: reply for key, reply in whole.items() if key not in done}
    assert asked == [request(chat)[0]["content"] for chat in CHATS[3:]]  # the first chunk is done
    asked.clear()
    assert not list(model.stream(CHATS, SAMPLED, n=2, done=whole.keys())) and asked == []


def test_a_local_assistants_hints_come_from_the_cache(
    thinker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of a chunk that is begun: nothing is generated again, by a model that is loaded anew."""
    first = TextHints(resolve("pocket"), HfModel(str(thinker)), max_tokens=8)
    whole = {(p, g): r for p, g, r in first.stream(CHATS, SAMPLED)}
    again = TextHints(resolve("pocket"), HfModel(str(thinker)), max_tokens=8)
    rest = {(p, g): r for p, g, r in again.stream(CHATS, SAMPLED, done={(0, 0), (5, 0)})}
    assert rest == {key: reply for key, reply in whole.items() if key not in {(0, 0), (5, 0)}}
    assert "network" not in again.assistant.__dict__


def test_controls_are_models_beside_it_and_differ(method: SoftCotMethod, tmp_path: Path) -> None:
    done = method.train("pocket", PROBLEMS, out=tmp_path / "run")
    names = ("zero.yaml", "random.yaml", "untrained.yaml", "hints.yaml")
    models = [resolve(str(done.folder)), *(resolve(str(done.folder / name)) for name in names)]
    prints = [json.dumps(model.fingerprint(), sort_keys=True) for model in models]
    assert len(set(prints)) == len(prints)
    for model in models:
        assert len(model.sample(CHATS[:2], Sampling(max_tokens=8))) == 2
    soft, zero, random, untrained = (m.model for m in models[:4])  # type: ignore[attr-defined]
    shown = {name: in_slots(m) for name, m in (("soft", soft), ("random", random))}
    assert torch.allclose(shown["soft"].norm(dim=-1), shown["random"].norm(dim=-1), rtol=1e-4)
    assert not torch.allclose(shown["soft"], shown["random"])
    assert torch.equal(shown["random"], in_slots(random))
    assert not in_slots(zero).any()
    assert untrained.projection.fingerprint() != soft.projection.fingerprint()


def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    method: SoftCotMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saving = replace(method, save_steps=1, n_thoughts=2)
    whole = saving.train("pocket", PROBLEMS, out=tmp_path / "whole")
    check = SoundNumbers.on_pre_optimizer_step

    def killed(self: Any, args: Any, state: Any, control: Any, **more: Any) -> Any:
        if state.global_step == 2:
            raise KeyboardInterrupt
        return check(self, args, state, control, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SoundNumbers, "on_pre_optimizer_step", killed)
        saving.train("pocket", PROBLEMS, out=tmp_path / "part")
    assert (tmp_path / "part" / "checkpoint-2").exists()
    rest = saving.train("pocket", PROBLEMS, out=tmp_path / "part")
    one, other = (Projection.load(d.folder / "projection.safetensors") for d in (whole, rest))
    assert one.fingerprint() == other.fingerprint()
    assert saving.train("pocket", PROBLEMS, out=tmp_path / "part") == rest  # nothing is done again


def test_checkpoints_are_evaluated_as_what_they_are(method: SoftCotMethod, tmp_path: Path) -> None:
    held_out = load("pocket:4:test", profile="fixed")
    done = replace(method, save_steps=2, keep_checkpoint="frontier").train(
        "pocket", PROBLEMS, out=tmp_path / "run", eval_problems=held_out
    )
    log = json.loads((done.folder / "trainer_state.json").read_text())["log_history"]
    assert {row["step"] for row in log if "eval/accuracy" in row} == {0, 2, 4}


def test_slots_stand_at_the_end_of_the_question(thinker: Path) -> None:
    base = HfModel("pocket")
    n = base.n_embedded
    for chat in CHATS:
        ids = with_slots(base, chat, [n, n + 1])
        rest = tuple(i for i in ids if i < n)
        assert ids.index(n) + 1 == ids.index(n + 1)
        assert base.decode(rest) == base.decode(base.ids(base.render(chat)))


def test_what_cannot_work_is_refused_with_a_remedy(
    thinker: Path, method: SoftCotMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pocket = resolve("pocket")
    with pytest.raises(ModelError, match="local weights of its assistant"):
        SoftCot(pocket, ScriptedModel({}), projection(n_slots=2))
    other = Projection(WIDTH, WIDTH, n_slots=2)
    with pytest.raises(ModelError, match="the two models that it was trained for"):
        SoftCot(pocket, resolve(str(thinker)), other).sample(CHATS, SAMPLED)
    long = [[Message(role="user", content="red " * 5000)]]
    with pytest.raises(ModelError, match="context of the assistant"):
        reading.states(HfModel(str(thinker)), long, n_slots=2)
    with pytest.raises(ModelError, match="no projection"):
        Projection.load(thinker / "model.safetensors")
    with pytest.raises(TrainingError, match="no row of these problems"):
        lines = tmp_path / "other.jsonl"
        lines.write_text('{"problem": "x", "raw": "y"}\n')
        replace(method, demonstrations=lines).train("pocket", PROBLEMS, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(ModelError, match="http"):
        replace(method, assistant="http://127.0.0.1:1/v1#x").train(
            "pocket", PROBLEMS, out=tmp_path / "run"
        )


@pytest.mark.parametrize("n_thoughts", [1, 2])
def test_a_prompt_that_the_assistant_has_no_room_for_costs_its_own_reply_alone(
    thinker: Path, n_thoughts: int
) -> None:
    assistant = HfModel(str(thinker))
    assistant.network.config.max_position_embeddings = 200  # less than the base has
    model = SoftCot(HfModel("pocket"), assistant, projection(n_slots=2, n_thoughts=n_thoughts))
    long = [Message(role="user", content="red " * 250)]
    assert HfModel("pocket").sample([long], SAMPLED)[0][0].error == ""  # the base has room
    replies = {(p, g): r for p, g, r in model.stream([*CHATS, long], SAMPLED, n=2)}
    failed = {at for at, reply in replies.items() if reply.finish_reason is FinishReason.failed}
    assert failed == {(len(CHATS), 0), (len(CHATS), 1)}
    assert "context of the assistant" in replies[len(CHATS), 0].error
    alone = {(p, g): r for p, g, r in model.stream(CHATS, SAMPLED, n=2)}
    assert {at: r.raw for at, r in replies.items() if at not in failed} == {
        at: r.raw for at, r in alone.items()
    }


ABOUT = {"n_slots": "2", "n_thoughts": "1"}


@pytest.mark.parametrize(
    ("tensors", "about", "why"),
    [
        ({"more": torch.zeros(1)}, ABOUT, "no projection"),
        ({"linear.bias": torch.zeros(4, 1)}, ABOUT, "no projection"),
        ({"linear.weight": torch.zeros(4, 3, dtype=torch.long)}, ABOUT, "no projection"),
        ({"linear.weight": torch.full((4, 3), torch.nan)}, ABOUT, "not finite"),
        ({"linear.bias": torch.full((4,), torch.inf)}, ABOUT, "not finite"),
        ({}, {"n_slots": "2", "n_thoughts": "0"}, "no projection"),
        ({}, {"n_slots": "²", "n_thoughts": "1"}, "no projection"),
        ({}, {"n_slots": "-1", "n_thoughts": "1"}, "no projection"),
        ({}, {}, "no projection"),
        ({}, {"n_slots": 2, "n_thoughts": 1}, "cannot be read"),
        ({}, ["n_slots"], "cannot be read"),
        ({}, "2", "cannot be read"),
    ],
)
def test_a_file_that_is_no_projection(
    tmp_path: Path, tensors: dict[str, torch.Tensor], about: object, why: str
) -> None:
    sound = {"linear.weight": torch.zeros(4, 3), "linear.bias": torch.zeros(4)}
    file = tmp_path / "p.safetensors"
    save_file(sound, file, metadata={"about": json.dumps(ABOUT)})
    assert Projection.load(file).n_slots == 2
    save_file(sound | tensors, file, metadata={"about": json.dumps(about)})
    with pytest.raises(ModelError, match=why):
        Projection.load(file)


def test_a_reply_longer_than_the_bases_context_is_not_learned(
    thinker: Path, tmp_path: Path
) -> None:
    short = copy_of(thinker, tmp_path / "short", config={"max_position_embeddings": 40})
    own = SoftCotMethod(assistant="pocket", n_slots=2)
    with pytest.raises(
        ModelError, match=r"with its slots and its reply.*short has 40; take shorter"
    ):
        own.train(str(short), PROBLEMS, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_model_that_was_changed_or_moved_since_the_training_is_said(
    thinker: Path, method: SoftCotMethod, tmp_path: Path
) -> None:
    small = copy_of(thinker, tmp_path / "assistant")
    run = tmp_path / "run"
    replace(method, assistant=str(small), epochs=1).train("pocket", PROBLEMS, out=run)
    files = [run, *(run / f"{name}.yaml" for name in ("zero", "random", "untrained"))]
    for file in files:
        assert resolve(str(file)).fingerprint()["kind"] == "softcot"
    weights = small / "model.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    for file in files:
        with pytest.raises(
            ModelError, match=r"the assistant .*assistant has other files than when"
        ):
            resolve(str(file))
    resolve(str(run / "hints.yaml"))  # which are the new model's own
    weights.write_bytes(before)
    resolve(str(run))
    small.rename(tmp_path / "elsewhere")
    for file in [*files, run / "hints.yaml"]:
        with pytest.raises(ModelError, match=r"yaml names '.*assistant'.*write its new place into"):
            resolve(str(file))
    named = run / "model.yaml"
    named.write_text(named.read_text().replace(str(small), str(tmp_path / "elsewhere")))
    resolve(str(run))


def test_a_token_without_an_embedding_is_not_taken_for_a_slot(
    thinker: Path, tmp_path: Path
) -> None:
    """The pocket model's tokenizer has more tokens than the tiny network has embeddings."""
    mixed = copy_of(thinker, tmp_path / "mixed")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(pocket_files.FOLDER / name, mixed / name)
    base, other = resolve(str(mixed)), resolve(str(thinker))
    for models in ((base, other, TINY, TINY), (resolve("pocket"), base, TINY, WIDTH)):
        made = Projection(*models[2:], n_slots=2).requires_grad_(False)
        with pytest.raises(ModelError, match=r"mixed has the token \d+ and the network has embedd"):
            SoftCot(*models[:2], made).sample(CHATS[:1], SAMPLED)
    for settings, spec in (
        ({"assistant": str(thinker)}, mixed),
        ({"assistant": str(mixed)}, "pocket"),
    ):
        own = SoftCotMethod(n_slots=2, **settings)
        with pytest.raises(ModelError, match="take the tokenizer that belongs to these weights"):
            own.train(str(spec), PROBLEMS, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_base_without_an_end_token_is_refused(thinker: Path, tmp_path: Path) -> None:
    endless = copy_of(thinker, tmp_path / "endless", tokenizer_config={"eos_token": None})
    own = SoftCotMethod(assistant="pocket", n_slots=2)
    with pytest.raises(ModelError, match="has no eos_token; set it in"):
        own.train(str(endless), PROBLEMS, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_hints_have_a_token() -> None:
    with pytest.raises(ModelError, match="at least one token"):
        TextHints(ScriptedModel({}), ScriptedModel({}), max_tokens=0)


def test_a_folder_imports_nothing_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("kind: some_module:Model\n")
    with pytest.raises(ExtensionError, match="nothing is imported"):
        resolve(str(tmp_path))


def test_it_is_found_by_its_name() -> None:
    assert method_named("softcot") is SoftCotMethod
