"""Does a local model answer exactly as its weights say, however the work is cut up?"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from scipy.stats import chisquare  # noqa: E402
from tiny_llama import copy_of, write_tiny  # noqa: E402

from twofold.errors import ModelError  # noqa: E402
from twofold.models import batches, loading  # noqa: E402
from twofold.models.batches import SHAPE, Capacity, capacity_of, plan  # noqa: E402
from twofold.models.checkpoint import Checkpoint  # noqa: E402
from twofold.models.decode import PlannedRow, decode  # noqa: E402
from twofold.models.gumbel import GumbelNoise, row_seed  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.models.memory import main_memory_bytes  # noqa: E402
from twofold.models.quiet import quiet  # noqa: E402
from twofold.models.thinking import ThinkingPolicy  # noqa: E402
from twofold.types import FinishReason, Message, Response, Sampling, Share  # noqa: E402

QUESTIONS = ["two", "what is two and two", "it is four", "is it", "and " * 9, "four, two", "x"]
GREEDY = Sampling(max_tokens=24)
DRAWN = Sampling(max_tokens=24, temperature=1.0)
ROOM_FOR_3 = Capacity(max_rows=3, n_bytes=10**9, bytes_per_token=1, bytes_per_row=1)


def chats(*questions: str) -> list[list[Message]]:
    return [[{"role": "user", "content": question}] for question in questions or QUESTIONS]


def model_of(folder: Path, *, use_cache: bool = False) -> HfModel:
    model = HfModel(str(folder), use_cache=use_cache)
    model.__dict__["capacity"] = ROOM_FOR_3  # small batches, so that there are several
    return model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def model(tiny: Path) -> HfModel:
    return model_of(tiny)


def by_hand(model: HfModel, question: str, sampling: Sampling, *, sample: int, seed: int) -> Any:
    """One reply's token ids, one full pass a token, no batch and no cache of keys and values."""
    prompt = model.render(chats(question)[0])
    ids = model.tokenizer(prompt, add_special_tokens=False).input_ids
    generator = torch.Generator().manual_seed(row_seed(seed, prompt, sample))
    new: list[int] = []
    while len(new) < sampling.max_tokens and not (new and new[-1] in model.eos):
        with torch.inference_mode():
            logits = model.network(torch.tensor([ids + new])).logits[0, -1].float()
        if sampling.temperature:
            noise = torch.empty_like(logits).exponential_(generator=generator)
            logits = logits / sampling.temperature - noise.log()
        new.append(int(logits.argmax()))
    return new


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN, Sampling(max_tokens=9, temperature=0.5)])
def test_replies_are_the_ones_made_by_hand(model: HfModel, sampling: Sampling) -> None:
    answers = model.sample(chats(), sampling, n=2, seed=3)
    for question, samples in zip(QUESTIONS, answers, strict=True):
        for g, response in enumerate(samples):
            new = by_hand(model, question, sampling, sample=g, seed=3)
            spoken = [i for i in new if i not in model.eos and i > 2]
            assert response.raw == model.tokenizer.decode(spoken)
            assert response.n_reply_tokens == len(spoken)
            ended = FinishReason.answered if response.raw.strip() else FinishReason.empty
            assert response.finish_reason is (
                ended if new[-1] in model.eos else FinishReason.truncated
            )
    ends = Counter(r.finish_reason for samples in answers for r in samples)
    assert len(ends) > 1, "the tiny model should end some replies and be cut in others"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Qwen3", {"head_dim": 8, "num_key_value_heads": 2}),  # plain keys and values, like Llama
        ("GPT2", {"n_positions": 256}),  # other names in its configuration, learnt positions
        (
            "Mistral",
            {"sliding_window": 8, "num_key_value_heads": 2},
        ),  # rows cannot be taken out of its cache
        ("Mamba", {"state_size": 4}),  # recurrent: no keys and values at all
    ],
)
def test_other_architectures_reply_as_by_hand(
    tiny: Path, tmp_path: Path, kind: str, fields: dict[str, Any]
) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(model_of(tiny).tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.3,
        **fields,
    )
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(1)
        name = {"GPT2": "GPT2LMHeadModel"}.get(kind, f"{kind}ForCausalLM")
        network = getattr(transformers, name)(config)
        network.generation_config.eos_token_id = [2, *range(20, 60)]
        network.save_pretrained(folder)
    model = model_of(folder)
    assert HfModel(str(folder), use_cache=False).capacity.max_rows == 64
    for question, samples in zip(QUESTIONS, model.sample(chats(), DRAWN, n=2), strict=True):
        for g, response in enumerate(samples):
            new = by_hand(model, question, DRAWN, sample=g, seed=0)
            assert response.raw == model.chat_tokens._text(
                [i for i in new if i not in model.chat_tokens._silent]
            )


