"""A visitor brings a table of predictions, and opens the run that it becomes."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from har_core.runs.run import Run
from tests.pages.conftest import opened, wait_for_job

LABELS = "filename,true,pred,other\na.jpg,cat,cat,dog\nb.jpg,dog,cat,dog\nc.jpg,dog,dog,cat\n"
LOGITS = "filename,true,logit_0,logit_1\na.jpg,cat,2.5,-1\nb.jpg,dog,0.5,0\nc.jpg,dog,-1,3\n"
SCORES = "filename,true,p:cat,p:dog\na.jpg,cat,0.9,0.1\nb.jpg,dog,0.75,0.25\nc.jpg,fox,0.4,0.6\n"


def bring(content: str | bytes, name: str = "mine.csv", app: AppTest | None = None) -> AppTest:
    app = app or opened("own", bring="predictions")
    data = content.encode() if isinstance(content, str) else content
    return app.file_uploader[0].set_value((name, data, "text/csv")).run()


def box(app: AppTest, role: str) -> Any:
    return next(one for one in app.selectbox if (one.key or "").startswith(f"table-{role}-"))


def boxes(app: AppTest) -> dict[str, object]:
    roles = ("file", "true", "predicted", "confidence", "scores", "top", "unknown")
    return {role: one.value for role in roles for one in app.selectbox if (one.key or "").startswith(f"table-{role}-")}


def choose(app: AppTest, role: str, value: str) -> AppTest:
    box(app, role).set_value(value)
    return app.run()


def open_analysis(app: AppTest) -> AppTest:
    app.button(key="table-open").click().run()
    if "own-import" in app.session_state:
        wait_for_job(app, "own-import")
        app.run()
    return app


def made(app: AppTest, name: str = "run-0") -> Run:
    return Run.open(app.session_state["own-runs"][name].folder)


def preview(app: AppTest) -> list[list[str]]:
    return app.dataframe[0].value.to_numpy().tolist()
