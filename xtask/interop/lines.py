# Reads URLs, one a line, pays each with the x402 package from PyPI, and prints a line for each.
import asyncio
import os
import sys

import httpx
from eth_account import Account
from x402 import x402Client
from x402.http.clients import x402_httpx_transport
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client


async def main():
    client = x402Client()
    signer = EthAccountSigner(Account.from_key(os.environ["HTTP402_KEY"]))
    # The network is named, as a careful user does.
    register_exact_evm_client(client, signer, networks="eip155:84532")
    async with httpx.AsyncClient(timeout=10, transport=x402_httpx_transport(client)) as http:
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                response = await http.get(line.strip())
                said = f"{response.status_code} {len(response.content)} bytes"
            except Exception as error:
                said = f"{type(error).__name__}: {error}"[:200]
            print(" ".join(said.split()), flush=True)


asyncio.run(main())