def test_a_prompt_is_read_once_for_all_its_samples(tiny: Path) -> None:
    model = HfModel(str(tiny), use_cache=False)
    n_read: list[int] = []
    hook = model.network.get_input_embeddings().register_forward_hook(
        lambda _, ids, __: n_read.append(ids[0].numel())
    )
    model.sample(chats("what is it", "two"), Sampling(max_tokens=1, temperature=1.0), n=8)
    hook.remove()
    asked = [model.render(chat) for chat in chats("what is it", "two")]
    longest = max(len(model.tokenizer(t, add_special_tokens=False).input_ids) for t in asked)
    # both prompts up to their last token, and then the last token of all sixteen rows
    assert n_read == [2 * (longest - 1), 16]


def test_a_prompt_that_begins_with_what_pads_another_is_another(tiny: Path) -> None:
    network = HfModel(str(tiny), use_cache=False).network
    asked = [(0, 7, 9), (7, 9)]  # 0 is what pads
    alone = [
        decode(network, [PlannedRow(ids=ids, seed=1, limit=8)], GREEDY, eos=()) for ids in asked
    ]
    for order in ([0, 1], [1, 0], [0, 1, 0, 1]):
        rows = [PlannedRow(ids=asked[i], seed=1, limit=8) for i in order]
        assert decode(network, rows, GREEDY, eos=()) == [alone[i][0] for i in order]


@pytest.mark.parametrize("multiplies", [True, False])
def test_a_cpu_that_can_takes_weights_in_bfloat16_as_they_were_saved(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, multiplies: bool
) -> None:
    monkeypatch.setattr(loading, "multiplies_bfloat16", lambda: multiplies)
    saved_so = copy_of(tiny, tmp_path / "m", config={"dtype": "bfloat16"})
    model = HfModel(str(saved_so), use_cache=False)
    assert model.dtype is (torch.bfloat16 if multiplies else torch.float32)
    assert next(model.network.parameters()).dtype is model.dtype
    assert model.fingerprint()["dtype"] == str(model.dtype).removeprefix("torch.")
    assert model.sample(chats("two"), GREEDY)[0][0].finish_reason in (
        FinishReason.answered,
        FinishReason.truncated,
    )
    assert HfModel(str(tiny), use_cache=False).dtype is torch.float32  # saved in float32


def test_top_p_keeps_only_the_nucleus(model: HfModel) -> None:
    almost_greedy = Sampling(max_tokens=24, temperature=1.0, top_p=1e-6)
    assert model.sample(chats(), almost_greedy, seed=1) == model.sample(chats(), GREEDY)


def test_samples_differ_and_repeat(model: HfModel) -> None:
    once = model.sample(chats(), DRAWN, n=3, seed=0)
    assert once == model.sample(chats(), DRAWN, n=3, seed=0)
    assert once != model.sample(chats(), DRAWN, n=3, seed=1)
    assert len({r.raw for r in once[1]}) == 3


def test_a_reply_does_not_depend_on_its_batch(model: HfModel) -> None:
    together = model.sample(chats(), DRAWN, n=2, seed=5)
    for question, samples in zip(QUESTIONS, together, strict=True):
        assert model.sample(chats(question), DRAWN, n=2, seed=5) == [samples]


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN])
def test_resumed_and_distributed_runs_give_the_same(model: HfModel, sampling: Sampling) -> None:
    whole = {(p, g): r for p, g, r in model.stream(chats(), sampling, n=2, seed=2)}
    assert len(whole) == 2 * len(QUESTIONS)
    done = frozenset(list(whole)[:4])  # all of the first batch and a part of the second
    rest = {(p, g): r for p, g, r in model.stream(chats(), sampling, n=2, seed=2, done=done)}
    assert rest == {item: r for item, r in whole.items() if item not in done}
    shares = [
        {(p, g): r for p, g, r in model.stream(chats(), sampling, n=2, seed=2, share=Share(k, 2))}
        for k in (0, 1)
    ]
    assert not shares[0].keys() & shares[1].keys()
    assert shares[0] | shares[1] == whole


