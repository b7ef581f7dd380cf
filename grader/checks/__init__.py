"""The checks of the catalogue, each behaviour once, as pytest functions with our fixtures."""
