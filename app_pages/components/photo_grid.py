"""Many photos at once: look over them, choose one or some, and judge them by keyboard."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app_pages.components.own_component import own_component
from app_pages.components.press_log import acted_on, log_reader
from har_core.runs.verdicts import kinds
from har_core.viz.colors import PRIMARY, SECONDARY

_component = own_component(
    "photo_grid",
    '<div class="bar"></div><div class="grid" role="listbox" aria-multiselectable="true" tabindex="0"></div>',
)

_pictures = own_component("photo_grid_pictures", "<span hidden></span>")


@dataclass(frozen=True)
class Tile:
    """A photo of the grid.

    `picture` and `heat`: JPEGs of the photo and of the photo with the evidence; None if there is none.  `title`: one line
    below it.  `verdict`: what was judged already.  `mark`: why it deserves a look; both empty if there is nothing.  `correct`:
    whether label and prediction are the same, so that there are other verdicts.
    """

    sample: str
    picture: bytes | None
    heat: bytes | None
    title: str
    verdict: str = ""
    mark: str = ""
    correct: bool = False


@dataclass(frozen=True)
class Actions:
    """What a grid does; called outside a run of the page, so they look into nothing of the session's.

    `show`: a photo was chosen.  `judge`: photos were given the verdict at a place.  `undo`: the last change is to be undone.
    `open`: a photo is to be seen in full.  None: not possible.
    """

    show: Callable[[str], object]
    judge: Callable[[Sequence[str], int], object] | None = None
    undo: Callable[[], Sequence[str]] | None = None
    open: Callable[[str], object] | None = None


def photo_grid(
    tiles: Sequence[Tile],
    *,
    key: str,
    current: str | None,
    actions: Actions,
    finish: Callable[[], object],
    label: str,
    around: tuple[str | None, str | None] = (None, None),
    undoable: bool = False,
    height: int | None = None,
) -> None:
    """Draw the photos and listen.

    Arrows move, Shift and Ctrl with a click choose several, digits judge what is chosen and go on, U undoes, H shows the
    evidence, Enter opens.

    Args:
        current: the photo that is shown beside the grid.
        finish: called when presses have been acted on, to put the outcome into the session.
        label: what these photos are, for who cannot see them.
        around: the photos before the first tile and after the last one, to which the arrows and verdicts go on.
        undoable: whether there is something to undo already.
        height: of the grid in pixels, beyond which it scrolls.
    """

    def act(presses: list[str]) -> Callable[[], object]:
        for press in presses:
            _act(json.loads(press), actions)
        return finish

    pressed = log_reader(key, act)

    def act_on_all() -> None:
        pressed(told=True)

    data: dict[str, Any] = {
        "tiles": [
            {
                "id": tile.sample,
                "title": tile.title,
                "verdict": tile.verdict,
                "mark": tile.mark,
                "correct": tile.correct,
            }
            for tile in tiles
        ],
        "verdicts": [list(kinds(correct=False)), list(kinds(correct=True))],
        "judges": actions.judge is not None,
        "opens": actions.open is not None,
        "undoable": undoable and actions.undo is not None,
        "key": key,
        "current": current,
        "around": list(around),
        "acted": list(acted_on(key)),
        "label": label,
        "height": height,
        "colors": [PRIMARY, SECONDARY],
    }
    pictures = {tile.sample: [_encoded(tile.picture), _encoded(tile.heat)] for tile in tiles}
    _pictures(key=f"{key}-pictures", data={"key": key, "pictures": pictures}, height=1)
    _component(key=key, data=data, on_log_change=act_on_all)
    if pressed(told=False):  # what a run that was broken off has left to do
        st.rerun()


def _act(press: dict[str, Any], actions: Actions) -> None:
    what = press.get("act")
    if what == "show":
        actions.show(str(press["sample"]))
    elif what == "judge" and actions.judge is not None:
        actions.judge([str(sample) for sample in press["samples"]], int(press["place"]))
    elif what == "undo" and actions.undo is not None:
        if samples := actions.undo():
            actions.show(samples[0])  # to be judged again
    elif what == "open" and actions.open is not None:
        actions.open(str(press["sample"]))


def _encoded(picture: bytes | None) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}" if picture else ""
