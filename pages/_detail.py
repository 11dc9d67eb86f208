"""One photo in full: the photo, all probabilities, the evidence for any action, its likes, and a verdict on it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from har_core import pictures, plots
from har_core.errors import RunError
from har_core.photo_table import similar
from har_core.runs import Run
from har_core.verdicts import MAX_NOTE, VERDICTS, Verdict
from har_core.words import bare, percent, plain, readable
from pages import _data, _evidence
from pages._gallery import LOOKED_AT


def show(run: Run, rows: np.ndarray, position: int, judged: dict[str, Verdict]) -> None:
    """The photo at a position of a list, with the ways to its neighbours and back to the list."""
    row = int(rows[position])
    photo = _data.table(run).iloc[row]
    sample, samples = str(photo["sample"]), _data.predictions(run).samples
    predicted, true = readable(run.classes[int(photo["predicted"])]), readable(run.classes[int(photo["true"])])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Back to the list", icon=":material/arrow_back:", on_click=_open, args=(None,))
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            shortcut="Left",
            disabled=position == 0,
            on_click=_open,
            args=(samples[rows[max(0, position - 1)]],),
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            shortcut="Right",
            disabled=position == len(rows) - 1,
            on_click=_open,
            args=(samples[rows[min(len(rows) - 1, position + 1)]],),
        )
        st.caption(f"{plain(sample)} · {position + 1:,} of {len(rows):,}")
    verb = "recognised" if predicted == true else f"taken for {predicted}"
    st.title(f"{true.capitalize()}, {verb} ({percent(photo['confidence'])})")
    left, right = st.columns([6, 5], gap="large")
    with left:
        _evidence_for_any(run, row)
    with right:
        _verdict(run, sample, judged.get(sample))
        _probabilities(run, row)
    st.divider()
    _compared(run, row)
    _likes(run, row)


def _open(sample: str | None) -> None:
    if sample is None:
        st.session_state[LOOKED_AT] = st.query_params.pop("photo")
    else:
        st.query_params["photo"] = sample


def _evidence_for_any(run: Run, row: int) -> None:
    photo = _evidence.photo(run, row)
    ranking = [int(index) for index in np.argsort(-_data.predictions(run).probabilities[row], kind="stable")]
    heat, target = None, None
    if _data.heatmaps(run) is not None:
        target = st.selectbox(
            "Evidence for",
            [None, *ranking],
            index=1,
            format_func=lambda index: "no action: the photo alone" if index is None else bare(run.classes[index]),
            key=f"target-{run.folder}-{row}",
        )
        if target is not None:
            found = _evidence.heats(run, row, [target])
            heat = found[0] if found is not None else None
    shown = _evidence.laid(run, photo, heat)
    if photo is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                ":material/image_not_supported: This photo is not on this machine"
                + ("; the heatmap stands alone." if heat is not None else ".")
            )
            _data.offer_download(run)
    if shown is None:
        return
    alt = "The photo" if heat is None or target is None else f"Evidence for {bare(run.classes[target])}"
    st.image(shown if photo is not None else shown.resize((560, 560)), width="stretch", alt=alt, output_format="JPEG")
    if heat is not None:
        _evidence.colour_bar()
        square = (
            "The network saw the bright square only." if photo is not None else "It is the square that the network saw."
        )
        st.caption(f"Grad-CAM, on a scale of its own. {square}")


def _probabilities(run: Run, row: int) -> None:
    chances = _data.predictions(run).probabilities[row]
    order = [int(index) for index in np.argsort(-chances, kind="stable")][:20]
    true = int(_data.table(run)["true"].iloc[row])
    st.subheader(
        "All probabilities" if len(order) == len(chances) else f"The {len(order)} likeliest actions", anchor=False
    )
    st.plotly_chart(
        plots.probability_bars(
            [run.classes[index] + (" (true)" if index == true else "") for index in order],
            [float(chances[index]) for index in order],
            highlight=order.index(true) if true in order else 0,
        ),
        config={"displayModeBar": False},
        key=f"bars-{row}",
        alt="Probabilities: " + ", ".join(f"{bare(run.classes[i])} {percent(chances[i])}" for i in order[:5]),
    )


def _compared(run: Run, row: int) -> None:
    """Photo, both heatmaps on one scale, and their difference."""
    first, second = _evidence.pair(run, row)
    two = _evidence.heats(run, row, [first, second])
    if two is None:
        st.caption("This run holds no class maps: evaluate the model again to see where it looked.")
        return
    names = [readable(run.classes[index]) for index in (first, second)]
    st.subheader(f"Why {names[0]} rather than {names[1]}?", anchor=False)
    photo = _evidence.photo(run, row)
    shown = [_evidence.laid(run, photo, heat, side=640) for heat in two]
    panels = [*shown, _evidence.difference(run, photo, two, side=640)]
    chances = _data.predictions(run).probabilities[row]
    captions = [f"{name}, {percent(chances[index])}" for name, index in zip(names, (first, second), strict=True)]
    for column, panel, caption in zip(st.columns(3), panels, [*captions, "difference"], strict=True):
        with column:
            assert panel is not None
            picture = panel if photo is not None else panel.resize((400, 400))
            st.image(picture, width="stretch", caption=caption, alt=f"Evidence: {caption}", output_format="JPEG")
            if caption == "difference":
                _evidence.colour_bar(names[1], names[0], pictures.DIFFERENCE_SCALE)
            else:
                _evidence.colour_bar()
    st.caption("The first two share one scale: the brighter one has the stronger evidence.")


def _likes(run: Run, row: int) -> None:
    """The five photos that the network finds most alike."""
    embeddings = _data.embeddings(run)
    if embeddings is None:
        return
    st.subheader("What the network finds most alike", anchor=False)
    table = _data.table(run)
    found = similar(embeddings, row)
    for column, (index, cosine) in zip(st.columns(5), found, strict=False):
        other = table.iloc[index]
        with column:
            picture = _evidence.laid(run, _evidence.photo(run, index), None)
            if picture is None:
                maps = _evidence.heats(run, index, [int(other["predicted"])])
                picture = _evidence.laid(run, None, maps[0]).resize((240, 240)) if maps is not None else None  # type: ignore[union-attr]
            sample = str(other["sample"])
            if picture is not None:
                st.image(picture, width="stretch", alt=f"{sample}, similar", output_format="JPEG")
            true, predicted = (readable(run.classes[int(other[name])]) for name in ("true", "predicted"))
            st.caption(
                f"**{true}**" + ("" if true == predicted else f", taken for {predicted}") + f"  \ncosine {cosine:.2f}"
            )
    st.caption("Validation photos by the cosine of their embeddings, with their labels.")


def _verdict(run: Run, sample: str, given: Verdict | None) -> None:
    """Who is wrong here?  Saved as soon as it is chosen."""
    store, key = _data.verdicts(run), f"verdict-{run.folder}-{sample}"
    trusted = _data.may_judge(run)
    st.session_state.setdefault(key, given.verdict if given else None)
    st.session_state.setdefault(f"{key}-note", given.note if given else "")

    def save() -> None:
        chosen = st.session_state[key]
        try:
            if chosen is None:
                store.remove(sample)
            else:
                store.set(sample, chosen, st.session_state[f"{key}-note"])
        except RunError as error:
            st.session_state[key] = given.verdict if given else None  # what is on the disk
            st.session_state[f"{key}-error"] = str(error)

    st.segmented_control("Your verdict", VERDICTS, key=key, on_change=save, disabled=not trusted)
    st.text_input(
        "Note",
        key=f"{key}-note",
        max_chars=MAX_NOTE,
        placeholder="why, for whoever reads it later",
        on_change=save,
        disabled=not trusted or st.session_state[key] is None,
    )
    if (failed := st.session_state.pop(f"{key}-error", None)) is not None:
        st.error(failed, icon=":material/error:")
    if not trusted:
        st.caption("Only the person who starts the app may judge photos (`-- --trust-visitors` lets everyone).")
