"""Anomaly mode: backward says which forward call made the op that failed or returned NaN."""

from __future__ import annotations

import warnings

from tensorgrad import _C

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class _Anomaly:
    def __init__(self, mode: bool, check_nan: bool) -> None:
        self.prev = _C.is_anomaly_enabled()
        self.prev_check_nan = _C.is_anomaly_check_nan_enabled()
        self.mode = mode
        self.check_nan = check_nan

    def __enter__(self) -> None:
        _C._set_anomaly_enabled(self.mode, self.check_nan)

    def __exit__(self, *exception: Any) -> None:
        _C._set_anomaly_enabled(self.prev, self.prev_check_nan)


class detect_anomaly(_Anomaly):
    """Inside, ops keep the traceback of their forward call, and backward shows it for an op that fails.

    check_nan: a gradient that is NaN is a failure. This mode costs much time; it is for debugging.
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
            "enabled for debugging.",
            stacklevel=2,
        )


class set_detect_anomaly(_Anomaly):
    """Switches anomaly mode on or off: at once as a function, and back at the end of a `with`."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(mode, check_nan)
        _C._set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass
