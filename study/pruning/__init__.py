"""Saliency scores and the masks made from them; torch and numpy alone."""
