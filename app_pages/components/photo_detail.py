"""One photo in full: the evidence for any class, all probabilities, similar photos, and a verdict on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from PIL import Image

from app_pages.components import evidence
from app_pages.components.clip_detail import clip_detail
from app_pages.components.color_bar import difference_color_bar, heatmap_color_bar
from app_pages.components.contribution_table import contribution_table
from app_pages.components.download_photos import say_with_way
from app_pages.components.gallery import LAST_OPENED, PER_PAGE
from app_pages.components.import_note import import_note
from app_pages.components.photo_keys import NEXT, PREVIOUS, photo_keys
from app_pages.components.photo_verdict import photo_verdict
from app_pages.components.scroll_here import scroll_here
from app_pages.components.similar_photos import similar_photos
from app_pages.state import own_runs, runs, url
from app_pages.state.judging import judging, scored_subject
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdict
from har_core.viz import figures
from har_core.viz.formats import capitalize, class_label, class_markdown, escape_markdown, percent, short_labels
from har_core.viz.known_text import in_parentheses, instead_sentence, others_sentence
from har_core.viz.text import IN_HEADLINE

OPENED, ORIGIN = "errors-photo", "errors-from"
"""The session's keys of the photo that is seen in full (its sample), and of where it was opened."""

GOAL = "errors-goal"
ORIGINS = {
    "confusions": "app_pages/analysis/confusions.py",
    "compare": "app_pages/analysis/compare.py",
    "map": "app_pages/decide/map.py",
}
_MOST_BARS = 20


def photo_detail(
    run: Run,
    rows: np.ndarray,
    position: int,
    judged: dict[str, Verdict],
    *,
    origin: str | None,
    filters: dict[str, object | None],
) -> None:
    """The photo at a position of a list, with the ways to its neighbors and back to the list.

    Args:
        rows: (M,) of the run's example table, in order.
        judged: sample → verdict.
        origin: the page it was opened on, of `ORIGINS`; None for the list of errors.
        filters: of that list, as in the address.
    """
    row = int(rows[position])
    example = runs.examples(run).iloc[row]
    sample = str(example["sample"])
    scroll_here("a photo", key="photo-top", at_once=True)
    _navigation(run, rows, position, origin, filters)
    headline, in_full = (
        _headline(names, int(example["true"]), int(example["predicted"]), float(example["confidence"]))
        for names in (short_labels(run.classes, IN_HEADLINE), [class_label(name) for name in run.classes])
    )
    st.title(headline, help=in_full if in_full != headline else None)
    photo = evidence.open_stored_photo(run, row)
    left, right = st.columns([6, 5], gap="large")
    with left:
        evidence_for_any(run, row, photo)
    with right:
        photo_verdict(run, scored_subject(run, sample), judged.get(sample))
        _probabilities(run, row)
    clip_detail(run, row)
    st.divider()
    _comparison(run, row, photo)
    similar_photos(run, row)


def _headline(names: list[str], true: int, predicted: int, confidence: float) -> str:
    outcome = "predicted correctly" if predicted == true else f"predicted as {escape_markdown(names[predicted])}"
    return f"{capitalize(escape_markdown(names[true]))}, {outcome}{in_parentheses(confidence)}"


