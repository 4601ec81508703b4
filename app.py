"""Every function this service becomes, at one glance. No decisions here: each hands over and is done.

Start reading here: `deliver` is what sends, `tick` is what wakes it, and the routes are in `chalicelib/web/routes.py`.
"""

import os

from chalice.app import Chalice, CloudWatchEvent, Cron, Rate, SQSEvent

from chalicelib.web.routes import register

app = Chalice(app_name="ranvier")
register(app)

# What sends, hears receipts and imports is held to a part of Lambda's thousand at once, so that it never crowds out the
# API, what patients write (`hear`), and pages (`escalate`), which have no such bound.

# Chalice binds a queue by name when it imports this file: the one setting that is read at import.
QUEUES = os.environ.get("RANVIER_QUEUE_PREFIX", "ranvier-dev")


@app.schedule(Rate(1, unit=Rate.MINUTES), name="tick")
def tick(_: CloudWatchEvent) -> None:
    from chalicelib.events import run_tick

    run_tick()


@app.schedule(Rate(10, unit=Rate.MINUTES), name="sweep")
def sweep(_: CloudWatchEvent) -> None:
    from chalicelib.events import run_sweep

    run_sweep()


@app.schedule(Cron(0, 6, "*", "*", "?", "*"), name="reconcile")
def reconcile(_: CloudWatchEvent) -> None:
    from chalicelib.events import run_reconcile

    run_reconcile()


@app.on_sqs_message(queue=f"{QUEUES}-deliver", batch_size=1, maximum_concurrency=200, name="deliver")
def deliver(event: SQSEvent) -> None:
    from chalicelib.domain.ids import digest
    from chalicelib.events import run_deliver

    for record in event:
        run_deliver(record.body, digest(record.receipt_handle))


@app.on_sqs_message(queue=f"{QUEUES}-hear", batch_size=1, name="hear")
def hear(event: SQSEvent) -> None:
    from chalicelib.events import run_hear

    for record in event:
        run_hear(record.body)


@app.on_sqs_message(queue=f"{QUEUES}-note", batch_size=1, maximum_concurrency=50, name="note")
def note(event: SQSEvent) -> None:
    from chalicelib.events import run_note

    for record in event:
        run_note(record.body)


@app.on_sqs_message(queue=f"{QUEUES}-escalate", batch_size=1, name="escalate")
def escalate(event: SQSEvent) -> None:
    from chalicelib.events import run_escalate

    for record in event:
        run_escalate(record.body)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="watch")
def watch(_: CloudWatchEvent) -> None:
    from chalicelib.events import run_watch

    run_watch()


@app.on_sqs_message(queue=f"{QUEUES}-import", batch_size=1, maximum_concurrency=5, name="import")
def import_(event: SQSEvent) -> None:
    from chalicelib.events import run_import

    for record in event:
        run_import(record.body)
