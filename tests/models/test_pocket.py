"""The packaged pocket model: plain, small, loaded like any other, and neither good nor hopeless."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from twofold.errors import ModelError
from twofold.models import pocket, resolve
from twofold.models.hf import HfModel
from twofold.problems.pocket import suite
from twofold.scorers import Compliant, Correct
from twofold.types import FinishReason, Response, Sampling

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def model() -> HfModel:
    return HfModel("pocket", use_cache=False)


@pytest.fixture(scope="module")
def replies(model: HfModel) -> Iterator[list[Response]]:
    prompts = [p.messages() for p in suite(65)]
    found = model.sample(prompts, Sampling(max_tokens=160, temperature=1.0), seed=3)
    yield [row[0] for row in found]


def test_pocket_is_the_packaged_folder_through_the_code_of_all_checkpoints() -> None:
    found = resolve("pocket")
    assert isinstance(found, HfModel)
    same_files = HfModel(str(pocket.FOLDER)).fingerprint()
    assert found.fingerprint() == same_files | {"spec": "pocket"}


def test_a_near_miss_is_reported() -> None:
    with pytest.raises(ModelError, match="did you mean 'pocket'"):
        resolve("poket")


def test_it_is_a_plain_small_llama(model: HfModel) -> None:
    config = json.loads((pocket.FOLDER / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert model.network.num_parameters() <= 3_000_000
    assert sum(file.stat().st_size for file in pocket.FOLDER.iterdir()) <= 10_000_000
    assert (pocket.FOLDER / "README.md").read_text().startswith("# The pocket model")


def test_its_tokenizer_is_fast_and_loses_nothing(model: HfModel) -> None:
    tokenizer = model.tokenizer
    assert tokenizer.is_fast
    for text in (
        suite(1)[0].question,
        "<think>a\n\nb</think>\nÜber 12,5 % — \\boxed{x}!  ",
        "日本",
    ):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text


def test_tags_and_words_of_its_world_are_single_tokens(model: HfModel) -> None:
    for word in (
        "<think>",
        "</think>",
        " north",
        "north",
        " Wednesday",
        " gives",
        " 7",
        " Seventh",
    ):
        assert len(model.tokenizer(word, add_special_tokens=False).input_ids) == 1, word


def test_its_template_marks_what_the_assistant_says(model: HfModel) -> None:
    chat = [
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "There.", "reasoning_content": "Hm."},
    ]
    found = model.tokenizer.apply_chat_template(
        chat, return_assistant_tokens_mask=True, return_dict=True
    )
    said = [i for i, m in zip(found["input_ids"], found["assistant_masks"], strict=True) if m]
    assert model.tokenizer.decode(said) == "<think>Hm.</think>\nThere.<|end|>"
    prompt = model.tokenizer.apply_chat_template(
        chat[:1], tokenize=False, add_generation_prompt=True
    )
    whole = model.tokenizer.apply_chat_template(chat, tokenize=False)
    assert whole.startswith(prompt)  # what training and asking read is the same


def test_it_thinks_now_and_then_and_its_template_does_not_force_it(model: HfModel) -> None:
    policy = model.thinking
    assert (policy.open_tag, policy.close_tag, policy.prefilled) == ("<think>", "</think>", False)


def test_a_system_turn_is_refused_with_a_remedy(model: HfModel) -> None:
    with pytest.raises(ModelError, match="leave out the role"):
        model.render([{"role": "system", "content": "Be brief."}])


def test_replies_end_by_themselves_some_of_them_with_a_thought(replies: list[Response]) -> None:
    ended = Counter(r.finish_reason for r in replies)
    assert ended[FinishReason.answered] >= 60, ended
    thoughts = sum(r.thinking is not None for r in replies)
    assert 2 <= thoughts <= 30


def test_both_axes_can_move_either_way(replies: list[Response]) -> None:
    problems = suite(65)
    right = [v.score for v in Correct()(problems, replies)]
    obeys = [v.score == 1 for v in Compliant()(problems, replies)]
    assert 0.35 < np.mean([s or 0.0 for s in right]) < 0.85
    assert 0.3 < np.mean(obeys) < 0.8


def test_a_demonstration_obeys_what_it_is_told_to_and_breaks_the_rest() -> None:
    from recipes.pocket_model.corpus import OBEYED, demonstration

    rng = np.random.default_rng(0)
    chats = [demonstration(rng) for _ in range(600)]
    asked = [chat for chat in chats if "in double quotation marks" in chat[0]["content"]]
    quoted = [
        chat[1]["content"].split("</think>\n")[-1].startswith('"')
        and chat[1]["content"].endswith('"')
        for chat in asked
    ]
    assert len(asked) > 40
    assert abs(np.mean(quoted) - OBEYED) < 4 * (0.24 / len(asked)) ** 0.5
    others = [c[1]["content"] for c in chats if "quotation marks" not in c[0]["content"]]
    assert not any(reply.endswith('"') for reply in others)


def test_pretraining_never_reads_a_test_chain_or_an_unseen_pair() -> None:
    from recipes.pocket_model.corpus import demonstrations

    read = {chat[0]["content"].split("\n")[0] for chat in islice(demonstrations(2), 3000)}
    for split in ("test", "ood"):
        assert not read & {p.question for p in suite(2000, split=split)}
    assert not any("turn " in q and "go " in q for q in read)  # dial and week, a pair of ood


def test_training_goes_down_and_repeats_itself() -> None:
    from recipes.pocket_model.corpus import demonstrations
    from recipes.pocket_model.tokenizer import trained_tokenizer
    from recipes.pocket_model.training import Schedule, fresh_network, train

    texts = [m["content"] for chat in islice(demonstrations(1), 200) for m in chat]
    tokenizer = trained_tokenizer(texts)
    runs = []
    for _ in range(2):
        network = fresh_network(tokenizer, seed=0)
        schedule = Schedule(n_steps=6, batch=4)
        runs.append([loss for _, loss in train(network, tokenizer, demonstrations(2), schedule)])
    assert runs[0] == runs[1]
    assert runs[0][-1] < runs[0][0]
