"""A gallery looked over, repaired, and copied while it is used."""
