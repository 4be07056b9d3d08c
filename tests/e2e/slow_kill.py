"""Killed two hundred times under load: nothing that was answered 2xx is lost."""

from test_inbox import kill_again_and_again

ROUNDS = 200


def test_two_hundred_kills(binary):
    # paced so that all marks have room in the tenant's store: 10,000
    taken, starts = kill_again_and_again(binary, ROUNDS, pause=0.015)
    starts.sort()
    print(f"# {ROUNDS} kills, {len(taken)} events answered 2xx, none lost; start to ready: "
          f"p50 {starts[ROUNDS // 2]:.0f} ms, p99 {starts[ROUNDS * 99 // 100]:.0f} ms", flush=True)
    assert len(taken) > ROUNDS * 5


test_two_hundred_kills.seconds = 240
