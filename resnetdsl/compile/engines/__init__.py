"""What turns a lowered graph into something fast. `base.py` says what an engine is, `registry.py` which there are."""
