"""Data sets and models; torch and numpy alone."""
