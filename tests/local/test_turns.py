import threading
from itertools import pairwise

from local.turns import Turns


def test_two_threads_take_turns_call_by_call():
    turns, calls = Turns(2), []

    def work(name, steps):
        with turns.taking():
            for _ in range(steps):
                turns.wait()
                calls.append(name)

    threads = [threading.Thread(target=work, args=(name, steps)) for name, steps in (("a", 3), ("b", 6))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared, alone = calls[:6], calls[6:]
    assert sorted(shared[:2]) == ["a", "b"]
    assert all(earlier != later for earlier, later in pairwise(shared))
    assert alone == ["b"] * 3


def test_a_thread_outside_is_not_held_up():
    Turns(2).wait()
