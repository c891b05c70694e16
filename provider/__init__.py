"""pulumi-resource-pyinfra: pyinfra deploys as Pulumi resources, with previews of running machines.

The provider process (`python -m provider`) speaks gRPC with the Pulumi engine. pyinfra never runs
in it: gevent breaks gRPC. Each Deploy runs in a child process of its own
(`python -m provider.child`) that reads one JSON document and writes one.
"""
