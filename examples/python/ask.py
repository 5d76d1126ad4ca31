"""Asks a gateway for a score, for some at once, and for that of a customer: `KLOUT_KEY=… ask.py HOST:PORT NETWORK:HANDLE…`."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "generated"))

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from klout.graph.v1 import graph_pb2
from klout.profile.v1 import lookup_service_pb2, lookup_service_pb2_grpc
from klout.score.v1 import score_service_pb2, score_service_pb2_grpc

# Seconds that a call may take, with all that is tried again.
DEADLINE = 2.0

# All three calls only read, so what is not available is asked again; gRPC heeds what the gateway says about when.
READS = [
    {"service": "klout.score.v1.ScoreService", "method": "GetScore"},
    {"service": "klout.score.v1.ScoreService", "method": "BatchLookupScores"},
    {"service": "klout.profile.v1.LookupService", "method": "ResolveAndGetScore"},
]
RETRIES = {
    "methodConfig": [
        {
            "name": READS,
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}


def reason(details):
    """The stable reason among the details of a status, such as PERSON_UNKNOWN."""
    info = error_details_pb2.ErrorInfo()
    return next((info.reason for detail in details if detail.Unpack(info)), None)


def told(score):
    """A score in a line; who has none has no number."""
    number = f"{score.score:.2f}" if score.HasField("score") else "-"
    return f"person {score.person or '(not told)'}: {score.state} {number}"


def try_to(what, call):
    """Prints what a call is answered, or the reason why it is not."""
    try:
        print(f"{what}: {call()}")
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        why = reason(status.details) if status else None
        print(f"{what}: {why or error.code().name}: {error.details()}")


def main(address, accounts):
    key = [("x-api-key", os.environ["KLOUT_KEY"])]
    said = {"timeout": DEADLINE, "metadata": key}
    names = []
    for account in accounts:
        network, handle = account.split(":", 1)
        names.append(graph_pb2.AccountName(network=network, handle=handle))

    options = [("grpc.service_config", json.dumps(RETRIES))]
    with grpc.insecure_channel(address, options) as channel:
        scores = score_service_pb2_grpc.ScoreServiceStub(channel)
        lookups = lookup_service_pb2_grpc.LookupServiceStub(channel)

        request = score_service_pb2.GetScoreRequest(account=names[0])
        try_to("a score", lambda: told(scores.GetScore(request, **said).score))

        nobody = score_service_pb2.GetScoreRequest(person="1")
        try_to("nobody's score", lambda: told(scores.GetScore(nobody, **said).score))

        subjects = [score_service_pb2.LookupSubject(account=name) for name in names]
        subjects.append(score_service_pb2.LookupSubject(person="1"))
        batch = score_service_pb2.BatchLookupScoresRequest(subjects=subjects)

        def rows():
            answered = scores.BatchLookupScores(batch, **said).results
            found = [
                told(row.score) if row.HasField("score") else reason(row.status.details)
                for row in answered
            ]
            return "; ".join(found)

        try_to("a batch", rows)

        customer = lookup_service_pb2.ResolveAndGetScoreRequest(accounts=names[:1])
        try_to("a customer", lambda: told(lookups.ResolveAndGetScore(customer, **said).score))

        refused = {"timeout": DEADLINE, "metadata": [("x-api-key", "wrong")]}
        try_to("a wrong key", lambda: told(scores.GetScore(request, **refused).score))


if __name__ == "__main__":
    if len(sys.argv) < 3 or "KLOUT_KEY" not in os.environ:
        sys.exit("usage: KLOUT_KEY=… ask.py HOST:PORT NETWORK:HANDLE…")
    main(sys.argv[1], sys.argv[2:])
