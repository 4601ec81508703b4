"""`python -m local.serve` with the toy for its app."""

import sys
from types import ModuleType

from local.serve import main
from tests.local.toy import toy_app


class _Lazy(ModuleType):
    """Made when first asked for, as importing the real `app` is: after the environment is set."""

    @property
    def app(self):
        return toy_app()


sys.modules["app"] = _Lazy("app")

if __name__ == "__main__":
    sys.exit(main())
