"""What a rule of a profile is: it looks at one item, or at all items of an element together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.run import Where

ItemRule: TypeAlias = Callable[[Item, ProfileRun], None]
"""Checks one item."""

ItemsRule: TypeAlias = Callable[[Sequence[Item], Where, ProfileRun], None]
"""Checks all items of an element in one object: the items, where the element is, the run."""
