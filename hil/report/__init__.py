"""A run as a page that opens anywhere, and a lap as a picture."""

from tianyuan.hil.report.page import write_report
from tianyuan.hil.report.picture import lap_picture
from tianyuan.hil.report.run import Run, Stage, Timing

__all__ = ["Run", "Stage", "Timing", "lap_picture", "write_report"]
