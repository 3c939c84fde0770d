"""How a trial trains; torch and numpy alone."""
