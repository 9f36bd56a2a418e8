// Reads URLs, one a line, pays each with a client from npm, and prints a line for each: `node lines.mjs v2` or `v1`.
import readline from 'node:readline'
import { privateKeyToAccount } from 'viem/accounts'
import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment } from '@x402/fetch'
import { wrapFetchWithPayment as legacyFetch } from 'x402-fetch'

const account = privateKeyToAccount(process.env.HTTP402_KEY)
// The network is named, as a careful user does.
const second = () => wrapFetchWithPayment(fetch, new x402Client().register('eip155:84532', new ExactEvmScheme(account)))
const pay = process.argv[2] === 'v1' ? legacyFetch(fetch, account) : second()

for await (const url of readline.createInterface({ input: process.stdin })) {
  let said
  try {
    const response = await pay(url, { signal: AbortSignal.timeout(10_000) })
    said = `${response.status} ${(await response.text()).length} bytes`
  } catch (error) {
    said = `${error.name}: ${error.message}`.slice(0, 200)
  }
  console.log(said.replaceAll(/\s+/g, ' '))
}
