"""What people call their runs: names in any script, each of them a folder's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from har_core.errors import RunError
from har_core.files import as_written, printable
from har_core.runs.class_names import can_be_shown

MAX_BYTES = 255
"""Of a name in UTF-8: file systems take no more."""

_SHOWN = 60  # characters of a name that is refused


def run_name(given: str, taken: Iterable[str] = ()) -> str:
    """A new run's name as somebody has written it: without spaces around it, composed (NFC), so that it is the same on every system.

    Args:
        taken: names of other runs; it must differ from them in more than case.

    Raises:
        RunError: if no folder can have that name everywhere, it could not be shown, would be hidden, or is taken.
    """
    name = unicodedata.normalize("NFC", given.strip())
    shown = as_written if can_be_shown(name) else printable
    found = shown(name[:_SHOWN]) + ("…" if len(name) > _SHOWN else "")
    if not name or not can_be_shown(name) or name.startswith(".") or set(name) & set("/\\"):
        raise RunError(
            "expected a name of letters, digits, spaces and signs, without tabs and the like, / and \\, that does not begin with a dot, found "
            f"'{found}'; choose another"
        )
    if (size := len(name.encode())) > MAX_BYTES:
        raise RunError(
            f"expected a name of at most {MAX_BYTES} bytes in UTF-8, found '{found}' of {size:,}; choose a shorter one"
        )
    other = next((one for one in taken if _key(one) == _key(name)), None)
    if other is not None:
        raise RunError(f"expected a new name, found that a run is called '{as_written(other)}' already; choose another")
    return name


def _key(name: str) -> str:
    """Caseless matching of canonical equivalents (Unicode, section 3.13)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
