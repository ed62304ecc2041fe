import pytest
import torch

from napari_jsn.registration.gauss_newton.roll_field import cholesky_factor


@pytest.mark.parametrize("least", [-1e-7, -1e-4, -0.5])
def test_a_matrix_that_rounding_made_indefinite_has_a_factor_too(least):
    torch.manual_seed(0)
    axes = torch.linalg.qr(torch.randn(3, 8, 8, dtype=torch.float64))[0]
    eigenvalues = torch.linspace(0.5, 2, 8, dtype=torch.float64).repeat(3, 1)
    eigenvalues[1, 0] = least
    matrices = axes @ torch.diag_embed(eigenvalues) @ axes.transpose(1, 2)
    factors = cholesky_factor(matrices)
    assert torch.isfinite(factors).all()
    for sound in (0, 2):
        assert torch.allclose(factors[sound], torch.linalg.cholesky(matrices[sound]), atol=1e-12)
    difference = (factors[1] @ factors[1].T - matrices[1]).abs().max()
    assert difference < 15 * abs(least) + 1e-5
