"""Who runs trials: this process, or Ray Tune."""
