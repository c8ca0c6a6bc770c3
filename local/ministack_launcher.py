"""Starts MiniStack with four things that it has no setting for, so that it behaves as AWS does:

- EventBridge Scheduler looks for due schedules every second instead of every ten;
- an SQS FIFO event source has several batches in flight. MiniStack allows one, whatever the message groups; AWS runs
  as many as there are groups. Receiving locks a group until its messages are deleted or visible again, under one lock
  for the queue, so two batches never hold the same group and each group stays in order;
- the bug that a batch's messages are deleted by the receipt handle that they have when the batch ends: a message that
  became visible and was received again meanwhile would be deleted under its new holder. The handles are kept as they
  were when the batch began, and an outdated handle deletes nothing, as on AWS;
- the bug that of a DynamoDB stream only the position of its reader outlives a stop and a start, not its records: the
  reader would wait for as many new ones as there had been before, and never see those in between. Both are kept.

Each patched name is checked first, and so is the version: another version may work otherwise.
"""

import copy
import importlib.metadata
import inspect
import os
import sys

PINNED_VERSION = "1.5.33"
SCHEDULER_TICK_SECONDS = 1


def fail(message):
    sys.exit(f"ministack_launcher: {message}")


def require(module, name, parameters=None):
    value = getattr(module, name, None)
    if value is None:
        fail(f"{module.__name__}.{name} does not exist; look at the patches again for this version.")
    if parameters is not None and list(inspect.signature(value).parameters) != parameters:
        fail(f"{module.__name__}.{name} takes other parameters than {parameters}; look at the patches again.")
    return value


def patch_scheduler():
    from ministack.services import scheduler

    require(scheduler, "_SCHEDULE_TICK_INTERVAL")
    scheduler._SCHEDULE_TICK_INTERVAL = SCHEDULER_TICK_SECONDS


def patch_fifo_concurrency():
    from ministack.services import lambda_svc, sqs

    original = require(lambda_svc, "_sqs_esm_concurrency", ["esm", "func_rec", "config", "queue"])
    require(sqs, "_collect_fifo", ["q", "max_n", "vis_timeout", "now"])
    require(sqs, "_receive_messages_for_esm", ["queue_url", "max_number"])

    def concurrency(esm, func_rec, config, queue=None):
        # Without its queue the original takes a FIFO source for a standard one: MaximumConcurrency, else its default.
        return original(esm, func_rec, config, None)

    lambda_svc._sqs_esm_concurrency = concurrency


def patch_batch_receipts():
    from ministack.services import lambda_svc

    original = require(
        lambda_svc, "_run_sqs_batch", ["esm", "func_rec", "event", "batch", "queue_url", "queue_name"]
    )

    def run_batch(esm, func_rec, event, batch, queue_url, queue_name):
        handles = {record["messageId"]: record["receiptHandle"] for record in event["Records"]}
        as_received = [
            {**message, "receipt_handle": handles.get(message["id"], message["receipt_handle"])} for message in batch
        ]
        original(esm, func_rec, event, as_received, queue_url, queue_name)

    lambda_svc._run_sqs_batch = run_batch


def patch_stream_persistence():
    from ministack.services import dynamodb

    original_get = require(dynamodb, "get_state", [])
    original_load = require(dynamodb, "load_persisted_state", ["data"])
    streams = {"stream_records": require(dynamodb, "_stream_records"), "stream_trimmed": require(dynamodb, "_stream_trimmed")}

    def get_state():
        return {**original_get(), **{name: copy.deepcopy(store) for name, store in streams.items()}}

    def load_persisted_state(data):
        original_load(data)
        for name, store in streams.items():
            store.update((data or {}).get(name, {}))

    dynamodb.get_state = get_state
    dynamodb.load_persisted_state = load_persisted_state


def main():
    version = importlib.metadata.version("ministack")
    if version != PINNED_VERSION:
        fail(f"version {version} is installed, {PINNED_VERSION} is pinned.")
    if os.environ.get("AWS_ENDPOINT_URL"):
        fail("AWS_ENDPOINT_URL must not be set: every function would inherit it.")
    patch_scheduler()
    patch_fifo_concurrency()
    patch_batch_receipts()
    patch_stream_persistence()
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
