"""Making, loading and running the model."""
