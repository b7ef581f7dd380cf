"""A whole class: from what a platform exports to a gradebook, by the same stages as one submission."""
