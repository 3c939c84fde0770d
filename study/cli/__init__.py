"""The command `study`, a file a group of commands."""
