"""What Quietfill costs: each budget measured beside a yardstick of the same run. `python -m bench` prints the table."""
