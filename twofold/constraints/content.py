"""Constraint family (under construction)."""

from __future__ import annotations

from twofold.types import Constraint

FAMILY: tuple[type[Constraint], ...] = ()
