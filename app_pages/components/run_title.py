"""Names of runs that may be long, in titles and tables."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from har_core.files import as_written
from har_core.runs.run import Run
from har_core.viz.formats import escape_markdown, short_name

_LONGEST = 32


def run_title(words: Callable[..., str], *shown: Run) -> None:
    """A page's title with the names of one run or two, in short, and in full for those who point at it.

    Args:
        words: the names, in Markdown → the title.
    """
    short, full = (short_titles(*shown), [as_written(run.title) for run in shown])
    in_short, in_full = (words(*map(escape_markdown, titles)) for titles in (short, full))
    st.title(in_short, help=in_full if in_full != in_short else None)


def short_titles(*shown: Run) -> list[str]:
    """What runs are called where there is little room: by the beginning of their titles, or the end of those that begin alike.

    Those that are still the same are numbered.
    """
    titles = [run.title for run in shown]
    short = [short_name(title, _LONGEST) for title in titles]
    if len(set(short)) < len(short):
        short = [as_written(title if len(title) <= _LONGEST else f"…{title[1 - _LONGEST :]}") for title in titles]
    return [
        f"{title} ({number})" if title in short[: number - 1] else title for number, title in enumerate(short, start=1)
    ]
