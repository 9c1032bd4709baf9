"""The HTML report of a run, and every picture in it. Altair and vl-convert load when a report is written."""
