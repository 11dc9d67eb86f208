"""Photos of a visitor, predicted here by a run's model, whose answers become a run of their own."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from app_pages.own import scoring
from app_pages.own.scoring import ERROR, SKIP, Scoring, Upload
from app_pages.state import models, own_runs, url
from app_pages.state.jobs import watch
from har_core.analysis.scores import summarize
from har_core.data.samples import Problem
from har_core.errors import HarError
from har_core.files import as_written
from har_core.media.archive import Limits
from har_core.runs.run import Run
from har_core.viz import text
from har_core.viz.formats import class_label, count_photos, distinct_labels, escape_markdown

_OVERVIEW = "app_pages/home/overview.py"
_MOST_PROBLEMS = 10  # that are listed
_MOST_CHOICES = 50  # labels that are asked for one by one


def photos_way() -> None:
    """A zip of labeled photos, what was understood of it, and its scoring."""
    run = models.run_with_model()
    limits = Limits()
    st.markdown(
        "Upload a zip with one folder per action, named calling/, using_laptop/, …, or with photos and one CSV (columns "
        f"filename and label). The model of **{escape_markdown(run.title)}** predicts them, and all pages then show the "
        "results. Your photos are removed when you leave."
    )
    number = st.session_state.setdefault("own-zip-number", 0)  # another widget is an empty one
    file = st.file_uploader(
        f"A zip of at most {limits.packed // 10**6} MB and {limits.entries:,} files",
        type="zip",
        max_upload_size=limits.packed // 10**6,
        key=f"own-zip-{number}",
        on_change=scoring.forget,
    )
    try:
        if file is not None:
            scoring.take(file)
        if (upload := scoring.upload()) is not None:
            _upload(run, upload)
    except HarError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")


def _upload(run: Run, upload: Upload) -> None:
    """The zip, what was understood of it, and its scoring."""
    job = scoring.scoring()
    if job is not None and job.run.folder != run.folder:
        scoring.forget_scoring()
        job = None
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        actions = len(upload.photos.classes)
        found = f"{count_photos(len(upload.photos.samples))} of {actions} action{'' if actions == 1 else 's'}"
        st.subheader(found, anchor=False, width="content")
        st.button(
            f"Remove {escape_markdown(as_written(upload.name))}", icon=":material/close:", on_click=_remove_upload
        )
    _list_problems(upload.photos.problems)
    if job is not None and job.running:
        watch(job, _going_on)
        return
    counts_as = _labels(run, upload)
    if job is not None:
        st.info(escape_markdown(job.error or ""), icon=":material/info:")
    report = scoring.report()
    if report is not None and report.by != run.folder:
        report = None
    if report is not None:
        _list_problems(report.skipped)
        summary = summarize(Run.open(own_runs.own_runs()[report.name].folder).confusion_matrix())
        st.success(
            f"{text.accuracy_headline(summary, unseen=False)}. Choose it as the run above, or start here:",
            icon=":material/check:",
        )
        st.page_link(
            _OVERVIEW,
            label="**See where it fails**",
            icon=":material/arrow_forward:",
            query_params={url.RUN: report.name},
        )
    none_counts = set(counts_as.values()) == {SKIP}
    if none_counts:
        st.caption("All labels are skipped: say what at least one of them counts as.")
    st.button(
        "Evaluate" if job is None and report is None else "Evaluate again",
        type="primary" if report is None else "secondary",
        key="own-start",
        disabled=none_counts,
        on_click=scoring.start,
        args=(run, counts_as),
    )


def _going_on(job: Scoring) -> None:
    st.progress(min(1.0, job.done / max(1, job.total)), text=scoring.progress_text(job))
    st.button(
        "Stopping …" if job.stopping else "Cancel", disabled=job.stopping, on_click=scoring.cancel, key="own-cancel"
    )


def _labels(run: Run, upload: Upload) -> dict[str, str]:
    """What each label counts as: a class of the model, `SKIP` or `ERROR`; shown, and asked where no name matches."""
    from har_core.inference.evaluate import match_classes  # imports PyTorch

    count = Counter(sample.label for sample in upload.photos.samples)
    meant = match_classes(count, run.classes)
    counts_as = {label: name for label, name in meant.items() if name is not None}
    unknown = [label for label in meant if label not in counts_as]
    if counts_as:
        with st.expander(f"{len(counts_as)} of {len(meant)} labels are actions that the model knows"):
            st.dataframe(
                [
                    {"label": label, "counts as": class_label(name), "photos": count[label]}
                    for label, name in counts_as.items()
                ],
                hide_index=True,
                alt="Which action each label counts as",
            )
    if not unknown:
        return counts_as
    st.warning(f"The model does not know {len(unknown)} of the labels. What do they count as?", icon=":material/help:")
    choices = (SKIP, ERROR, *run.classes)
    names = dict(zip(choices, distinct_labels(["Skip", "Score as wrong", *run.classes]), strict=True))
    for label in unknown[:_MOST_CHOICES]:
        counts_as[label] = st.selectbox(
            f"{escape_markdown(as_written(label))} ({count_photos(count[label])})",
            choices,
            format_func=names.__getitem__,
            key=f"own-label-{label}",
            persist_state="session",
            width=420,
        )
    if rest := unknown[_MOST_CHOICES:]:
        st.caption(f"The other {len(rest)} labels are skipped.")
    return counts_as | dict.fromkeys(rest, SKIP)


def _list_problems(problems: tuple[Problem, ...]) -> None:
    for problem in problems[:_MOST_PROBLEMS]:
        st.caption(f":material/warning: {escape_markdown(str(problem))}")
    if len(problems) > _MOST_PROBLEMS:
        st.caption(f"… and {len(problems) - _MOST_PROBLEMS:,} more.")


def _remove_upload() -> None:
    scoring.forget()
    st.session_state["own-zip-number"] += 1
