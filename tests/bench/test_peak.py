from __future__ import annotations

import numpy as np
import pytest

from bench import peak

CHAINS = {"torch": peak.torch_chain, "onnxruntime": peak.onnxruntime_chain, "openvino": peak.openvino_chain}


@pytest.mark.parametrize("library", CHAINS)
@pytest.mark.parametrize("widths", [(8, 8), (8, 16)])
def test_chains_are_products(library, widths):
    if library == "openvino":
        pytest.importorskip("openvino", reason="the extra `fast` is not installed")
    left, weights = peak.chain(6, widths)
    expected = left
    for weight in weights:
        expected = expected @ weight
    np.testing.assert_allclose(CHAINS[library](left, weights, "fp32", 1)(), expected, rtol=1e-3, atol=1e-4)


def test_torch_multiplies_in_bf16():
    left, weights = peak.chain(64, (64, 64))
    exact, rounded = (peak.torch_chain(left, weights, precision, 1)() for precision in ("fp32", "bf16"))
    assert 1e-4 < np.abs(exact - rounded).max() < 0.3


def test_every_operation_of_a_chain_is_counted(monkeypatch):
    moments = iter([0.0, 0.0, 0.4, 0.8, 1.2])
    monkeypatch.setattr("bench.peak.time.perf_counter", lambda: next(moments))
    calls = []
    left, weights = peak.chain(6, (8, 16))
    speed = peak.sustained(lambda: calls.append(0) or left, left, weights)
    assert len(calls) == 1 + 3  # the first is a warm-up
    assert speed == pytest.approx(3 * peak.PRODUCTS * 2 * 6 * 8 * 16 / 1.2)


def test_the_best_shape_of_every_library_counts(monkeypatch):
    monkeypatch.setattr(peak, "SECONDS", 0.001)
    for name in CHAINS:
        monkeypatch.setattr(peak, f"{name}_chain", lambda left, weights, precision, threads: lambda: left)
    monkeypatch.setattr(peak, "sustained", lambda product, left, weights: float(weights[0].size))
    config = {"hidden_size": 8, "intermediate_size": 32}
    assert peak.best_products(config, 4, "fp32", 1) == {"torch": 256.0, "openvino": 256.0, "onnxruntime": 256.0}
    assert peak.best_products(config, 4, "bf16", 1) == {"torch": 256.0, "openvino": 256.0}
