"""Benchmarks, one command each: ``python -m bench.NAME``, with targets that are printed, not tested."""
