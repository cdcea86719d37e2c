"""What can happen in the pocket world? Four things with a handful of states and moves each.

A move takes each state to one other, so a world is a small table of facts. A problem chains a few
of them. The tables are small on purpose: in a prototype with sums of two digits, any fine-tuning
wrote over the memorised table (46 to 6 % accuracy under RL); composing few facts survives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class World:
    """A thing with a few states.

    Args:
        name: For tags.
        states: What the thing can be, in words that can be boxed.
        moves: For each move, in words, where it takes each state: positions in `states`.
        verb: What one does with the thing.
        told: How its first state is told, with `{name}`, `{thing}` and `{state}`.
        asked: How its last state is asked for, with `{thing}`.
        things: What the thing is called, three words.
    """

    name: str
    states: tuple[str, ...]
    moves: Mapping[str, tuple[int, ...]]
    verb: str
    told: str
    asked: str
    things: tuple[str, str, str]

    def after(self, state: str, move: str) -> str:
        """The state that `move` leads to.

        Example:
            >>> COMPASS.after("north", "left"), DIAL.after("8", "up 3")
            ('west', '1')
        """
        return self.states[self.moves[move][self.states.index(state)]]


def _shift(n_states: int, by: int) -> tuple[int, ...]:
    return tuple((state + by) % n_states for state in range(n_states))


DIAL = World(
    "dial",
    tuple("0123456789"),
    {
        f"{way} {n}": _shift(10, sign * n)
        for way, sign in (("up", 1), ("down", -1))
        for n in range(1, 6)
    },
    "turn",
    "{name}'s {thing} shows {state}.",
    "What does the {thing} show?",
    ("dial", "knob", "wheel"),
)
"""Ten positions in a ring, up or down by 1 to 5: 100 facts."""

WEEK = World(
    "week",
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    {
        f"{n} {way}": _shift(7, sign * n)
        for way, sign in (("on", 1), ("back", -1))
        for n in range(1, 4)
    },
    "go",
    "{name}'s {thing} says {state}.",
    "Which day does the {thing} say?",
    ("calendar", "watch", "diary"),
)
"""Seven days, on or back by 1 to 3: 42 facts."""

COMPASS = World(
    "compass",
    ("north", "east", "south", "west"),
    {"right": _shift(4, 1), "around": _shift(4, 2), "left": _shift(4, 3)},
    "steer",
    "{name}'s {thing} faces {state}.",
    "Where does the {thing} face?",
    ("robot", "boat", "drone"),
)
"""Four directions and three ways to turn: 12 facts."""

CUPS = World(
    "cups",
    ("red", "green", "blue", "white"),
    {
        "red and green": (1, 0, 2, 3),
        "red and blue": (2, 1, 0, 3),
        "red and white": (3, 1, 2, 0),
        "green and blue": (0, 2, 1, 3),
        "green and white": (0, 3, 2, 1),
        "blue and white": (0, 1, 3, 2),
    },
    "swap",
    "{name}'s {thing} lies under {state}.",
    "Which cup hides the {thing}?",
    ("ball", "coin", "key"),
)
"""Four cups, two of which change places: 24 facts."""
