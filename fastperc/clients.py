"""The keyword ``client`` of methods that train many networks: where they are trained."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])


def on_client(method: Method) -> Method:
    """Let a method train on a Dask cluster where its keyword ``client`` names one.

    None leaves it to whoever called, see `distributed.on`; by default, to this process.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        if options.get("client") is None:
            return method(self, *args, **options)
        from .distributed.session import on

        with on(options["client"]):
            return method(self, *args, **options)

    return cast(Method, call)
