"""What looks like the mark of a thought, and is none that is known?

Such a reply is judged as it stands, since it may be what was asked for. So it has to be told.
"""

import re

from twofold.models.thinking.marks import Mark, mark_at, marks_in

# Elements of HTML, SVG and MathML, with which a reply may begin.
_ELEMENTS = """
a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption center
cite code col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption
figure font footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label
legend li link main map mark menu meta meter nav noscript object ol optgroup option output p param
picture pre progress q rp rt ruby s samp script search section select slot small source span strike
strong style sub summary sup table tbody td template textarea tfoot th thead time title tr track tt u
ul var video wbr svg g path circle rect line text math mi mn mo mrow mfrac msup xml
"""
# Words in names of what is asked for, and in those of turns of a chat.
_REPLY_WORDS = "answer response output final result solution reply json"
_CHAT_WORDS = """
im bos eos pad unk cls sep mask s inst sys system user human assistant model bot chatbot turn header id
eot eom text message channel token tool tools function call return image vision fim reserved
"""
_MARKUP = frozenset(_ELEMENTS.split())
_REPLIES = frozenset(_REPLY_WORDS.split())
_CHAT = frozenset(_CHAT_WORDS.split())
_BARE = re.compile(r"\s*(thought|think|thinking|analysis)[^\S\n]*\n")
_FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)


def unknown_mark(reply: str) -> str:
    """The mark in a reply that looks like that of a thought; "" if there is none.

    It opens the reply, and is closed before the rest or not at all; or it closes what nothing opened.
    Elements of HTML, names of replies and of turns, quoted marks and code do not count, and neither does
    markup around all of the reply or after more markup.

    Example:
        >>> unknown_mark("<ponder>2+2 is 4.</ponder>4"), unknown_mark("<p>4</p>And more.")
        ('<ponder>', '')
    """
    if bare := _BARE.match(reply):
        return bare[1]
    start = len(reply) - len(reply.lstrip())
    first = mark_at(reply, start)
    if first is not None and not first.closes and (is_strange(first) or first.names_a_thought):
        close = _position(first.other, reply, first.end)
        if close is None:
            return first.text if first.left != "[" else ""
        rest = reply[close + len(first.other) :].lstrip()
        follows = mark_at(rest)
        is_markup = rest.startswith("<") and not (follows and _REPLIES & {*follows.words})
        return first.text if rest and not is_markup else ""
    if first is not None or "</" not in reply:
        return ""
    return _orphan(_FENCED.sub("", reply))


def _orphan(reply: str) -> str:
    """The first closing tag that nothing opens, between a text and another."""
    opened: set[str] = set()
    for mark in marks_in(reply):
        if not mark.closes:
            opened.add(mark.name.lower())
        elif is_strange(mark) and mark.text.startswith("</") and mark.name.lower() not in opened:
            around = reply[mark.start - 1 : mark.start] + reply[mark.end : mark.end + 1]
            named = re.search(rf"<{re.escape(mark.name)}[\s/>]", reply[: mark.start])
            inside = reply[: mark.start].strip() and reply[mark.end :].strip()
            if inside and not named and around not in ("``", '""', "''"):
                return mark.text
    return ""


def is_strange(mark: Mark) -> bool:
    """Whether the name of a mark is none that a reply or the format of a chat may well have."""
    if mark.left == "[" and not mark.name.isupper():
        return False
    words = {*mark.words}
    return mark.name.lower() not in _MARKUP and not words & (_CHAT | _REPLIES) and bool(words)


def _position(text: str, reply: str, at: int) -> int | None:
    found = re.compile(re.escape(text), re.IGNORECASE).search(reply, at)
    return found.start() if found else None
