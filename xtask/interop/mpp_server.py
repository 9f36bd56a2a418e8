# Sells two routes with the pympp package from PyPI: /pull, and /sponsored whose fee it pays.
import os

import uvicorn
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import server as tempo
from mpp.server import Mpp, pay
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

PATH_USD = "0x20c0000000000000000000000000000000000000"


def seller(**more):
    methods = tempo.charge(
        recipient=os.environ["TEMPO_PAYEE"],
        chain_id=42431,
        rpc_url=os.environ["TEMPO_RPC_URL"],
        currencies=[PATH_USD],
        **more,
    )
    return Mpp(methods=methods, realm="127.0.0.1")


plain = seller()
sponsored = seller(fee_payer=TempoAccount.from_key(os.environ["TEMPO_SPONSOR_KEY"]))


@pay(plain.charge(amount="0.01"))
async def sell(request, credential, receipt):
    return JSONResponse({"ok": True})


@pay(sponsored.charge(amount="0.01", fee_payer=True))
async def sell_sponsored(request, credential, receipt):
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route("/pull", sell), Route("/sponsored", sell_sponsored)])
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]))
