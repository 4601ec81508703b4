"""A task as an item: in the list of the clinic's tasks of its state, worst first."""

from chalicelib.adapters import keys
from chalicelib.adapters.documents import ending, pack
from chalicelib.adapters.table import Item
from chalicelib.service.chart import Task


def task_item(task: Task) -> Item:
    key = keys.task(task.clinic_id, task.patient_id, task.id)
    return {
        "pk": key.pk,
        "sk": key.sk,
        "doc": pack(task, without=("kept_until",)),
        "state": task.state,
        "work_pk": keys.tasks(task.clinic_id, task.state),
        "work_sk": task.order,
        **ending(task.kept_until),
    }