def _navigation(
    run: Run, rows: np.ndarray, position: int, origin: str | None, filters: dict[str, object | None]
) -> None:
    samples = runs.predictions(run).samples[rows].tolist()
    with st.container(horizontal=True, vertical_alignment="center"):
        if origin is None:
            st.button("Back to the list", icon=":material/arrow_back:", on_click=_close)
        else:
            cell = {name: filters[name] for name in ("true", "predicted", "both") if origin == "confusions"}
            view = url.last_view(origin, **cell) | (
                {"page": str(position // PER_PAGE + 1)} if position >= PER_PAGE and origin != "map" else {}
            )
            st.page_link(ORIGINS[origin], label="Back to the list", icon=":material/arrow_back:", query_params=view)
        photo_keys(
            key="photo-keys",
            first=position == 0,
            last=position == len(rows) - 1,
            act=lambda presses: _act(run, samples, presses),
            keys=[str(number) for number, _ in enumerate(scored_subject(run, samples[position]).verdicts, start=1)],
        )
        st.caption(f"{escape_markdown(samples[position])} · {position + 1:,} of {len(rows):,}")


def _act(run: Run, samples: list[str], presses: list[str]) -> Callable[[], object]:
    """Judge, and turn to other photos, from the photo that is open now: quick presses may have reached it before its page was
    drawn.
    """
    goal: _Goal = st.session_state.setdefault(GOAL, _Goal())
    sample = goal.sample or st.session_state[OPENED]
    judge = judging(run)
    for what in presses:
        if what in (PREVIOUS, NEXT):
            place = samples.index(sample) + (1 if what == NEXT else -1)
            sample = samples[min(max(0, place), len(samples) - 1)]
        elif judge is not None:
            judge([sample], int(what) - 1)
    goal.sample = sample
    return turn


class _Goal:
    """The photo that presses have led to, until the session knows."""

    sample: str | None = None


def turn() -> None:
    """Open the photo that presses have led to.  It may be broken off, and is then done when the page is drawn."""
    goal: _Goal | None = st.session_state.get(GOAL)
    if goal is not None and (sample := goal.sample) is not None:
        url.put(OPENED, sample)
        goal.sample = None


def _close() -> None:
    st.session_state.pop(GOAL, None)
    st.session_state[LAST_OPENED] = st.session_state[OPENED]
    url.put(OPENED, None)


def evidence_for_any(run: Run, row: int, photo: Image.Image | None, *, offers_photos: bool = True) -> None:
    """The photo with the evidence for the class that is chosen, at first the predicted one.

    Args:
        offers_photos: whether to offer the photos, if this one is missing; once on a page.
    """
    ranking = [int(index) for index in np.argsort(-runs.predictions(run).probabilities[row], kind="stable")]
    heatmap, target = None, None
    if runs.class_maps(run) is not None:
        target = st.selectbox(
            "Evidence for",
            [None, *ranking],
            index=1,
            format_func=lambda index: "Photo only" if index is None else class_label(run.classes[index]),
            key=f"target-{run.folder}-{row}",
        )
        found = evidence.heatmaps(run, row, [target]) if target is not None else None
        heatmap = found[0] if found is not None else None
    if photo is None:
        missing = f"This photo is not on this machine{'; the heatmap stands alone' if heatmap is not None else ''}."
        if offers_photos:
            say_with_way(run, missing)
        else:
            st.caption(f":material/image_not_supported: {missing}")
    picture = evidence.evidence_picture(run, photo, heatmap)
    if picture is None:
        return
    if heatmap is not None and photo is not None:
        evidence.say_what_is_seen(run.manifest.model)
    alt = "The photo" if target is None else f"Evidence for {class_label(run.classes[target])}"
    shown = picture if photo is not None else picture.resize((560, 560))
    st.image(shown, width="stretch", alt=alt, output_format="JPEG")
    if heatmap is not None:
        heatmap_color_bar()


def _probabilities(run: Run, row: int) -> None:
    """Those that are known."""
    probabilities, known = evidence.known_probabilities(run, row), runs.known(run)
    if not known.confidence:
        st.caption(instead_sentence(known, every_class=["what else this photo may show"]))
        return
    ranking = [int(index) for index in np.argsort(-probabilities, kind="stable") if not np.isnan(probabilities[index])]
    order, true = ranking[:_MOST_BARS], int(runs.examples(run)["true"].iloc[row])
    if len(order) == len(probabilities):
        title = "All probabilities"
    else:
        title = f"The {len(order)} likeliest classes" if len(order) > 1 else "The likeliest class"
    st.subheader(title, anchor=False)
    st.plotly_chart(
        figures.probability_bars(
            [run.classes[index] + (" (true)" if index == true else "") for index in order],
            [float(probabilities[index]) for index in order],
            highlight=order.index(true) if true in order else -1,
        ),
        config={"displayModeBar": False},
        key=f"bars-{row}",
        alt="Probabilities: "
        + ", ".join(f"{class_label(run.classes[i])} {percent(probabilities[i])}" for i in order[:5]),
    )
    import_note(run)
    if others := len(probabilities) - len(ranking):
        st.caption(others_sentence(probabilities[ranking].tolist(), others))


def _comparison(run: Run, row: int, photo: Image.Image | None) -> None:
    """Both heatmaps on one scale, and their difference."""
    compared = evidence.compared_classes(run, row)
    two = evidence.heatmaps(run, row, compared)
    if two is None:
        if run.manifest.model.explanation == "occlusion" and run.has_model:
            st.caption(
                "This run holds no class maps: its network is explained by occlusion, one photo at a time, on Predict."
            )
            return
        again = "evaluate the model again" if run.has_model else "import it again with `--maps FILE.npy`"
        if own_runs.is_own(run):
            again = "bring the photos alone to *Your photos*, for the model of this app,"
        st.caption(f"This run holds no class maps: {again} to see where the model looked.")
        return
    if len(compared) < 2:  # which class came second is not known
        return
    first, second = (class_markdown(run.classes[index]) for index in compared)
    short = [escape_markdown(name) for name in short_labels(run.classes, IN_HEADLINE)]
    st.subheader(f"Why {short[compared[0]]} rather than {short[compared[1]]}?", anchor=False)
    panels = [evidence.evidence_picture(run, photo, heatmap, side=640) for heatmap in two]
    panels.append(evidence.difference_picture(run, photo, two, side=640))
    probabilities = evidence.known_probabilities(run, row)
    heads = [
        f"Why *{name}*{in_parentheses(probabilities[index])}"
        for name, index in zip((first, second), compared, strict=True)
    ]
    for number, (column, picture) in enumerate(zip(st.columns(3), panels, strict=True)):
        assert picture is not None
        with column:
            st.markdown([*heads, "Difference"][number])
            alt = (
                "Difference of the evidence"
                if number == 2
                else f"Evidence for {class_label(run.classes[compared[number]])}"
            )
            shown = picture if photo is not None else picture.resize((400, 400))
            st.image(shown, width="stretch", alt=alt, output_format="JPEG")
            if number == 2:
                labels = [class_label(run.classes[index]) for index in compared]
                difference_color_bar(f"more for {labels[1]}", f"more for {labels[0]}")
            else:
                heatmap_color_bar()
    st.caption("The first two share one scale: the brighter one has the stronger evidence.")
    maps = runs.class_maps(run)
    if maps is not None and not np.isnan(probabilities[compared]).any():
        contribution_table(
            (run.classes[compared[0]], run.classes[compared[1]]),
            np.asarray(maps[row, compared]),
            probabilities[compared],
            temperature=run.manifest.model.temperature,
        )
