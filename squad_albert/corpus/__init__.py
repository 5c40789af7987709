"""The bundled corpus: a generator of SQuAD-like articles about a fictional world.

``python -m squad_albert.corpus`` writes it; ``wordings`` holds the sentences, ``names`` and
``values`` invent what they speak of, ``writer`` composes paragraphs, ``build`` whole corpora.
``statistics`` describes the bundled one in figures, among them those of ``baseline``.
"""
