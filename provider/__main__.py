"""`python -m provider ENGINE_ADDRESS`: started by the Pulumi engine."""

import argparse
import asyncio

from provider.server import serve


def main() -> None:
    """Serve the engine at the address that it gives."""
    parser = argparse.ArgumentParser(prog="pulumi-resource-pyinfra", description=__doc__)
    parser.add_argument("engine", help="address of the engine's gRPC service")
    arguments, _ = parser.parse_known_args()
    asyncio.run(serve(arguments.engine))


main()
