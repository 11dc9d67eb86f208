"""Headlines of the page Data: of nothing, of one, and of many."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from har_core.viz.data_text import duplicates_headline, photo_issues_headline, slices_headline, suspects_headline


@pytest.mark.parametrize(
    ("headline", "given", "said"),
    [
        (suspects_headline, (None,), "not known"),
        (suspects_headline, (0,), "No label"),
        (suspects_headline, (1,), "1 label is"),
        (suspects_headline, (1121,), "1,121 labels are"),
        (duplicates_headline, (None,), "not known"),
        (duplicates_headline, (0,), "No two photos"),
        (duplicates_headline, (1, 0), "One group of photos shows the same"),
        (duplicates_headline, (48, 1), "48 groups of photos show the same; 1 photo of the test was"),
        (duplicates_headline, (48, 12), "12 photos of the test were"),
        (photo_issues_headline, (None,), "not known"),
        (photo_issues_headline, (0, 0), "not known"),
        (photo_issues_headline, (0, 1), "The photo is not"),
        (photo_issues_headline, (0, 40), "None of 40 photos is"),
        (photo_issues_headline, (1, 1000), "1 of 1,000 photos (0.1\u00a0%) is"),
        (photo_issues_headline, (312, 1890), "312 of 1,890 photos (16.5\u00a0%) are"),
        (slices_headline, (None,), "not known"),
        (slices_headline, (0, 0), "no groups"),
        (slices_headline, (0, 40), "In no group"),
        (slices_headline, (3, 40, "low *light*"), "in 3 of 40 groups of photos, above all in low \\*light\\*"),
    ],
)
def test_a_headline_says_how_many(headline: Callable[..., str], given: tuple[object, ...], said: str) -> None:
    assert said in headline(*given)
