"""What the person who starts the app decides: streamlit run app.py -- --data DIR --runs DIR --trust-visitors"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

from har_core.files import home_folder
from har_core.runs.run import assets_folder

_CHECKOUT = Path(__file__).parents[2]
WORKPLACE = _CHECKOUT if (_CHECKOUT / "har_core").is_dir() else Path.cwd()
"""Where the data set and the runs that are kept lie: the checkout; of an installed app, where it was started."""

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_OWN_NAMES = _LOCAL | {"0.0.0.0"}  # the last is what Streamlit prints when it listens everywhere


@dataclass(frozen=True)
class Settings:
    """`data`: the folder of photos.  `photos`: the same as text, or the bucket that was named in its place (`scoring.places`).  `runs`: where runs are looked for, the app's own first.  `home`: where verdicts on
    shipped runs are kept.  `trusted`: visitors may start downloads and write verdicts.  `verdicts`: the URL of a PostgreSQL
    database that keeps the verdicts on all runs but visitors' own, for several copies of the app; None for files.
    """

    data: Path
    runs: tuple[Path, ...]
    home: Path
    trusted: bool
    verdicts: str | None = None
    photos: str = ""


def settings() -> Settings:
    """From the command line, then the environment (HAR_DATA, HAR_RUNS, HAR_LENS_HOME, HAR_VERDICTS), then the defaults.

    Visitors are trusted while the app listens on this machine alone and answers to no other name: behind a proxy on the
    same machine anyone comes from there too, but asks for the proxy's name.
    """
    given = _arguments(tuple(sys.argv))
    own = (assets_folder() / "runs", WORKPLACE / "runs")
    more = given.runs or os.environ.get("HAR_RUNS")
    hosts = st.get_option("server.allowedHosts")
    local = st.get_option("server.address") in _LOCAL and len(hosts) > 0 and _OWN_NAMES.issuperset(hosts)
    data = str(given.data or os.environ.get("HAR_DATA") or WORKPLACE / "data")
    return Settings(
        WORKPLACE / "data" if "://" in data else Path(data),
        (*own, Path(more)) if more else own,
        home_folder(),
        given.trust_visitors or local,
        os.environ.get("HAR_VERDICTS") or None,
        data,
    )


@cache
def _arguments(arguments: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="streamlit run app.py --", description=__doc__)
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="the photos behind the predictions (default: data/); of scored ones also a bucket, s3://BUCKET/KEY",
    )
    parser.add_argument("--runs", metavar="DIR", help="one more folder of runs, beside assets/runs/ and runs/")
    parser.add_argument(
        "--trust-visitors",
        action="store_true",
        help="let visitors from other machines judge photos and start downloads",
    )
    started_alone = Path(arguments[0]).name == "app.py"  # otherwise the arguments are those of a test runner
    return parser.parse_args(arguments[1:] if started_alone else [])
