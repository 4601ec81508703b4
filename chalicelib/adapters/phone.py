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


def country_of(number: str) -> str | None:
    """The ISO 3166 code of the country an E.164 number belongs to; None where that cannot be told.

    Where several share a calling code (+1) the area code decides; one that is none yet counts for the main country.
    """
    import phonenumbers

    parsed = phonenumbers.parse(number)
    found = phonenumbers.region_code_for_number(parsed)
    if found is None and parsed.country_code is not None:
        found = phonenumbers.region_code_for_country_code(parsed.country_code)
    return str(found) if found and found != "ZZ" else None
