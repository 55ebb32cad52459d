"""What a child does with files on a server for S3 on this machine, which is a process of its own."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from bench.measure import run
from bench.place import child, cli, coefficients

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def serve(folder: str) -> None:
    """Serve the files of a folder from a bucket until the input ends; print the address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    bucket = boto3.resource("s3", endpoint_url=address).Bucket("bench")
    bucket.create()
    for file in Path(folder).iterdir():
        bucket.put_object(Key=file.name, Body=file.read_bytes())
    print(address, flush=True)
    sys.stdin.read()
    os._exit(0)


def fit(folder: str, target: str, repeat: str) -> None:
    """Serve the files of a folder, and time processes that fit them; one before them is not counted."""
    for module in ("moto", "s3fs"):
        if find_spec(module) is None:  # an import would add to the memory that children seem to hold
            raise ModuleNotFoundError(f"No module named {module!r}")
    os.environ |= ENVIRONMENT
    server = subprocess.Popen(
        child("buckets", "serve", folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        os.environ["AWS_ENDPOINT_URL"] = server.stdout.readline().strip()
        saved = Path(folder).with_suffix(".json")
        command = cli("fit", "s3://bench/*.csv", "--target", target, "--save", saved)
        runs = [run(command) for _ in range(int(repeat) + 1)][1:]
    seconds, peak = [ended.seconds for ended in runs], max((ended.peak for ended in runs), default=0)
    print(json.dumps({"seconds": seconds, "peak": peak, "answer": coefficients(saved)}))


TASKS = {function.__name__: function for function in (serve, fit)}

if __name__ == "__main__":
    TASKS[sys.argv[1]](*sys.argv[2:])
