"""Numbers that say something by themselves: a fever, a high blood pressure.

A number that can hardly be anything else becomes `feverdegrees` or `highpressure`; one that may be becomes
`maybefever` or `maybepressure`, which patterns use only beside a word that settles it.
"""

_FEVER_C = (38.0, 42.5)
_FEVER_F = (100.4, 108.0)
_SYSTOLIC_MMHG = (140, 260)
_DIASTOLIC_MMHG = (80, 160)
# Spanish and French speakers give pressures in centimetres of mercury: "16/9", "20".
_SYSTOLIC_CM = (15, 26)


def figures(token: str) -> tuple[str, ...]:
    """The names a number token goes by; none for anything else."""
    if not token[:1].isdigit() or len(token) > 8:
        return ()
    for mark in ".,":
        whole, found, part = token.partition(mark)
        if found and whole.isdigit() and part.isdigit() and len(part) == 1:
            value = float(f"{whole}.{part}")
            fever = _FEVER_C[0] <= value <= _FEVER_C[1] or _FEVER_F[0] <= value <= _FEVER_F[1]
            return ("feverdegrees",) if fever else ()
    upper, found, lower = token.partition("/")
    if found and upper.isdigit() and lower.isdigit():
        high = _SYSTOLIC_MMHG[0] <= int(upper) <= _SYSTOLIC_MMHG[1]
        if high and _DIASTOLIC_MMHG[0] <= int(lower) <= _DIASTOLIC_MMHG[1]:
            return ("highpressure",)
        return ("maybepressure",) if _SYSTOLIC_CM[0] <= int(upper) <= _SYSTOLIC_CM[1] else ()
    return _bare(int(token)) if token.isdigit() else ()


def _bare(value: int) -> tuple[str, ...]:
    names = []
    if _FEVER_C[0] <= value <= _FEVER_C[1] or _FEVER_F[0] <= value <= _FEVER_F[1]:
        names.append("maybefever")
    if _SYSTOLIC_MMHG[0] <= value <= _SYSTOLIC_MMHG[1] or _SYSTOLIC_CM[0] <= value <= _SYSTOLIC_CM[1]:
        names.append("maybepressure")
    return tuple(names)
