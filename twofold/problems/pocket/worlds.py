"""What can happen in the pocket world? Four things with a few states and moves each.

A move maps each state to another, so a world is a small table of facts, and a problem chains a few of
them. The tables are small on purpose: in a prototype with two-digit sums, fine-tuning overwrote the
memorised table (46 to 6 % accuracy under RL); composing few facts survives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class World:
    """A thing with a few states, and for each move where it takes each state (positions in `states`).

    `told` and `asked` are templates with `{name}`, `{thing}` and `{state}`.
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


def _ring(n_states: int, up: str, down: str, most: int) -> dict[str, tuple[int, ...]]:
    """The moves by 1 to `most` up and down a ring of states."""
    ways = [(way, sign, n) for way, sign in ((up, 1), (down, -1)) for n in range(1, most + 1)]
    return {way.format(n): _shift(n_states, sign * n) for way, sign, n in ways}


DIAL = World(
    "dial",
    tuple("0123456789"),
    _ring(10, "up {}", "down {}", 5),
    "turn",
    "{name}'s {thing} shows {state}.",
    "What does the {thing} show?",
    ("dial", "knob", "wheel"),
)

WEEK = World(
    "week",
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    _ring(7, "{} on", "{} back", 3),
    "go",
    "{name}'s {thing} says {state}.",
    "Which day does the {thing} say?",
    ("calendar", "watch", "diary"),
)

COMPASS = World(
    "compass",
    ("north", "east", "south", "west"),
    {"right": _shift(4, 1), "around": _shift(4, 2), "left": _shift(4, 3)},
    "steer",
    "{name}'s {thing} faces {state}.",
    "Where does the {thing} face?",
    ("robot", "boat", "drone"),
)

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
