"""A task as an item: in the worklist, worst first, for as long as it is not closed."""

from chalicelib.adapters import keys
from chalicelib.adapters.documents import pack
from chalicelib.adapters.table import Item
from chalicelib.domain.local_time import utc_text
from chalicelib.service.chart import Task

TIERS = ("emergency", "urgent", "review_soon", "routine")


def task_item(task: Task) -> Item:
    key = keys.task(task.clinic_id, task.patient_id, task.id)
    item = {"pk": key.pk, "sk": key.sk, "doc": pack(task), "state": task.state}
    if task.state == "closed":
        return item
    order = f"{TIERS.index(task.tier)}#{task.due_on or '9'}#{utc_text(task.opened_at)}#{task.id}"
    return {**item, "work_pk": keys.open_tasks(task.clinic_id), "work_sk": order}
