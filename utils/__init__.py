"""Pure functions over text and arrays: all that the integration needs, and no model runtime."""
