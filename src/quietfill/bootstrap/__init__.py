"""The composition root: the one place that picks concrete classes and puts them together."""

from quietfill.bootstrap.algos import open_algos
from quietfill.bootstrap.demo import Demo, demo_report, open_demo
from quietfill.bootstrap.files import audit_path, save_journal, save_report
from quietfill.bootstrap.recordings import Recording
from quietfill.bootstrap.single_order import simulate, simulation_report

__all__ = [
    "Demo",
    "Recording",
    "audit_path",
    "demo_report",
    "open_algos",
    "open_demo",
    "save_journal",
    "save_report",
    "simulate",
    "simulation_report",
]
