"""The process in which UMAP draws a map: beside the analyses, as numba compiles it anew each time, on one core.

Run as a script by ``embed.py``, as ``umap_process.py FOLDER``: ``given.npz`` in the folder has ``indices`` and
``distances`` [N, K] of the nearest points, ``start`` [N, 2] and ``seed``; ``plane.npy``, float32 [N, 2], is the answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

EPOCHS = 200  # UMAP's own for large data; its 500 for small data take twice the time for a map that is no better
MIN_DISTANCE = 0.1  # between points on the plane, UMAP's own default, as what is not named here


def main() -> None:
    """Draws the map of a folder."""
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # umap would load it, for what is not used here
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding

    folder = Path(sys.argv[1])
    with np.load(folder / "given.npz") as given:
        indices, distances, start = given["indices"], given["distances"], given["start"]
        state = np.random.RandomState(int(given["seed"]))
    places = np.zeros((len(indices), 1), np.float32)  # looked at for their number alone
    graph, _, _ = fuzzy_simplicial_set(
        places, indices.shape[1], state, "euclidean", knn_indices=indices, knn_dists=distances
    )
    a, b = find_ab_params(1.0, MIN_DISTANCE)
    plane, _ = simplicial_set_embedding(
        places,
        graph,
        n_components=2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=EPOCHS,
        init=start,
        random_state=state,
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
    )
    np.save(folder / "plane.npy", np.asarray(plane, np.float32))


if __name__ == "__main__":
    main()
