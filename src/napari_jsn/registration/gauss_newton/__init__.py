"""The registration method ``refined``: masked Gauss-Newton on local contrast."""
