"""How does the tokenizer of a GGUF file cut a text before it merges bytes into tokens?

The file has a name for it, `tokenizer.ggml.pre`, and nothing else. transformers knows some of the names and
silently cuts all others as GPT-2 does, which gives other tokens, of digits and spaces above all. So a name
that nobody here knows is an error.
"""

from pathlib import Path
from typing import Any

from twofold.errors import ModelError
from twofold.models.gguf_header import Header

MODEL, PRE = "tokenizer.ggml.model", "tokenizer.ggml.pre"

# The tokenizers that cut a text first; the others (sentencepiece, unigram) do not.
_BYTE_LEVEL = "gpt2"

# Names of GPT-2's own cut, which is what transformers does with a name that it does not know.
_AS_GPT2 = {
    *(
        "gpt-2",
        "phi-2",
        "jina-es",
        "jina-de",
        "jina-v1-en",
        "jina-v2-es",
        "jina-v2-de",
        "jina-v2-code",
    ),
    *(
        "roberta-bpe",
        "gigachat",
        "a.x-4.0",
        "mellum",
        "modern-bert",
        "exaone4",
        "mpt",
        "olmo",
        "jais",
    ),
}

# Names of this cut: every digit alone, then GPT-2's.
_DIGITS_ALONE = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"}

# Names of vocabularies in which a word that is a token stays whole, even where merges do not lead to it.
_WORDS_WHOLE = {
    *("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"),
    *("jina-v5-nano", "tekken"),
}

_OTHERWISE = (
    "update transformers (pip install -U transformers), take a newer conversion of the model that has a "
    "known name, name the folder or hub id of its safetensors, or serve the file "
    "(`llama-server -m FILE --jinja`) and give the server's address as the model"
)


def cut_as_told(source: Path, header: Header, tokenizer: Any) -> None:
    """Make the tokenizer that transformers read from `source` cut texts as the file says.

    Raises:
        ModelError: If the file does not say, or nobody here knows what it says.

    Source:
        The names and what they mean: https://github.com/ggml-org/llama.cpp, src/llama-vocab.cpp.
    """
    if header.settings.get(MODEL) != _BYTE_LEVEL:
        return
    name = str(header.settings.get(PRE, ""))
    backend = tokenizer.backend_tokenizer
    if name in _DIGITS_ALONE:
        from tokenizers import pre_tokenizers

        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
    elif name not in _AS_GPT2 and name not in _known_to_transformers():
        said = (
            f"as {name!r:.40}, which is not known here"
            if name
            else "in a way that it does not name"
        )
        raise ModelError(f"{source} cuts texts into words {said}; {_OTHERWISE}")
    backend.model.ignore_merges = name in _WORDS_WHOLE


def _known_to_transformers() -> frozenset[str]:
    """The names whose cut transformers makes itself; in its older releases nobody can say."""
    try:
        from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS
    except ImportError:
        return frozenset()
    return frozenset(GGUF_PRE_TOKENIZER_SPLITS)
