"""Rows of any layout, read and mapped to examples."""
