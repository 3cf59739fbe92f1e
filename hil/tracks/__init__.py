"""The shipped circuits, one TOML file each."""
