"""What should happen: frozen values in, values out. Standard library only; `now` is always passed in."""

ENGINE = "1"
"""The agenda's version. Raise it whenever the same facts would give another agenda: cursors computed by an older one
are derived anew by the nightly job."""
