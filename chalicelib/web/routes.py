"""Every route of the API: what it is called, who may, and what answers it. One table, so that the matrix of routes,
roles and clinics, the published document and the service cannot differ."""

from chalice.app import Chalice

from chalicelib.web.door import Route, door
from chalicelib.web.routes_clinics import CLINICS
from chalicelib.web.routes_patients import PATIENTS
from chalicelib.web.routes_work import WORK

ROUTES: tuple[Route, ...] = (*CLINICS, *PATIENTS, *WORK)


def register(app: Chalice) -> None:
    """Hangs every route on the app."""
    for route in ROUTES:
        entrance = door(route, lambda: app.current_request)
        entrance.__name__ = route.view.replace(".", "_")
        app.route(
            route.path,
            methods=[route.method],
            name=entrance.__name__,
            **({"content_types": list(route.content_types)} if route.takes_body else {}),
        )(entrance)
