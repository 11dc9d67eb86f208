"""Which names the classes of a run may have, and when two are too much alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from har_core.errors import RunError
from har_core.files import printable

MAX_NAME = 100
"""Characters of a class's name."""

_UNSEEN = dict.fromkeys([0x200C, 0x200D, *range(0xFE00, 0xFE10)])
"""Joiners and variation selectors: they have no width, and Persian, Hindi and emoji are written with them."""

_MAX_CLASSES = 1000


def check_class_names(names: Sequence[str]) -> None:
    """Stop unless a run can have classes of these names.

    Raises:
        RunError: naming what is wrong; of two that are too much alike (see `class_key`), both.
    """
    if not 1 <= len(names) <= _MAX_CLASSES:
        raise RunError(f"expected classes, 1 to {_MAX_CLASSES} of them, found {len(names):,}")
    seen: dict[str, str] = {}
    for name in names:
        if not 1 <= len(name) <= MAX_NAME or not can_be_shown(name):
            raise RunError(
                f"expected classes with names of 1 to {MAX_NAME} printable characters, found '{printable(name[:MAX_NAME])}'; "
                "rename it"
            )
        if (other := seen.get(class_key(name))) is not None:
            raise RunError(
                "expected classes whose names differ in more than case, spaces, underscores and hyphens, found "
                f"'{printable(other)}' and '{printable(name)}'; rename or merge them"
            )
        seen[class_key(name)] = name


def can_be_shown(name: str) -> bool:
    """Whether a name has no control characters and none that change the order of others; spaces of all kinds are allowed."""
    seen = name.translate(_UNSEEN)
    return bool(seen.strip() or name.isprintable()) and all(
        one.isprintable() or unicodedata.category(one) == "Zs" for one in seen
    )


def class_key(name: str) -> str:
    """What class names are compared by: without case, spaces, underscores, hyphens, joiners and variation selectors.

    These remain, all alike, where they tell numbers apart (-1 and 1, 1-0 and 10).
    """
    plain = re.sub(
        r"(^|(?<=\d))[\s_-]+(?=\d)|[\s_-]+",
        lambda found: "_" * (found[1] is not None),
        name.translate(_UNSEEN).strip().casefold(),
    )
    return unicodedata.normalize("NFC", plain)
