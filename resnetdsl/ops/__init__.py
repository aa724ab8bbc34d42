"""The primitive ops, one file a family. `registry` has them all."""
