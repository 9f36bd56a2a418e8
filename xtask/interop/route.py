# The clients of x402 and pympp from PyPI: `route.py SPEAKS URL` pays one URL, and prints status, headers and body as its last
# line. `route.py sell` sells /sold as an evm/charge, settled by a facilitator.
import asyncio
import json
import os
import sys

import httpx
from eth_account import Account

USDC = {"name": "USDC", "version": "2"}


def x402_client(limit):
    from x402 import x402Client
    from x402.http.clients import x402_httpx_transport
    from x402.mechanisms.evm import EthAccountSigner
    from x402.mechanisms.evm.exact import register_exact_evm_client

    client = x402Client()
    register_exact_evm_client(client, EthAccountSigner(Account.from_key(os.environ["EVM_PRIVATE_KEY"])))
    if limit:
        client.set_spend_controls({"max_amount_per_payment": limit})
    return x402_httpx_transport(client)


def mpp_client(speaks):
    from mpp.client import PaymentTransport
    from mpp.methods.evm import client as evm
    from mpp.methods.tempo import TempoAccount
    from mpp.methods.tempo import client as tempo

    key = os.environ["EVM_PRIVATE_KEY"]
    if speaks == "tempo":
        # The windows of anvil's Tempo are those of a chain before its last fork.
        tempo.EXPIRING_NONCE_VALID_BEFORE_SECS = 25
        methods = [tempo.charge(account=TempoAccount.from_key(key), rpc_url=os.environ["TEMPO_RPC_URL"])]
    else:
        chain = {"evm": 84532, "none": 8453}[speaks]
        token = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
        account = Account.from_key(key)
        methods = [evm.charge(currency=token, chain_id=chain, decimals=6, authorization=USDC, account=account)]
    return PaymentTransport(methods=methods)


async def pay(speaks, url):
    limits = {"x402": None, "x402-poor": "$0.001"}
    transport = x402_client(limits[speaks]) if speaks in limits else mpp_client(speaks)
    try:
        async with httpx.AsyncClient(timeout=60, transport=transport) as http:
            response = await http.get(url)
        said = {"status": response.status_code, "headers": dict(response.headers), "text": response.text}
    except Exception as error:
        said = {"status": f"{type(error).__name__}: {error}", "headers": {}, "text": ""}
    print(json.dumps(said))


def sell():
    import uvicorn
    from mpp.methods.evm import BASE_SEPOLIA_USDC
    from mpp.methods.evm import server as evm
    from mpp.server import Mpp
    from mpp.server import pay as priced
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    methods = evm.charge(
        currency=BASE_SEPOLIA_USDC,
        recipient=os.environ["EVM_PAYEE_ADDRESS"],
        facilitator=os.environ["FACILITATOR_URL"],
    )
    seller = Mpp(methods=methods, realm="127.0.0.1")

    @priced(seller.charge(amount="0.01"))
    async def sold(request, credential, receipt):
        return JSONResponse({"ok": True})

    uvicorn.run(Starlette(routes=[Route("/sold", sold)]), host="127.0.0.1", port=int(os.environ["PORT"]))


if sys.argv[1] == "sell":
    sell()
else:
    asyncio.run(pay(sys.argv[1], sys.argv[2]))