def test_nothing_is_generated_when_all_is_done(tiny: Path) -> None:
    model = model_of(tiny)
    everything = frozenset((p, 0) for p in range(len(QUESTIONS)))
    assert list(model.stream(chats(), GREEDY, done=everything)) == []
    assert "network" not in model.__dict__, "the weights were loaded for nothing"


class Memory:
    """Runs out when a batch has more than `rows` rows."""

    def __init__(self, network: Any, rows: int, error: Exception) -> None:
        self.generate, self.rows, self.error = network.generate, rows, error
        self.asked: list[int] = []

    def __call__(self, **wanted: Any) -> Any:
        self.asked.append(len(wanted["input_ids"]))
        if self.asked[-1] > self.rows:
            raise self.error
        return self.generate(**wanted)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_a_batch_that_does_not_fit_is_halved(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    model = model_of(tiny)
    expected = model.sample(chats(), DRAWN, n=2, seed=2)
    memory = Memory(model.network, 1, error)
    monkeypatch.setattr(model.network, "generate", memory)
    assert model.sample(chats(), DRAWN, n=2, seed=2) == expected
    assert max(memory.asked) == 3


def test_a_row_that_never_fits_fails_alone(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(tiny, use_cache=True)
    with monkeypatch.context() as patch:
        patch.setattr(model.network, "generate", Memory(model.network, 0, MemoryError()))
        (((response,),)) = model.sample(chats("two"), GREEDY)
    assert response.finish_reason is FinishReason.failed
    assert "lower max_tokens" in response.error
    assert model.sample(chats("two"), GREEDY)[0][0].has_reply, "a failure must not be cached"


def test_a_batch_is_halved_before_it_asks_for_more_than_is_left(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(tiny)
    expected = model.sample(chats("two"), DRAWN, n=3, seed=2)
    n_tokens = len(model.tokenizer(model.render(chats("two")[0])).input_ids) + 24
    for rows, left in ((3, 3 * (n_tokens + 1)), (2, 3 * (n_tokens + 1) - 1), (1, n_tokens + 1)):
        memory = Memory(model.network, 3, MemoryError())
        with monkeypatch.context() as patch:
            patch.setattr(model.network, "generate", memory)
            patch.setattr(batches, "available_bytes", lambda left=left: left)
            assert model.sample(chats("two"), DRAWN, n=3, seed=2) == expected
        assert max(memory.asked) == rows


def test_a_row_for_which_no_memory_is_left_is_not_begun(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(tiny)
    memory = Memory(model.network, 3, MemoryError())
    monkeypatch.setattr(model.network, "generate", memory)
    monkeypatch.setattr(batches, "available_bytes", lambda: 40)
    (((response,),)) = model.sample(chats("two"), GREEDY)
    assert response.finish_reason is FinishReason.failed
    assert "lower max_tokens or take a smaller model (it may need " in response.error
    assert "and 40 are left" in response.error
    assert memory.asked == []


def test_other_errors_go_up(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(tiny)
    bug = RuntimeError("shapes do not match")
    monkeypatch.setattr(model.network, "generate", Memory(model.network, 0, bug))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        model.sample(chats("two"), GREEDY)


def test_the_context_window_ends_a_reply(tiny: Path, tmp_path: Path) -> None:
    prompt = len(model_of(tiny).tokenizer(model_of(tiny).render(chats("two")[0])).input_ids)
    small = copy_of(tiny, tmp_path / "m", config={"max_position_embeddings": prompt + 2})
    few = model_of(small).sample(chats("two", "and " * 50), Sampling(max_tokens=1000))
    assert (few[0][0].n_reply_tokens or 0) <= 2
    assert few[1][0].finish_reason is FinishReason.failed
    assert "shorten" in few[1][0].error


def test_the_draws_follow_the_probabilities() -> None:
    weights = torch.tensor([0.5, 0.25, 0.125, 0.125])
    n = 4000
    noise = GumbelNoise([torch.Generator().manual_seed(row_seed(0, "p", g)) for g in range(n)])
    drawn = noise(torch.zeros(n, 1), weights.log().expand(n, 4)).argmax(dim=1)
    counts = torch.bincount(drawn, minlength=4).numpy()
    assert chisquare(counts, n * weights.numpy()).pvalue > 1e-3


def test_first_tokens_of_the_model_follow_its_probabilities(tiny: Path) -> None:
    model = HfModel(str(tiny), use_cache=False)
    sampling = Sampling(max_tokens=1, temperature=2.0)
    prompt = model.tokenizer(model.render(chats("two")[0]), return_tensors="pt").input_ids
    with torch.inference_mode():
        chances = (model.network(prompt).logits[0, -1] / 2).softmax(-1).double()
    texts = [
        model.chat_tokens._text([i] if i not in model.chat_tokens._silent else [])
        for i in range(len(chances))
    ]
    expected: Counter[str] = Counter()
    for text, chance in zip(texts, chances.tolist(), strict=True):
        expected[text] += chance
    n = 900
    seen = Counter(r.raw for r in model.sample(chats("two"), sampling, n=n)[0])
    often = [text for text, chance in expected.items() if chance * n >= 5]
    counts = [seen[t] for t in often] + [n - sum(seen[t] for t in often)]
    wanted = [n * expected[t] for t in often] + [n * (1 - sum(expected[t] for t in often))]
    assert chisquare(counts, wanted).pvalue > 1e-3


def test_a_thought_is_removed_and_counted(model: HfModel) -> None:
    vocabulary = model.tokenizer.get_vocab()
    a, b = vocabulary["a"], vocabulary["b"]
    opened, closed, end = vocabulary["<think>"], vocabulary["</think>"], vocabulary["<|im_end|>"]
    response = model.response_of([opened, a, a, closed, b, end])
    assert (response.thinking, response.reply, response.finish_reason) == (
        "aa",
        "b",
        FinishReason.answered,
    )
    assert (response.n_thinking_tokens, response.n_reply_tokens) == (4, 1)
    assert response.raw == "<think>aa</think>b"
    cut = model.response_of([opened, a, a])
    assert (cut.finish_reason, cut.reply, cut.n_thinking_tokens) == (
        FinishReason.unclosed_thinking,
        "",
        3,
    )


def test_a_prefilled_thought_is_seen_in_the_template(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    file = folder / "chat_template.jinja"
    file.write_text(file.read_text().replace("assistant\n{%", "assistant\n<think>\n{%"))
    model = model_of(folder)
    assert model.thinking == ThinkingPolicy(prefilled=True)
    (((response,),)) = model.sample(chats("two"), Sampling(max_tokens=4))
    assert response.finish_reason is FinishReason.unclosed_thinking
    assert response.reply == ""


def test_generation_defaults_do_not_leak_but_are_written_down(model: HfModel) -> None:
    assert model.fingerprint()["defaults_not_used"] == {
        "do_sample": True,
        "temperature": 0.3,
        "top_k": 2,
        "repetition_penalty": 9.0,
    }  # that none of them acts is shown by test_replies_are_the_ones_made_by_hand


def test_fingerprint_is_json_and_follows_the_content(tiny: Path, tmp_path: Path) -> None:
    first = model_of(tiny).fingerprint()
    assert json.loads(json.dumps(first)) == first
    moved = model_of(copy_of(tiny, tmp_path / "moved")).fingerprint()
    assert {k for k in first if first[k] != moved[k]} == {"spec"}
    changed = model_of(copy_of(tiny, tmp_path / "c", config={"rms_norm_eps": 0.5})).fingerprint()
    assert {k for k in first if first[k] != changed[k]} == {"spec", "weights_sha256"}


def test_a_template_does_not_know_what_day_it_is(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / "chat_template.jinja").write_text(
        "{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}"
    )
    assert model_of(folder).render(chats("two")[0]) == "01 Jan 2026 two"


def test_a_template_that_refuses_a_chat_is_reported(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / "chat_template.jinja").write_text(
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ messages[0].content }}"
    )
    with pytest.raises(ModelError, match=r"\['system'\] \(no system\); leave out the role"):
        model_of(folder).render([{"role": "system", "content": "a"}])


def test_no_chat_template_is_reported_with_its_remedy(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match=r"no chat template.*chat_template\.jinja"):
        model_of(folder).sample(chats("two"), GREEDY)


@pytest.mark.parametrize(
    "template",
    [
        " \n",
        5,
        True,
        {"default": 5},
        "Hello",
        "{{ messages[0].role }}",
        "{% for part in messages[0].content %}{{ part.text }}{% endfor %}",  # a list of parts
    ],
)
def test_a_template_without_the_question_is_refused(
    tiny: Path, tmp_path: Path, template: object
) -> None:
    """Every reply would be to the same prompt, and scored."""
    folder = copy_of(tiny, tmp_path / "m", tokenizer_config={"chat_template": template})
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match=rf"{folder} leaves out what the user says.*the base's"):
        model_of(folder).fingerprint()
    adapted = Checkpoint(spec="a", folder=tiny, adapter=folder)  # with a tokenizer of its own
    with pytest.raises(ModelError, match="leaves out what the user says"):
        loading.load_tokenizer(adapted)


@pytest.mark.parametrize("template", ["{{ messages[0].content + 1 }}", {"rag": "x"}])
def test_a_template_that_cannot_be_used_is_told_with_its_remedy(
    tiny: Path, tmp_path: Path, template: object
) -> None:
    folder = copy_of(tiny, tmp_path / "m", tokenizer_config={"chat_template": template})
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match=r"rejects a chat .*take the base's chat_template\.jinja"):
        model_of(folder).fingerprint()


@pytest.mark.parametrize("change", ["trim", "lower", "upper", "replace('/think', '')", "e"])
def test_a_template_may_change_what_it_shows(tiny: Path, tmp_path: Path, change: str) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / "chat_template.jinja").write_text("{{ messages[0].content | " + change + " }}")
    shown = {
        "trim": "2 < Three /think",
        "lower": " 2 < three /think ",
        "upper": " 2 < THREE /THINK ",
        "replace('/think', '')": " 2 < Three  ",
        "e": " 2 &lt; Three /think ",
    }
    assert model_of(folder).render(chats(" 2 < Three /think ")[0]) == shown[change]


def test_a_template_that_leaves_out_another_turn_is_refused_when_there_is_one(
    tiny: Path, tmp_path: Path
) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages if m.role == 'user' %}{{ m.content }}. {% endfor %}"
    )
    model = model_of(folder)
    question = chats("two")[0]
    assert model.render(question) == "two. "
    with pytest.raises(ModelError, match="leaves out what the system says"):
        model.render([{"role": "system", "content": "Be brief"}, *question])
    with pytest.raises(ModelError, match="leaves out what the assistant says"):
        model.render([*question, {"role": "assistant", "content": "four"}, *question])


