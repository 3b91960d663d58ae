"""Several networks of a system side by side, each judged by itself. Needs no TensorFlow."""

from asc_tf.complexity.account import NETWORK
from asc_tf.complexity.rules import VERDICTS, verdicts
from asc_tf.terminal import table_text


def networks_table(accounts):
    """Parameters, bytes, MACs per 1 s and the verdict of the newest rules, one row a network.

    Args:
        accounts: {name: `Account`}.
    """
    rows = []
    for name, account in accounts.items():
        verdict = verdicts(account)[-1]
        stored, macs = (check.count for check in verdict.checks)
        shown = ["unknown" if count is None else f"{count:,}" for count in (stored, macs)]
        rows.append([name, f"{account.trainable_parameters(NETWORK):,}", *shown, VERDICTS[verdict.passes]])
    header = ["network", "parameters", "bytes at inference", "MACs per 1 s", f"DCASE {verdict.year}"]
    return table_text([header, *rows])
