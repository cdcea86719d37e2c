"""Does a chat template say which marks its thoughts have, and which token ends a turn?"""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_llama import SPECIAL, TEMPLATE, copy_of, write_tiny

from twofold.errors import ModelError
from twofold.models import chat_template
from twofold.models.hf import HfModel
from twofold.models.thinking import ThinkingPolicy, unknown_mark
from twofold.scorers import Correct
from twofold.types import FinishReason, Problem, Sampling

FOUR = Problem(question="2 + 2 = ?", answer="4")
CHANNELS = ["<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>", "<|call|>"]
CONTENT = "{{ m['content'] }}"


def chat(content: str = CONTENT, opens: str = "") -> str:
    """A template that writes `content` in each turn and ends the prompt with `opens`."""
    return (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        + content
        + "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n" + opens + "{% endif %}"
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


def model_with(
    tiny: Path, to: Path, template: str, *, special: list[str] | None = None, **more: Any
) -> HfModel:
    """The tiny model with another template and with more special tokens."""
    folder = copy_of(tiny, to, generation_config={"eos_token_id": SPECIAL.index("<|im_end|>")})
    tokenizer = HfModel(str(tiny)).tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": special or []})
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return HfModel(str(folder), **more)


def ids_of(model: HfModel, text: str) -> list[int]:
    return list(model.tokenizer(text, add_special_tokens=False).input_ids)


def harmony() -> str:
    trl = pytest.importorskip("trl")
    return (Path(trl.__file__).parent / "chat_templates" / "gptoss.jinja").read_text()


@pytest.mark.parametrize(
    ("template", "opens", "closes", "prefilled"),
    [
        (chat(), "<think>", "</think>", False),
        (chat(opens="<think>\n"), "<think>", "</think>", True),
        (chat(opens="<think>\n\n</think>\n\n"), "<think>", "</think>", False),
        (chat(opens="[THINK]"), "[THINK]", "[/THINK]", True),
        # splits, seeks, writes and opens with tags that nobody knows
        (chat("{{ m['content'].split('</ponder>')[-1] }}"), "<ponder>", "</ponder>", False),
        (chat("{{ m['content'].split('</my_think>')[-1] }}", "<my_think>\n"),
         "<my_think>", "</my_think>", True),
        (chat("{% if '</ponder>' in m['content'] %}{% endif %}" + CONTENT),
         "<ponder>", "</ponder>", False),
        (chat("{% if m.reasoning_content %}<ponder>\n{{ m.reasoning_content }}\n</ponder>\n\n"
              "{% endif %}" + CONTENT), "<ponder>", "</ponder>", False),
        (chat("{% if m.thinking %}~~{{ m.thinking }}##{% endif %}" + CONTENT), "~~", "##", False),
        (chat(opens="<ponder>\n"), "<ponder>", "</ponder>", True),
        # tags of tools and of answers are none
        (chat("{{ m['content'].split('</tool_response>')[-1] }}", "<answer>"),
         "<think>", "</think>", False),
    ],
)  # fmt: skip
def test_the_marks_of_a_template(
    tiny: Path, tmp_path: Path, template: str, opens: str, closes: str, prefilled: bool
) -> None:
    model = model_with(tiny, tmp_path / "m", template)
    assert model.thinking == ThinkingPolicy(opens, closes, prefilled)
    begun = "" if prefilled else opens
    whole = model.response_of([*ids_of(model, f"{begun}b{closes}a"), model.eos[0]])
    assert (whole.thinking, whole.reply) == ("b", "a")
    cut = model.response_of(ids_of(model, f"{begun}\\boxed{{4}}, but"))
    assert (cut.reply, cut.finish_reason) == ("", FinishReason.unclosed_thinking)


PUBLISHED = {
    "gptoss": ("<|channel|>analysis<|message|>", False),
    "gemma4": ("<|channel>thought", False),
    "qwen3": ("<think>", False),
    "qwen3_6": ("<think>", True),
    "qwen3_5_nothink": ("<think>", False),
    "deepseek_r1_distill": ("<think>", True),
    "nemotron_3_nano": ("<think>", True),
    "muse_glimmer": ("to=self<|message|>", False),
    "llama3": ("<think>", False),
    "cohere": ("<think>", False),
    "phi3": ("<think>", False),
}


def test_the_marks_of_published_templates(tiny: Path) -> None:
    trl = pytest.importorskip("trl")
    tokenizer = HfModel(str(tiny)).tokenizer
    found = {}
    for name in PUBLISHED:
        file = Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja"
        tokenizer.chat_template = file.read_text()
        policy = chat_template.thinking_of(tokenizer)
        found[name] = (policy.open_tag, policy.prefilled)
    assert found == PUBLISHED


# They take a turn as a list of texts and images, and show no text.
OF_PARTS = {"idefics3", "llava_next", "smolvlm"}


def test_published_templates_show_what_they_are_given(tiny: Path) -> None:
    trl = pytest.importorskip("trl")
    tokenizer = HfModel(str(tiny)).tokenizer
    files = sorted((Path(trl.__file__).parent / "chat_templates").glob("*.jinja"))
    assert len(files) > 10
    refused = set()
    for file in files:
        tokenizer.chat_template = file.read_text()
        try:
            chat_template.require_shown(tokenizer)
        except ModelError:
            refused.add(file.stem.removesuffix("_training"))
    assert refused <= OF_PARTS


def test_channels_whose_marks_are_special_tokens(tiny: Path, tmp_path: Path) -> None:
    model = model_with(tiny, tmp_path / "m", harmony(), special=CHANNELS)
    cut = model.response_of(
        ids_of(model, "<|channel|>analysis<|message|>We guess \\boxed{4}, let me check")
    )
    assert (cut.reply, cut.finish_reason) == ("", FinishReason.unclosed_thinking)
    assert Correct()([FOUR], [cut])[0].score is None
    end = model.tokenizer.convert_tokens_to_ids("<|return|>")
    assert end in model.eos
    whole = model.response_of(
        [
            *ids_of(model, "<|channel|>analysis<|message|>maybe \\boxed{5}<|end|>"),
            *ids_of(model, "<|start|>assistant<|channel|>final<|message|>\\boxed{4}"),
            end,
        ]
    )
    assert (whole.thinking, whole.reply) == ("maybe \\boxed{5}", "\\boxed{4}")
    assert Correct()([FOUR], [whole])[0].score == 1
    bare = model.response_of([*ids_of(model, "<|channel|>final<|message|>\\boxed{4}"), end])
    assert (bare.thinking, bare.reply) == (None, "\\boxed{4}")


@pytest.mark.parametrize(
    ("opens", "closes"), [("<|START_THINKING|>", "<|END_THINKING|>"), ("[THINK]", "[/THINK]")]
)
def test_known_marks_that_are_special_tokens_of_any_template(
    tiny: Path, tmp_path: Path, opens: str, closes: str
) -> None:
    model = model_with(tiny, tmp_path / "m", TEMPLATE, special=[opens, closes])
    response = model.response_of([*ids_of(model, f"{opens}aa{closes}b"), model.eos[0]])
    assert (response.thinking, response.reply) == ("aa", "b")


def test_unknown_marks_that_are_special_tokens_are_told(tiny: Path, tmp_path: Path) -> None:
    special = ["<|ponder|>", "<|/ponder|>", "<|vision_start|>", "<|eot_id|>"]
    model = model_with(tiny, tmp_path / "m", TEMPLATE, special=special)
    said = ids_of(model, "<|ponder|>a<|/ponder|>b<|vision_start|><|eot_id|>")
    response = model.response_of([*said, model.eos[0]])
    assert response.reply == "<|ponder|>a<|/ponder|>b"
    assert unknown_mark(response.reply) == "<|ponder|>"


def test_marks_that_the_user_named(tiny: Path, tmp_path: Path) -> None:
    named = ThinkingPolicy("<ponder>", "</ponder>")
    model = model_with(tiny, tmp_path / "m", TEMPLATE, thinking=named)
    response = model.response_of([*ids_of(model, "<ponder>a</ponder>b"), model.eos[0]])
    assert (response.thinking, response.reply) == ("a", "b")
    known = model.response_of([*ids_of(model, "<think>a</think>b"), model.eos[0]])
    assert (known.thinking, known.reply) == ("a", "b")
    opened = model_with(tiny, tmp_path / "opened", chat(opens="<ponder>\n"), thinking=named)
    assert opened.thinking == ThinkingPolicy("<ponder>", "</ponder>", prefilled=True)


def test_the_token_that_ends_a_turn_ends_a_reply(tiny: Path, tmp_path: Path) -> None:
    """As saved by trainers that leave the base's <|endoftext|> as the end of a chat model."""
    other = "<|endoftext|>"
    folder = copy_of(
        tiny,
        tmp_path / "m",
        tokenizer_config={"eos_token": other},
        generation_config={"eos_token_id": 0},
        config={"eos_token_id": 0},
    )
    model = HfModel(str(folder), use_cache=False)
    assert model.tokenizer.eos_token == other
    end = SPECIAL.index("<|im_end|>")
    assert model.eos == (0, end)
    assert model.fingerprint()["eos"] == [0, end]
    drawn = Sampling(max_tokens=40, temperature=3.0)
    replies = model.sample([[{"role": "user", "content": "it is"}]], drawn, n=40)[0]
    ended = [reply for reply in replies if end in (reply.ids or ())]
    assert ended, "at this temperature some reply should end"
    for reply in ended:
        assert (reply.ids or ()).index(end) == len(reply.ids or ()) - 1
        assert "<|im_end|>" not in reply.raw
        assert reply.finish_reason is not FinishReason.truncated


@pytest.mark.parametrize(
    ("template", "end"),
    [
        (chat(), "<|im_end|>"),
        (chat(CONTENT + "\n"), "<|im_end|>"),
        (chat() + "{% if not add_generation_prompt %}<|endoftext|>{% endif %}", "<|im_end|>"),
        ("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}", None),
        ("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} END<|im_end|>{% endfor %}", None),
        ("{{ raise_exception('no chats of two') if messages|length > 1 }}", None),
    ],
)  # fmt: skip
def test_which_token_ends_a_turn(tiny: Path, template: str, end: str | None) -> None:
    tokenizer = HfModel(str(tiny)).tokenizer
    tokenizer.chat_template = template
    wanted = None if end is None else SPECIAL.index(end)
    assert chat_template.end_of_turn(tokenizer, (0,)) == wanted
    assert chat_template.end_of_turn(tokenizer, (0, SPECIAL.index("<|im_end|>"))) is None
