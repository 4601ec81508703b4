"""What operators run: making a stage, looking after it, taking it down. Never ships: Chalice packages `chalicelib`."""
