"""Tools for whoever makes the project: they are neither pushed nor installed."""
