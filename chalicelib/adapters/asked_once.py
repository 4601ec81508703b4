"""What an AWS provider's answer, or the lack of one, says about a message asked for once."""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from chalicelib.service.ports import Accepted, Ambiguous, NotSent, Outcome

# No name, no route, no listener: not a byte of the request left.
_NEVER_CONNECTED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NO_ANSWER = (HTTPClientError, IncompleteReadError, ResponseParserError, SSLError)

# Below the shortest keep-alive of AWS's front ends. Past it, or after Lambda froze the function, a pooled
# connection may be dead without our knowing; a message written into it would be lost with no answer, and so
# be ambiguous.
_IDLE_S = 4.0


class Line:
    """A client whose connections are never old: asking on a dead one would leave the answer open."""

    def __init__(self, client: Any, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        # Wall time: the monotonic clock may stand still while Lambda has the function frozen.
        self._clock = clock
        self._used = clock()

    def ask(
        self,
        operation: str,
        request: dict[str, Any],
        refusal: Callable[[str, dict[str, Any]], NotSent],
    ) -> Outcome:
        """Ask once. `refusal` reads the provider's error code and body when it has said no.

        Raises what is neither: missing credentials, an unknown region.
        """
        if not 0 <= self._clock() - self._used < _IDLE_S:
            self._client.close()
        try:
            answer = getattr(self._client, operation)(**request)
        except ClientError as error:
            return _answered(error, refusal)
        except _NEVER_CONNECTED as error:
            return NotSent(code=type(error).__name__, retry=True)
        except _NO_ANSWER as error:
            return Ambiguous(code=type(error).__name__)
        finally:
            self._used = self._clock()
        if "MessageId" not in answer:
            return Ambiguous(code="NoMessageId")
        return Accepted(provider_id=answer["MessageId"])


def _answered(error: ClientError, refusal: Callable[[str, dict[str, Any]], NotSent]) -> Outcome:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.response.get("Error", {}).get("Code", "")) or str(status)
    # A 408 says that the request was not read to its end, not that nobody acted on it.
    if 400 <= status < 500 and status != 408:
        return refusal(code, error.response)
    return Ambiguous(code=code)
