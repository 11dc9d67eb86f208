"""The photos that are most alike to one, as the model sees them: among those it was evaluated on, and those it learned from."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app_pages.components import evidence
from app_pages.components.photo_tile import photo_tile
from app_pages.state import runs, url
from har_core.analysis.neighbors import nearest_neighbors, nearest_to
from har_core.runs.run import Run
from har_core.viz.formats import class_label, class_markdown, escape_markdown


def similar_photos(run: Run, row: int) -> None:
    """Of a photo of the evaluation: five among the others, with what was predicted for them, and five training photos."""
    embeddings = runs.embeddings(run)
    if embeddings is None:
        return
    st.subheader("Most similar photos, as the model sees them", anchor=False)
    examples = runs.examples(run)
    neighbors = nearest_neighbors(embeddings, row)
    for column, (index, cosine) in zip(st.columns(5), neighbors, strict=False):
        neighbor = examples.iloc[index]
        predicted, true = int(neighbor["predicted"]), int(neighbor["true"])
        with column:
            _picture(run, index, predicted)
            outcome = "" if true == predicted else f", predicted as {class_markdown(run.classes[predicted])}"
            st.caption(f"**{class_markdown(run.classes[true])}**{outcome}  \nsimilarity {cosine:.2f}")
            st.page_link(
                "app_pages/analysis/errors.py",
                label="Open",
                icon=":material/open_in_full:",
                query_params=url.query(show="all", photo=neighbor["sample"]),
            )
    st.caption("Photos of the evaluation with their labels, by the cosine similarity of their embeddings.")
    similar_training_photos(run, np.asarray(embeddings[row]), count=5)


def similar_training_photos(run: Run, embedding: np.ndarray, *, count: int, leave_out: str | None = None) -> None:
    """What the model learned from that is most alike: the labels there are why it answers as it does.

    Args:
        embedding: (D,) pooled features.
        leave_out: a photo that does not count.
    """
    training = runs.training(run)
    if training is None or not len(training):
        return
    st.markdown("**Most similar training photos**")
    query = training.direction_of(embedding)
    found = [
        (index, cosine)
        for index, cosine in nearest_to(query, training.directions, count=count + 1)
        if training.samples[index] != leave_out
    ][:count]
    for column, (index, cosine) in zip(st.columns(count, wrap=False), found, strict=False):
        sample, label = str(training.samples[index]), run.classes[int(training.labels[index])]
        with column:
            if (picture := photo_tile(run, sample, side=240)) is not None:
                st.image(picture, width="stretch", alt=f"{sample}, a training photo labeled {class_label(label)}")
            st.caption(f"**{class_markdown(label)}**  \nsimilarity {cosine:.2f}")
            st.page_link(
                "app_pages/decide/data.py",
                label="Open",
                icon=":material/open_in_full:",
                help=escape_markdown(sample),
                query_params=url.query(photo=sample),
            )
    labels = [class_label(run.classes[int(training.labels[index])]) for index, _ in found]
    if labels:
        most = max(set(labels), key=labels.count)
        st.caption(f"{labels.count(most)} of these {len(labels)} are labeled {class_markdown(most)}.")


def _picture(run: Run, index: int, predicted: int) -> None:
    sample = runs.predictions(run).samples[index]
    photo = evidence.open_stored_photo(run, index)
    if photo is not None:
        photo.thumbnail((480, 480))
        st.image(photo, width="stretch", alt=f"{sample}, similar", output_format="JPEG")
    elif (maps := evidence.heatmaps(run, index, [predicted])) is not None:
        picture = evidence.evidence_picture(run, None, maps[0])
        assert picture is not None
        alt = f"{sample}, similar: evidence for {class_label(run.classes[predicted])}"
        st.image(picture.resize((240, 240)), width="stretch", alt=alt, output_format="JPEG")
