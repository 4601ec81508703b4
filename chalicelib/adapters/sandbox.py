"""The sandbox: providers of a stage that may reach the people on its list and nobody else.

It stands before the providers themselves, so that whatever is ever sent passes it: reminders, replies, pages to staff.
"""

from collections.abc import Set

from chalicelib.service.ports import SANDBOX, Email, EmailProvider, NotSent, Outcome, Sms, SmsProvider

_KEPT_BACK = NotSent(code=SANDBOX, permanent=True)


class SandboxedSms(SmsProvider):
    def __init__(self, provider: SmsProvider, reachable: Set[str]) -> None:
        self._provider, self._reachable = provider, reachable

    def send(self, sms: Sms) -> Outcome:
        return self._provider.send(sms) if sms.to in self._reachable else _KEPT_BACK


class SandboxedEmail(EmailProvider):
    def __init__(self, provider: EmailProvider, reachable: Set[str]) -> None:
        self._provider, self._reachable = provider, frozenset(address.casefold() for address in reachable)

    def send(self, email: Email) -> Outcome:
        return self._provider.send(email) if email.to.casefold() in self._reachable else _KEPT_BACK
