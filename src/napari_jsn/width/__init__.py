"""Measure the joint space width (JSW) on one radiograph."""
