"""A run as a page that opens anywhere, and a lap as a picture."""

from tianyuan.hil.report.page import write_report
from tianyuan.hil.report.picture import lap_picture
from tianyuan.hil.report.run import Evidence, Run, Stage, Timing, Traffic

__all__ = ["Evidence", "Run", "Stage", "Timing", "Traffic", "lap_picture", "write_report"]
