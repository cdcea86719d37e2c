r"""How is a reply put into a prompt without becoming part of it? In slots and fences.

A prompt is a text file in `prompts/` with slots such as `{question}`. All slots are filled in one
pass, so a value is never read as a slot. Untrusted text stands inside a fence whose name is a hash
of the text, so it cannot close its own fence.
"""

import hashlib
import re
from functools import cache
from importlib.resources import files

from twofold.errors import ScoringError

SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
N_TAG = 8  # hex digits in the name of a fence


def filled(template: str, **values: str) -> str:
    """The template with each slot replaced by its value.

    Raises:
        ScoringError: If a slot has no value, or a value no slot.
    """
    slots = set(SLOT.findall(template))
    if missing := sorted(slots - values.keys()):
        raise ScoringError(f"the prompt has slots without a value: {', '.join(missing)}; give each")
    if extra := sorted(values.keys() - slots):
        raise ScoringError(
            f"the prompt has no slot for {', '.join(extra)}; write {{{extra[0]}}} where it belongs, "
            "or leave the value out"
        )
    return SLOT.sub(lambda slot: values[slot[1]], template)


def fenced(text: str, label: str = "text") -> str:
    r"""Untrusted text between two marks that do not occur in it.

    The mark is derived from the text by SHA-256, so equal texts give equal prompts and an author
    cannot know the mark in advance. If the text contains the mark all the same, another one is
    drawn.
    """
    folded = text.casefold()
    tag, salt = "", 0
    while not tag or tag in folded:
        content = f"{salt}\n{text}".encode("utf-8", "surrogatepass")
        tag = hashlib.sha256(content).hexdigest()[:N_TAG]
        salt += 1
    return f"<{label}-{tag}>\n{text}\n</{label}-{tag}>"


def prompt(name: str) -> str:
    """The template in `prompts/NAME.txt`, without its final newline.

    Raises:
        ScoringError: If there is none of that name; the message lists the names.
    """
    texts = prompts()
    if name not in texts:
        raise ScoringError(f"no prompt {name!r}; there is {', '.join(texts)}")
    return texts[name].rstrip("\n")


@cache
def prompts() -> dict[str, str]:
    """The texts in `prompts/` by name, in alphabetical order."""
    folder = files("twofold.judges").joinpath("prompts")
    found = sorted((each.name, each) for each in folder.iterdir() if each.name.endswith(".txt"))
    return {name.removesuffix(".txt"): each.read_text("utf-8") for name, each in found}
