// mppx: a credential, its challenge found to be ours, and its voucher.
import { Challenge, Credential } from "mppx";
import { createInterface } from "node:readline";
import {
  parseVoucherFromPayload,
  verifyVoucher,
} from "./node_modules/mppx/dist/tempo/legacy/session/Voucher.js";

const secretKey = process.env.SECRET;

async function right(header, escrow, signer) {
  const { challenge, payload } = Credential.deserialize(header);
  if (!Challenge.verify(challenge, { secretKey })) return false;
  const { channelId, cumulativeAmount, signature } = payload;
  const voucher = parseVoucherFromPayload(channelId, cumulativeAmount, signature);
  return verifyVoucher(escrow, 4217, voucher, signer);
}

let question;
for await (const line of createInterface({ input: process.stdin })) {
  if (question === undefined) {
    const [scheme, token, escrow, signer] = line.split(" ");
    question = [`${scheme} ${token}`, escrow, signer];
    continue;
  }
  const begin = process.cpuUsage();
  for (let left = Number(line); left > 0; left -= 1) {
    if (!(await right(...question))) throw new Error("refused");
  }
  const { user, system } = process.cpuUsage(begin);
  console.log((user + system) * 1000);
}
