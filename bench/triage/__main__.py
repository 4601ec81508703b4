"""`python -m bench.triage`: how triage does on messages it was not built from."""

from bench.triage.measure import main

main()
