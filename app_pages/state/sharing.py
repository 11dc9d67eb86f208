"""What is computed once from runs and then shared: by all sessions, or, of a visitor's own run, within theirs alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from app_pages.state.own_runs import is_own
from har_core.runs.run import Run

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Shared(Generic[P, T]):
    """A function with two caches."""

    of_all_sessions: Callable[P, T]
    of_this_session: Callable[P, T]

    def of(self, *behind: Run) -> Callable[P, T]:
        """The function with the cache for what is computed from these runs: the session's if one of them is its own."""
        return self.of_this_session if any(map(is_own, behind)) else self.of_all_sessions


def shared_unless_own(
    cache: Callable[..., Any],
    *,
    max_entries: tuple[int, int],
    max_size: tuple[str, str] | None = None,
    show_spinner: str | bool,
) -> Callable[[Callable[P, T]], Shared[P, T]]:
    """A decorator for a function whose arguments say of which run, and in which version, something is computed.

    Arguments that the function does not use are part of what its outcomes are found by.

    Args:
        cache: `st.cache_data` or `st.cache_resource`.
        max_entries: outcomes that are kept for all sessions together, and for each alone.
        max_size: the same in bytes, as "24MB"; of `st.cache_data` only.
        show_spinner: what is shown meanwhile.
    """

    def cached(compute: Callable[P, T], place: int, scope: Literal["global", "session"]) -> Callable[P, T]:
        size = {} if max_size is None else {"max_size": max_size[place]}
        function: Callable[P, T] = cache(
            max_entries=max_entries[place], scope=scope, show_spinner=show_spinner, **size
        )(compute)
        return function

    def decorate(compute: Callable[P, T]) -> Shared[P, T]:
        return Shared(cached(compute, 0, "global"), cached(compute, 1, "session"))

    return decorate
