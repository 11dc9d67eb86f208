"""Photos of a visitor, predicted here by a run's model, whose answers become a run of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import PurePosixPath

import streamlit as st

from app_pages.own import scoring
from app_pages.own.scoring import ERROR, SKIP, Report, Scoring, Upload
from app_pages.state import models, own_runs, url
from app_pages.state.jobs import watch
from har_core.analysis.scores import summarize
from har_core.data.samples import Problem
from har_core.errors import HarError
from har_core.files import as_written
from har_core.media.archive import Limits
from har_core.runs.class_names import check_class_names, class_key
from har_core.runs.run import Run
from har_core.viz import text
from har_core.viz.formats import capitalize, class_label, count_photos, distinct_labels, escape_markdown, short_name

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
    job = scoring.scoring()
    if job is not None and job.running:
        st.caption(
            f"The model of {escape_markdown(job.run.title)} is scoring {escape_markdown(short_name(job.name))}. For another zip, or "
            "another model, wait for it or cancel it."
        )
        watch(job, _going_on)
        return
    number = st.session_state.setdefault("own-zip-number", 0)  # another widget is an empty one
    file = st.file_uploader(
        f"A zip of at most {limits.packed // 10**6} MB and {limits.entries:,} files",
        max_upload_size=limits.packed // 10**6,
        key=f"own-zip-{number}",
        on_change=scoring.forget,
    )
    try:
        if file is not None:
            scoring.take(file, run.classes)
        if (upload := scoring.upload_for(run.classes)) is not None:
            _upload(run, upload)
    except HarError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")


def _upload(run: Run, upload: Upload) -> None:
    """The zip, what was understood of it, and what became of its scoring."""
    job = scoring.scoring()
    if job is not None and job.run.folder != run.folder:
        scoring.forget_scoring()
        job = None
    report = scoring.report()
    if report is not None and report.by != run.folder:
        report = None
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        actions = _count(set(map(class_key, upload.photos.classes)), "action")
        found = f"{count_photos(len(upload.photos.samples))} of {actions}"
        unread = f", {_unread(report)}" if report is not None and report.unread else ""
        st.subheader(f"{found}{unread}", anchor=False, width="content")
        st.button(
            f"Remove {escape_markdown(as_written(upload.name))}", icon=":material/close:", on_click=_remove_upload
        )
    for note in upload.photos.notes:
        st.info(f"{escape_markdown(capitalize(note))}.", icon=":material/info:")
    if upload.note:
        st.caption(f":material/warning: {escape_markdown(capitalize(upload.note))}.")
    told = " ".join(upload.photos.notes)
    for left_out in upload.left_out:
        if not all(PurePosixPath(name).name in told for name in left_out.names):
            st.caption(f":material/warning: Not read: {escape_markdown(str(left_out))}")
    _list_problems(upload.photos.problems)
    if not upload.photos.samples:
        st.error("No photo of this zip can be scored.", icon=":material/error:")
        return
    counts_as = _labels(run, upload)
    if job is not None:
        st.info(escape_markdown(job.error or ""), icon=":material/info:")
    if report is not None:
        _list_problems(report.skipped)
        summary = summarize(Run.open(own_runs.own_runs()[report.name].folder).confusion_matrix())
        headline = text.accuracy_headline(summary, unseen=False)
        if report.unread:
            st.warning(
                f"{headline}; {_unread(report)}. Choose it as the run above, or start here:", icon=":material/warning:"
            )
        else:
            st.success(f"{headline}. Choose it as the run above, or start here:", icon=":material/check:")
        st.page_link(
            _OVERVIEW,
            label="**See where it fails**" if summary.correct < summary.n else "**See the results**",
            icon=":material/arrow_forward:",
            query_params={url.RUN: report.name},
        )
    none_counts = set(counts_as.values()) == {SKIP}
    if none_counts:
        st.caption("All labels are skipped: say what at least one of them counts as.")
    refused = _refused(run, counts_as)
    if refused is not None:
        st.error(escape_markdown(refused), icon=":material/error:")
    may_start = not none_counts and refused is None
    # Not a callback, which would start what the last rerun drew: a choice made a moment before may not be drawn yet.
    asked = st.button(
        "Evaluate" if job is None and report is None else "Evaluate again",
        type="primary" if report is None else "secondary",
        key="own-start",
        disabled=not may_start,
    )
    if asked and may_start:
        scoring.start(run, counts_as)
        st.rerun()


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
    unknown: dict[str, list[str]] = {}  # spellings of the same
    for label in meant:
        if label not in counts_as:
            unknown.setdefault(class_key(label), []).append(label)
    if counts_as:
        known = len(set(map(class_key, counts_as)))
        of, are = _count({*map(class_key, meant)}, "label"), "is an action" if known == 1 else "are actions"
        with st.expander(f"{known:,} of {of} {are} that the model knows"):
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
    of, do = _count(unknown, "label"), "does it" if len(unknown) == 1 else "do they"
    st.warning(f"The model does not know {of}. What {do} count as?", icon=":material/help:")
    choices = (SKIP, ERROR, *run.classes)
    names = dict(zip(choices, distinct_labels(["Skip", "Score as wrong", *run.classes]), strict=True))
    groups = list(unknown.values())
    for group in groups[:_MOST_CHOICES]:
        written = ", ".join(map(as_written, group))
        answer = st.selectbox(
            f"{escape_markdown(written)} ({count_photos(sum(count[label] for label in group))})",
            choices,
            format_func=names.__getitem__,
            key=f"own-label-{upload.file_id}-{group[0]}",  # another zip is asked anew
            persist_state="session",
            width=420,
        )
        counts_as |= dict.fromkeys(group, answer)
    if rest := groups[_MOST_CHOICES:]:
        st.caption(f"The other {_count(rest, 'label')} {'is' if len(rest) == 1 else 'are'} skipped.")
    return counts_as | {label: SKIP for group in rest for label in group}


def _refused(run: Run, counts_as: dict[str, str]) -> str | None:
    """Why labels that are to be scored as wrong cannot be classes."""
    strange = {class_key(label): label for label, name in counts_as.items() if name == ERROR}
    try:
        check_class_names([*run.classes, *strange.values()])
    except HarError as error:
        return str(error)
    return None


def _unread(report: Report) -> str:
    return f"{report.unread:,} of {count_photos(report.photos)} could not be read"


def _count(found: Collection[object], what: str) -> str:
    return f"{len(found):,} {what}{'' if len(found) == 1 else 's'}"


def _list_problems(problems: tuple[Problem, ...]) -> None:
    for problem in problems[:_MOST_PROBLEMS]:
        st.caption(f":material/warning: {escape_markdown(str(problem))}")
    if len(problems) > _MOST_PROBLEMS:
        st.caption(f"… and {len(problems) - _MOST_PROBLEMS:,} more.")


def _remove_upload() -> None:
    scoring.forget()
    st.session_state["own-zip-number"] += 1
