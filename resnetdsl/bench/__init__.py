"""Networks measured against each other in one run: eager, compiled by us, and whatever peers are installed.

`statistics.py` says what may be concluded from times, `interleave.py` how they are taken, `contestants.py` who takes
part, `report.py` how it is told.
"""
