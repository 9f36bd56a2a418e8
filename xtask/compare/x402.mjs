// @x402/core and @x402/evm with viem: what the facilitator of these packages calls for a payment of an account without code.
import { decodePaymentSignatureHeader } from "@x402/core/http";
import { authorizationTypes } from "@x402/evm";
import { createInterface } from "node:readline";
import { getAddress, verifyTypedData } from "viem";

async function right(header) {
  const { accepted, payload } = decodePaymentSignatureHeader(header);
  const signed = payload.authorization;
  return verifyTypedData({
    address: signed.from,
    types: authorizationTypes,
    primaryType: "TransferWithAuthorization",
    domain: {
      name: accepted.extra.name,
      version: accepted.extra.version,
      chainId: Number(accepted.network.split(":")[1]),
      verifyingContract: getAddress(accepted.asset),
    },
    message: {
      from: signed.from,
      to: getAddress(signed.to),
      value: BigInt(signed.value),
      validAfter: BigInt(signed.validAfter),
      validBefore: BigInt(signed.validBefore),
      nonce: signed.nonce,
    },
    signature: payload.signature,
  });
}

let question;
for await (const line of createInterface({ input: process.stdin })) {
  if (question === undefined) {
    question = line;
    continue;
  }
  const begin = process.cpuUsage();
  for (let left = Number(line); left > 0; left -= 1) {
    if (!(await right(question))) throw new Error("refused");
  }
  const { user, system } = process.cpuUsage(begin);
  console.log((user + system) * 1000);
}
