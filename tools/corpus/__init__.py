"""The bundled corpus: articles about an invented world, one YAML file each in ``articles/``.

``python -m tools.corpus`` makes ``data/`` of them, plants the defects of ``tools.plant`` there, and describes the
result in figures, among them those of a baseline without learning.
"""
