# A seller with the x402 package from PyPI on FastAPI: /protected costs $0.001.
import os

import uvicorn
from fastapi import FastAPI
from x402.http import FacilitatorConfig, HTTPFacilitatorClient, PaymentOption
from x402.http.middleware.fastapi import PaymentMiddlewareASGI
from x402.http.types import RouteConfig
from x402.mechanisms.evm.exact import ExactEvmServerScheme
from x402.server import x402ResourceServer

app = FastAPI()
server = x402ResourceServer(HTTPFacilitatorClient(FacilitatorConfig(url=os.environ["FACILITATOR_URL"])))
server.register("eip155:84532", ExactEvmServerScheme())
price = PaymentOption(scheme="exact", pay_to=os.environ["ADDRESS"], price="$0.001", network="eip155:84532")
app.add_middleware(PaymentMiddlewareASGI, routes={"GET /protected": RouteConfig(accepts=[price])}, server=server)


@app.get("/protected")
async def protected():
    return {"message": "py"}


@app.get("/health")
async def health():
    return {"status": "ok"}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error", access_log=False)
