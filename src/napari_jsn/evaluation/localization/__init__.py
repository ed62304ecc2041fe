"""Accuracy of joint localization."""
