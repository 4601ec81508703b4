"""What every test runs under."""

from hypothesis import settings

# The same examples on every machine: a red run is about the change at hand. `make explore` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("new", derandomize=False, print_blob=True)
settings.load_profile("same")