def test_no_pad_token_and_no_end_token_are_no_obstacle(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(
        tiny,
        tmp_path / "m",
        generation_config={"eos_token_id": None},
        tokenizer_config={"eos_token": None, "pad_token": None},
    )
    file = folder / "chat_template.jinja"
    file.write_text(file.read_text().replace("<|im_end|>", ""))  # it would end a turn, too
    model = model_of(folder)
    assert model.eos == ()
    answers = model.sample(chats(), GREEDY)
    assert {r.finish_reason for samples in answers for r in samples} == {FinishReason.truncated}


def test_broken_weights_are_reported(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="copy it again"):
        model_of(folder).sample(chats("two"), GREEDY)


@pytest.fixture
def adapter(tiny: Path, tmp_path: Path) -> Path:
    peft = pytest.importorskip("peft")
    network = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    config = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        with quiet():
            peft.get_peft_model(network, config).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_an_adapter_is_loaded_on_its_base(tiny: Path, adapter: Path) -> None:
    from peft import PeftModel

    model, base = model_of(adapter), model_of(tiny)
    with quiet():
        plain = transformers.AutoModelForCausalLM.from_pretrained(tiny)
        merged = PeftModel.from_pretrained(plain, str(adapter)).merge_and_unload()
    ids = torch.arange(3, 20)[None]
    with torch.inference_mode():
        torch.testing.assert_close(
            model.network(ids).logits, merged(ids).logits, atol=1e-4, rtol=1e-4
        )
    assert model.sample(chats(), GREEDY) != base.sample(chats(), GREEDY)
    assert model.fingerprint()["weights_sha256"] == base.fingerprint()["weights_sha256"]
    assert "adapter_sha256" in model.fingerprint()


def test_an_adapter_without_its_base_is_reported(adapter: Path) -> None:
    file = adapter / "adapter_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"base_model_name_or_path": "./gone"}))
    with pytest.raises(
        ModelError, match=r"'\./gone'.*starts at the working.*set base_model_name_or"
    ):
        model_of(adapter)


@pytest.mark.parametrize("pickled", ["adapter", "model"])
def test_pickled_weights_are_refused(
    tiny: Path, adapter: Path, tmp_path: Path, pickled: str
) -> None:
    folder = adapter if pickled == "adapter" else copy_of(tiny, tmp_path / "m")
    for file in folder.glob("*.safetensors"):
        file.rename(file.with_suffix(".bin"))
    with pytest.raises(ModelError, match=r"\.bin\) are not loaded.*save_pretrained"):
        model_of(folder)


def test_the_plan_holds_each_item_once_whatever_fits() -> None:
    lengths = [5, 900, 40, 40, 7]
    for n_bytes in (1, 1000, 5000, 10**6):
        room = Capacity(max_rows=4, n_bytes=n_bytes, bytes_per_token=1, bytes_per_row=10)
        batches = plan(lengths, n=3, max_tokens=100, capacity=room)
        items = [item for batch in batches for item in batch]
        assert sorted(items) == [(p, g) for p in range(5) for g in range(3)]
        assert [lengths[p] for p, _ in items] == sorted(
            (lengths[p] for p, _ in items), reverse=True
        )
        for batch in batches:
            tokens = len(batch) * (lengths[batch[0][0]] + 100 + 10)
            assert len(batch) == 1 or (tokens <= n_bytes and len(batch) <= 4)


def test_capacity_is_estimated_from_the_config(model: HfModel, tiny: Path) -> None:
    fresh = HfModel(str(tiny), use_cache=False).capacity
    # keys and values: 2 x 2 layers x 2 heads x 8 wide x 4 bytes, half again; activations 3 x 64 x 4
    assert fresh.bytes_per_token == 256 * 3 // 2 + 768
    assert fresh.max_rows == 64
    shape = dict.fromkeys(SHAPE, 8)
    large = capacity_of(shape, n_weight_bytes=2**31, device_bytes=2**34, on_gpu=False)
    assert large.max_rows == 16
    assert 0 < fresh.n_bytes < main_memory_bytes()


def test_replies_come_from_the_cache_without_the_weights(tiny: Path) -> None:
    first = model_of(tiny, use_cache=True)
    answers = first.sample(chats(), DRAWN, n=2, seed=1)
    second = model_of(tiny, use_cache=True)
    assert second.sample(chats(), DRAWN, n=2, seed=1) == answers
    assert "network" not in second.__dict__
    other: list[list[Response]] = second.sample(chats(), DRAWN, n=2, seed=2)
    assert other != answers


def test_what_a_checkpoint_was_trained_from_is_read_once(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, reads = model_of(tiny), []
    monkeypatch.setattr(type(model._checkpoint), "trained_from", lambda _: reads.append(1))
    assert [model.observed() for _ in range(3)] == [{}] * 3
    assert len(reads) == 1  # a run asks at every reply


def test_a_folder_without_a_tokenizer_says_what_to_copy(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    for file in folder.glob("*token*"):
        file.unlink()
    with pytest.raises(
        ModelError, match=r"has no tokenizer; copy tokenizer\.json.*save_pretrained"
    ):
        model_of(folder).sample(chats("two"), GREEDY)
