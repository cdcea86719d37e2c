"""What does a reader of a reply see? Its text, however it was encoded and whatever a file kept of it.

The `fixed` rules judge this text, so a form of an accent, a byte-order mark, a no-break space or an
end-of-turn token that was saved with the reply cannot change a verdict.
"""

import re
import unicodedata
from functools import lru_cache

# Default-ignorable signs: a page shows nothing for them. Joiners and variation selectors change the
# letter beside them, so they stay here (`constraints.words.fold` ignores them too).
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
)
_HIDDEN = re.compile(f"[{_INVISIBLE}]+")
_LINE_END = re.compile("\r\n?|[\u0085\u2028]")
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
# At an end they join and select nothing. Control characters are left: JSON refuses them.
_AT_ENDS = "\u200c\u200d\ufe0e\ufe0f \t\n\v\f\r"

# What a page of markdown does not show, outside of code: comments, where a link leads, and lines that say
# where links lead. A target has letters, so that an index or a product stays.
_CODE = r"(?P<code>```.*?(?:```|\Z)|`[^`\n]+`)"
_COMMENT = r"<!--(?:(?!<!--).)*?-->"
_TITLE = r"""(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?"""
_LINK = (
    r"(?<![\w\\\]])(?P<text>!?\[[^\[\]\n]*\])"
    rf"\((?=[^\s()]*[A-Za-z]{{2}})[^\s()<>]*{_TITLE}[ \t]*\)"
)
_LEADS = r"^[ ]{0,3}\[[^\]\n]+\]:[ \t]*(?:#[ \t]*[\"'(\n]|<|https?://)[^\n]*"
_UNSHOWN = re.compile(rf"{_CODE}|{_COMMENT}|{_LINK}|{_LEADS}", re.DOTALL | re.MULTILINE)
_OPEN_COMMENT = re.compile(rf"{_CODE}|^[ \t]*<!--", re.DOTALL | re.MULTILINE)

# The signs by which chat templates and tokenizers delimit turns and texts: the family `<|name|>`
# (ChatML, Llama 3, Phi, GPT-2, Cohere; DeepSeek with full-width bars), then the others by name.
_TOKEN = (
    r"(?:<[|｜]?[^\s<>|｜]{1,40}[|｜]>|\[\|\w{1,40}\|\]|</?s>|\[/?(?:INST|EOS|BOS|PAD)\]"
    r"|<extra_id_\d+>|<0x[0-9A-F]{2}>|</?(?:unk|eop|eos|bos|pad|eot|eod|eom|sep|endoftext|end_of_text|begin_of_text|end_of_turn"
    r"|start_of_turn|end_of_utterance|end_of_sentence|end_of_message|EOT|EOS|PAD|SEP)>)"
)
# A role's name is one where nothing follows on its line: a header without a reply is no word.
_ROLE = rf"(?:(?:assistant|model|final)(?=[^\S\n]*(?:\n|\Z)|{_TOKEN}))?"
_HEAD = re.compile(rf"\s*(?:{_TOKEN}{_ROLE}[{_AT_ENDS}]*)+")
_MARK_AT_END = re.compile(rf"{_TOKEN}\Z")


@lru_cache(maxsize=32)
def seen(text: str) -> str:
    r"""`text` as a reader sees it: composed letters, plain spaces and line ends, nothing invisible.

    Special tokens at either end (`</s>`, `<|im_end|>`, a role's header) are not part of the reply, nor are
    comments and the targets of links.

    Example:
        >>> seen('\ufeff{"a":\u00a04}<|im_end|>\n'), seen("<s>cafe\u0301</s>")
        ('{"a": 4}', 'café')
        >>> seen("It is [four](https://four.example).<!-- river -->")
        'It is [four]().'
    """
    return _without_tokens(_visible(text))


@lru_cache(maxsize=32)
def keeps_tokens(text: str) -> bool:
    """Whether a special token stands at an end of `text`, which `seen` removes.

    Example:
        >>> keeps_tokens("It is 4.</s>"), keeps_tokens("It is 4.")
        (True, False)
    """
    visible = _visible(text)
    return _HEAD.match(visible) is not None or _ends_in_token(visible)


def _visible(text: str) -> str:
    if "\r" in text or not text.isascii():
        text = _HIDDEN.sub("", unicodedata.normalize("NFC", text))
        text = _LINE_END.sub("\n", text).replace("\u2029", "\n\n")
        text = _SPACE.sub(" ", text)
    if "<!--" in text or "](" in text or "]:" in text:
        text = _UNSHOWN.sub(_shown, text)
        opened = (each.start() for each in _OPEN_COMMENT.finditer(text) if not each["code"])
        closed = text.rfind("-->")
        text = text[: next((start for start in opened if start > closed), None)]
    return text.strip(_AT_ENDS)


def _shown(found: re.Match[str]) -> str:
    """What a page shows of it."""
    parts = found.groupdict()
    return parts["code"] or (f"{parts['text']}()" if parts["text"] else "")


def _without_tokens(text: str) -> str:
    if found := _HEAD.match(text):
        text = text[found.end() :]
    while _ends_in_token(text):
        text = text[: text.rindex("<" if text.endswith(">") else "[")].rstrip(_AT_ENDS)
    return text


def _ends_in_token(text: str) -> bool:
    """Whether the last word is a special token; looks at the end alone, since replies may be long."""
    return _MARK_AT_END.search(text[-50:]) is not None
