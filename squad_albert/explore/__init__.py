"""Analyses of a run, a module each: a table, the sentences that say what it shows, and its place in the report."""
