"""How good is a classifier on a visitor's own photos?  This app's model predicts them, or they bring predictions."""

from __future__ import annotations

import streamlit as st

from app_pages.own.photos_way import photos_way
from app_pages.own.table_way import table_way
from app_pages.state import own_runs, runs, url
from app_pages.state.own_runs import OwnRun
from app_pages.state.settings import settings
from har_core.errors import RunError
from har_core.runs.run import Run
from har_core.viz.formats import escape_markdown, share

_OVERVIEW = "app_pages/home/overview.py"
_WAYS = {"photos": ("Photos, predicted here", photos_way), "predictions": ("Predictions you have", table_way)}
_LAST = "own-way-last"


def page() -> None:
    st.title("How good is it on your own photos?")
    known = {name: name for name in _WAYS}
    last = st.session_state.get(_LAST, "photos")  # a link from another run's pages does not say it
    key = url.seed("own-way", "bring", last, url.one_of(known))
    st.segmented_control(
        "What you bring",
        list(_WAYS),
        format_func=lambda name: _WAYS[name][0],
        required=True,
        label_visibility="collapsed",
        **url.widget(key),
    )
    way: str = st.session_state[key]
    st.session_state[_LAST] = way
    url.publish({"bring": way if way != "photos" else None})
    _WAYS[way][1]()
    _list_own_runs()
    _list_kept_runs()


def _list_own_runs() -> None:
    """The session's own runs, with ways to keep and to remove one."""
    if own_runs.own_runs():
        st.subheader("Your sets", anchor=False)
    for name, own in own_runs.own_runs().items():
        run = Run.open(own.folder)
        with st.container(horizontal=True, vertical_alignment="bottom", border=True):
            scores = run.manifest.scores
            correct = f": {share(scores.accuracy)} correct" if scores is not None else ""
            st.markdown(f"**{escape_markdown(run.title)}**{correct}")
            st.page_link(_OVERVIEW, label="Open", icon=":material/open_in_full:", query_params={url.RUN: name})
            st.button("Remove", key=f"remove-{name}", on_click=_remove, args=(name, own.by))
            if settings().trusted:
                wanted = st.text_input("Keep it as", key=f"keep-{name}", placeholder="a name", width=220)
                if st.button("Keep", key=f"keep-button-{name}"):
                    _keep(own, run, wanted)


def _list_kept_runs() -> None:
    """Runs without a model that were kept on disk, with ways to rename and to delete one."""
    kept = {name: run for name, run in runs.all_runs()[0].items() if own_runs.may_delete(run)}
    if not kept:
        return
    with st.expander(f"Kept on disk: {len(kept):,}", icon=":material/folder:"):
        for name, run in kept.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{escape_markdown(run.title)}**")
                st.page_link(_OVERVIEW, label="Open", icon=":material/open_in_full:", query_params={url.RUN: name})
                here = f"{name}-{runs.version(run)}"  # once it is renamed, the box is another, and closed
                with st.popover("Rename", key=f"rename-{here}"):
                    wanted = st.text_input("New name", run.title, key=f"rename-to-{here}")
                    if st.button("Rename it", key=f"rename-button-{here}", type="primary"):
                        _rename(run, wanted)
                with st.popover("Delete", key=f"delete-{name}"):
                    st.markdown(
                        f"**{escape_markdown(run.title)}** and the verdicts on it are removed from disk for good."
                    )
                    st.button(
                        "Delete it", key=f"delete-button-{name}", on_click=_delete, args=(name, run), type="primary"
                    )


def _delete(name: str, run: Run) -> None:
    own_runs.delete(run)
    if st.session_state[url.RUN] == name:
        url.show_run(None)


def _remove(name: str, by: str) -> None:
    own_runs.remove(name)
    if st.session_state[url.RUN] == name:
        url.put(url.RUN, by)


def _rename(run: Run, name: str) -> None:
    try:
        own_runs.rename(run, name, _taken(run) - {run.name})
    except RunError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    st.rerun()


def _taken(run: Run) -> set[str]:
    """What the other runs are called, and this one but for its title."""
    named, broken = runs.all_runs()
    titles = (one.title for one in named.values() if one.folder != run.folder)
    return {*named, *(one.name for one in named.values()), *titles, *(folder.name for folder, _ in broken)}


def _keep(own: OwnRun, run: Run, name: str) -> None:
    try:
        kept = own_runs.keep(run, name, _taken(run))
    except RunError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    here = own.photos == settings().data
    photos = "" if here else ", without its photos: start the app with `-- --data DIR` to see them beside it"
    place = f" in `{kept.folder.parent}`" if settings().trusted else ""
    st.success(f"Kept as **{escape_markdown(kept.title)}**{place}{photos}.")


page()
