"""Every route of the API: what it is called, who may, and what answers it. One table, so that the matrix of routes,
roles and clinics, the published document and the service cannot differ."""

from chalice.app import Chalice

from chalicelib.web.access import ADMINS, KEY_MAKERS, OPERATORS, PUBLIC, STAFF, WRITERS
from chalicelib.web.door import Route, door

ROUTES = (
    Route(method="GET", path="/health", roles=PUBLIC, view="public.health", summary="Whether the service answers"),
    Route(method="POST", path="/clinics", roles=OPERATORS, view="clinics.create", body="NewClinic"),
    Route(method="GET", path="/clinics", roles=OPERATORS, view="clinics.listed"),
    Route(method="POST", path="/clinics/{clinic_id}/keys", roles=KEY_MAKERS, view="clinics.create_key", body="NewKey"),
    Route(method="DELETE", path="/clinics/{clinic_id}/keys/{key_id}", roles=KEY_MAKERS, view="clinics.revoke_key"),
    Route(method="GET", path="/clinic", roles=ADMINS, view="clinics.own"),
    Route(method="POST", path="/clinic/stop", roles=ADMINS, view="clinics.stop", body="Stop"),
    Route(method="POST", path="/clinic/start", roles=ADMINS, view="clinics.start"),
    Route(method="GET", path="/protocols", roles=STAFF, view="protocols.listed"),
    Route(method="GET", path="/protocols/{protocol_id}", roles=STAFF, view="protocols.one"),
    Route(method="POST", path="/patients", roles=WRITERS, view="patients.enrol", body="NewPatient"),
    Route(method="GET", path="/patients", roles=STAFF, view="patients.listed"),
    Route(method="GET", path="/patients/{patient_id}", roles=STAFF, view="patients.one"),
    Route(method="GET", path="/patients/{patient_id}/timeline", roles=STAFF, view="patients.timeline"),
    Route(method="GET", path="/patients/{patient_id}/appointments", roles=STAFF, view="appointments.listed"),
    Route(
        method="POST",
        path="/patients/{patient_id}/appointments",
        roles=WRITERS,
        view="appointments.book",
        body="NewAppointment",
    ),
    Route(
        method="PATCH",
        path="/patients/{patient_id}/appointments/{appointment_id}",
        roles=WRITERS,
        view="appointments.alter",
        body="AppointmentChange",
    ),
    Route(method="GET", path="/tasks", roles=STAFF, view="tasks.listed"),
)


def register(app: Chalice) -> None:
    """Hangs every route on the app."""
    for route in ROUTES:
        entrance = door(route, lambda: app.current_request)
        entrance.__name__ = route.view.replace(".", "_")
        takes_body = route.method in ("POST", "PUT", "PATCH")
        app.route(
            route.path,
            methods=[route.method],
            name=entrance.__name__,
            **({"content_types": list(route.content_types)} if takes_body else {}),
        )(entrance)
