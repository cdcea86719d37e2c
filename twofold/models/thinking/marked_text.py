"""Where in a text do thoughts open and close?"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, final

from twofold.models.thinking.marks import (
    Mark,
    ThinkingPolicy,
    listed_in,
    mark_at,
    marks_in,
    pair_of,
    style_of,
)

# A fence, at the start of a line or right behind a mark.
_FENCE = re.compile(r"(?:^ {0,3}|(?<=[>\]▷]))(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_QUOTES = {"`": "`", '"': '"', "“": "”"}  # an apostrophe opens nothing


@final
class Place(NamedTuple):
    """A mark at `start`, behind which a thought begins at `end`; `is_named`: the text opens it."""

    start: int
    end: int
    policy: ThinkingPolicy
    is_named: bool = True


@final
class MarkedText:
    """A text, and where its thoughts open and close."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._listed = listed_in(raw)

    def first(self, policy: ThinkingPolicy) -> Place | None:
        """Where the first thought begins, by the marks of `policy` or any known ones; None = nowhere."""
        head = self._head(0)
        if policy.prefilled:
            again = style_of(policy).opens.match(self.raw, head)
            return Place(0, again.end() if again else 0, policy, is_named=again is not None)
        opened, closed = self._by_grammar()
        own = [] if policy == ThinkingPolicy() else [policy]
        for each in (*own, *self._listed):
            opened = _earlier(opened, self._opening(each))
            if style_of(each).closes_alone and (close := self.closing(0, each)):
                closed = _earlier(closed, Place(close.start(), close.end(), each))
        if closed is None or (opened is not None and opened.start <= closed.start):
            return opened
        named = style_of(closed.policy).opens.search(self.raw, 0, closed.start)
        start = named.end() if named else 0
        return Place(0, start, closed.policy, is_named=named is not None)

    def further(self, at: int, policy: ThinkingPolicy) -> Place | None:
        """Where the next thought begins, behind one that ended at `at`.

        Directly behind, any known mark opens one.
        """
        head = self._head(at)
        for each in (policy, *self._listed):
            if style_of(each).is_sure and (found := style_of(each).opens.match(self.raw, head)):
                return Place(head, found.end(), each)
        mark = mark_at(self.raw, head)
        if mark is not None and mark.is_thought and not mark.closes:
            place = self._opened_by(mark)
            if mark.is_sure or self._is_followed(place):
                return place
        return self._at_line(policy, at) if style_of(policy).is_sure else None

    def closed_at_head(self, policy: ThinkingPolicy) -> Place | None:
        """The known closing mark at the head of the text; its `end` is where the text goes on."""
        head = self._head(0)
        mark = mark_at(self.raw, head)
        if mark is not None and mark.is_thought and mark.closes:
            return Place(head, mark.end, pair_of(mark))
        for each in (policy, *self._listed):
            found = style_of(each).closes.match(self.raw, head)
            if found is not None and style_of(each).closes_alone:
                return Place(head, found.end(), each)
        return None

    def closing(self, at: int, policy: ThinkingPolicy) -> "re.Match[str] | None":
        """The first mark from `at` on that closes a thought of `policy` and is no mention."""
        closes = style_of(policy).closes.finditer(self.raw, at)
        return next((m for m in closes if not self._is_mention(m.start(), m.end(), policy)), None)

    def _is_mention(self, start: int, end: int, policy: ThinkingPolicy) -> bool:
        """Whether a closing mark is quoted, alone or in a fenced block with its opening mark."""
        if self._is_quoted(start, end):
            return True
        fence = self._fence_around(start)
        return fence is not None and bool(style_of(policy).opens.search(self.raw, fence[0], start))

    def _opening(self, policy: ThinkingPolicy) -> Place | None:
        """The first mark of `policy` that opens a thought."""
        if style_of(policy).is_sure:
            return self._at_line(policy, 0)
        head = self._head(0)
        found = style_of(policy).opens.match(self.raw, head)
        return Place(head, found.end(), policy) if found else None

    def _at_line(self, policy: ThinkingPolicy, at: int) -> Place | None:
        """The first mark of `policy` at the start of a line from `at` on, outside of fenced blocks."""
        for found in style_of(policy).opens.finditer(self.raw, at):
            if self._starts_line(found.start()) and not self._fence_around(found.start()):
                return Place(found.start(), found.end(), policy)
        return None

    def _by_grammar(self) -> tuple[Place | None, Place | None]:
        """The first mark with a thought's name, if it opens one, and if it closes one."""
        seen: set[tuple[str, ...]] = set()
        for mark in marks_in(self.raw):
            if not mark.is_thought:
                seen.add(())
            elif mark.closes:
                own = mark.is_sure or mark.core not in seen
                if own and not self._is_mention(mark.start, mark.end, pair_of(mark)):
                    return None, Place(mark.start, mark.end, pair_of(mark))
            elif self._opens(mark, alone=not seen):
                return self._opened_by(mark), None
            else:
                seen.add(mark.core)
        return None, None

    def _opens(self, mark: Mark, *, alone: bool) -> bool:
        """Whether a mark with a thought's name opens one; `alone`: there is no mark before it.

        A name that XML elements have too opens one where no markup precedes it and a reply can follow.
        """
        if not self._starts_line(mark.start) or self._fence_around(mark.start):
            return False
        if mark.is_sure or not self.raw[: mark.start].strip():
            return True
        return alone and self._is_followed(self._opened_by(mark))

    def _opened_by(self, mark: Mark) -> Place:
        """The thought that a mark opens; the text shows which mark closes it."""
        policy = pair_of(mark)
        if self.closing(mark.end, policy) is None:
            same = (m for m in marks_in(self.raw, mark.end) if m.closes and m.left == mark.left)
            close = next((m for m in same if m.core == mark.core), None)
            policy = policy if close is None else replace(policy, close_tag=close.text)
        return Place(mark.start, mark.end, policy)

    def _is_followed(self, place: Place) -> bool:
        """Whether the thought does not end, or text follows it."""
        close = self.closing(place.end, place.policy)
        return close is None or bool(self.raw[close.end() :].strip())

    def _head(self, at: int) -> int:
        """The first position from `at` on that is not blank."""
        found = re.compile(r"\s*").match(self.raw, at)
        return found.end() if found else at

    def _starts_line(self, at: int) -> bool:
        """Whether nothing but blanks precedes `at` in its line."""
        return not self.raw[self.raw.rfind("\n", 0, at) + 1 : at].strip()

    def _is_quoted(self, start: int, end: int) -> bool:
        """Whether a mark stands directly in quotation marks that open before it."""
        before = self.raw[start - 1 : start]
        if before not in _QUOTES or self.raw[end : end + 1] != _QUOTES[before]:
            return False
        line = self.raw[self.raw.rfind("\n", 0, start) + 1 : start]
        return before != _QUOTES[before] or line.count(before) % 2 == 1

    def _fence_around(self, at: int) -> tuple[int, int] | None:
        """The fenced block around `at`, if it ends."""
        return next((fence for fence in self._fences if fence[0] < at < fence[1]), None)

    @cached_property
    def _fences(self) -> list[tuple[int, int]]:
        return [*_fences(self.raw)]


def _fences(raw: str) -> Iterator[tuple[int, int]]:
    """Start and end of every fenced block that is closed."""
    opened: re.Match[str] | None = None
    for line in _FENCE.finditer(raw):
        if opened is None:
            opened = line
        elif line[1].startswith(opened[1]) and not line[2].strip():
            yield opened.start(), line.end()
            opened = None


def _earlier(one: Place | None, other: Place | None) -> Place | None:
    """The one that starts first."""
    if one is None or other is None:
        return one or other
    return other if other.start < one.start else one
