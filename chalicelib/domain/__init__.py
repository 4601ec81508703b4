"""What should happen: frozen values in, values out. Standard library only; `now` is always passed in."""

ZONE_DATA = "2026.6"
"""The pinned version of the time zone database: governments move clocks, and what they move must be computed anew."""

ENGINE = f"1/{ZONE_DATA}"
"""The agenda's version, and the zone data's. Raise the first whenever the same facts would give another agenda: cursors
computed by another engine are derived anew by the nightly job."""
