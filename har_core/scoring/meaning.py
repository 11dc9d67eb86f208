"""A label as lists and tables write it → the class of a model that it means."""

from __future__ import annotations

from collections.abc import Sequence

from har_core.errors import DataError
from har_core.files import printable
from har_core.imports.labels import is_number
from har_core.runs.class_names import class_key


class Meaning:
    """A class's name in any spelling means it, other labels mean themselves.

    Whole numbers are places in `classes` if none of these is called by a number, as `har-lens import --classes` takes them; -1 is no
    label.

    Args:
        classes: names in the order of the model's outputs.
        places: whether numbers may be places; names of folders are none.
    """

    def __init__(self, classes: Sequence[str], *, places: bool = True) -> None:
        self.classes, self.places = classes, places and not any(map(is_number, classes))
        self._known = {class_key(name): name for name in classes} | {name: name for name in classes}
        self._name, self._number = "", ""

    def __call__(self, text: str) -> str | None:
        """The class, another label, or none.

        Raises:
            DataError: if a number is no place, or there were both numbers and names.
        """
        found = self._known.get(text) or self._known.get(class_key(text))
        if not self.places:
            return found or text
        if found is not None or not is_number(text):
            self._name = self._name or text
        else:
            self._number = self._number or text
        if self._name and self._number:
            raise DataError(
                f"expected names of classes, or their places, as labels, found both ({printable(self._name)[:40]} and {self._number}); "
                "write all as names"
            )
        if not self._number:
            return found or text
        number = int(float(text))
        if number == -1:
            return None
        if not 0 <= number < len(self.classes):
            raise DataError(
                f"expected numbers from 0 to {len(self.classes) - 1} as labels, the places of the model's classes, found {number}; write "
                "names of classes, or leave the column out"
            )
        return self.classes[number]
