"""Is the greedy answer the own one? Every way in which a network may go on, worked out by hand."""

import numpy as np
import pytest

from twofold.diagnostics.chain.elicit import Asker
from twofold.diagnostics.chain.trace import Chain
from twofold.prefix_scoring import Scored
from twofold.types import OpenModel

TOKENS = [
    "<pad>",
    "1",
    "2",
    "12",
    "12}",
    "}",
    "}.",
    " ",
    " 12",
    "km",
    "0",
    "/",
    "\\frac",
    "s",
    "south",
]
TOKENS += [
    "south}",
    "outh",
    "east",
    " apples",
    "%",
    "<think>",
    "Add.",
    "</think>",
    "[/THINK]",
    "\n",
    ".",
]


class Spelling:
    """The longest token that fits comes first."""

    def __len__(self):
        return len(TOKENS)

    def __call__(self, text, add_special_tokens):
        ids = []
        while text:
            token = max((t for t in TOKENS if text.startswith(t)), key=len)
            ids.append(TOKENS.index(token))
            text = text[len(token) :]
        return type("Encoding", (), {"input_ids": ids})

    def decode(self, ids):
        return "".join(TOKENS[i] for i in ids)


class Named(OpenModel):
    network = property(lambda self: None)
    tokenizer = property(lambda self: Spelling())
    spec = property(lambda self: "named")

    def decode(self, ids):
        return Spelling().decode(ids)

    def render(self, chat):
        return "?"

    def fingerprint(self):
        return {}

    def stream(self, *args, **kwargs):
        raise NotImplementedError

    continued = stream


def said(answer, *greedy):
    ids = [TOKENS.index(token) for token in greedy]
    return Asker(Named()).same(Scored(np.zeros(len(ids)), np.array(ids)), answer)


@pytest.mark.parametrize(
    ("answer", "greedy", "wanted"),
    [
        ("12", ("12", "}"), 1),
        ("12", ("12", "}."), 1),
        ("12", ("12}", "}"), 1),  # the answer and the brace in one token
        ("12", ("1", "}"), None),  # 1 and then 2 would be the same answer in other tokens
        ("12", (" 12", "}"), None),  # a blank before it
        ("12", (" ", "}"), None),
        ("12", ("\\frac", "}"), None),
        ("12", ("2", "}"), 0),
        ("12", ("0", "}"), 0),
        ("12", ("12", "0"), 0),  # 120
        ("12", ("12", "/"), 0),
        ("12", ("12", "km"), None),  # 12km, or 12 apples: perhaps the same
        ("12", ("12", " apples"), None),
        ("12", ("12", "%"), None),
        ("south", ("south", "}"), 1),
        ("south", ("s", "}"), None),
        ("south", ("east", "}"), 0),
        ("south", ("south", "east"), 0),
    ],
)
def test_the_same_another_or_unsure(answer, greedy, wanted):
    assert said(answer, *greedy) == wanted


@pytest.mark.parametrize("tag", ["</think>", "[/THINK]"])
def test_another_models_tokens_close_the_thought_with_the_tag_that_is_there(tag):
    raw = f"Add.{tag}\n12"
    chain = Chain(
        prompt=(1,),
        ids=(9, 9),
        cuts=(0, 2),
        places=(0, 4),
        closing=(7,),
        between=f"{tag}\n",
        answer="12",
        n_steps=1,
        raw=raw,
    )
    found = Asker(Named()).translated(chain, "12")
    assert Spelling().decode(found.ids) == "Add." and found.texts == ["Add."]
    assert Spelling().decode(found.closing) == f"{tag}\n"
    assert found.prompt == (TOKENS.index("12"),)
