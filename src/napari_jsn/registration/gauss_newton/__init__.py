"""The method ``refined``: masked Gauss-Newton on local contrast."""
