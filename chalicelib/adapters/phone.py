"""Phone numbers as people write them, read into E.164."""


def read_phone(text: str, country: str) -> str | None:
    """The number in E.164, national forms read as of `country`; None for what can be nobody's number."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    # `possible`, not `valid`: numbering plans gain ranges faster than their data, and the documentation's own
    # numbers (+1 202 555 01xx) count as invalid.
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
