# Pays one URL with the x402 package from PyPI, and prints the receipt as its last line.
import asyncio
import json
import os
import sys

import httpx
from eth_account import Account
from x402 import x402Client
from x402.http import decode_payment_response_header
from x402.http.clients import x402_httpx_transport
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client


async def main(url):
    client = x402Client()
    register_exact_evm_client(client, EthAccountSigner(Account.from_key(os.environ["EVM_PRIVATE_KEY"])))
    async with httpx.AsyncClient(timeout=60, transport=x402_httpx_transport(client)) as http:
        response = await http.get(url)
    receipt = response.headers.get("PAYMENT-RESPONSE")
    if response.status_code != 200 or receipt is None:
        print(response.status_code, response.text)
        return 1
    print(json.dumps(decode_payment_response_header(receipt).model_dump(exclude_none=True)))
    return 0


sys.exit(asyncio.run(main(sys.argv[1])))
