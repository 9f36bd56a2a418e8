"""x402 of PyPI: what its facilitator calls for a payment of an account without code."""

import sys
import time

from x402.http.utils import decode_payment_signature_header
from x402.mechanisms.evm.eip712 import hash_eip3009_authorization
from x402.mechanisms.evm.types import ExactEIP3009Payload
from x402.mechanisms.evm.verify import verify_eoa_signature


def right(header):
    payment = decode_payment_signature_header(header)
    accepted = payment.accepted
    payload = ExactEIP3009Payload.from_dict(payment.payload)
    digest = hash_eip3009_authorization(
        payload.authorization,
        int(accepted.network.split(":")[1]),
        accepted.asset,
        accepted.extra["name"],
        accepted.extra["version"],
    )
    signature = bytes.fromhex(payload.signature.removeprefix("0x"))
    return verify_eoa_signature(digest, signature, payload.authorization.from_address)


question = sys.stdin.readline().strip()
for line in sys.stdin:
    begin = time.process_time_ns()
    for _ in range(int(line)):
        if not right(question):
            raise SystemExit("refused")
    print(time.process_time_ns() - begin, flush=True)
