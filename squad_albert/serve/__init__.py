"""Explore runs and ask questions over HTTP: one process for pages and for programs."""
