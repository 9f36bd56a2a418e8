// The peers from npm and our programs, crosswise, on anvil with real USDC, and every payment checked on the chain.
// Run by `cargo xtask interop`, which copies this beside the installed packages. EXAMPLES is where our programs are.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import express from 'express'
import { createPublicClient, createWalletClient, erc20Abi, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { x402Client } from '@x402/core/client'
import { x402Facilitator } from '@x402/core/facilitator'
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as ClientScheme } from '@x402/evm/exact/client'
import { ExactEvmScheme as FacilitatorScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmSchemeV1 as FacilitatorSchemeV1 } from '@x402/evm/exact/v1/facilitator'
import { ExactEvmScheme as ServerScheme } from '@x402/evm/exact/server'
import { paymentMiddleware } from '@x402/express'
import { wrapFetchWithPayment } from '@x402/fetch'
import { paymentMiddleware as legacyMiddleware } from 'x402-express'
import { wrapFetchWithPayment as legacyFetch } from 'x402-fetch'
import { conform } from './conform.mjs'
import { USDC, account, anvil, atEnd, freePort, installUsdc, key, listen, ours } from './rig.mjs'

const NETWORK = 'eip155:84532'
const [GAS, PAYEE, PAYER] = [0, 1, 2]
// Who pays in the attack suite, each target by an account of its own: its balance is what is counted.
const ATTACKERS = [2, 5, 6, 7]
const payee = account(PAYEE).address

// The chain: anvil with Circle's contract at its address.
const rpc = await anvil('--chain-id', '84532')
await installUsdc(rpc, ATTACKERS)
const transport = http(rpc)
const chain = createPublicClient({ chain: baseSepolia, transport })
const balance = who => chain.readContract({ address: USDC, abi: erc20Abi, functionName: 'balanceOf', args: [account(who).address] })

// --- ours ---

async function ourFacilitator() {
  const port = await freePort()
  await ours('e2e_facilitator', { PORT: `${port}`, EVM_NETWORK: NETWORK, EVM_PRIVATE_KEY: key(GAS), EVM_RPC_URL: rpc }, 'Facilitator listening')
  return `http://127.0.0.1:${port}`
}

async function ourServer(facilitator, more = {}) {
  const port = await freePort()
  await ours('e2e_server', { PORT: `${port}`, EVM_NETWORK: NETWORK, EVM_PAYEE_ADDRESS: payee, FACILITATOR_URL: facilitator, ...more }, 'Server listening')
  return `http://127.0.0.1:${port}`
}

async function ourClient(server) {
  const { code, said } = await ours('e2e_client', { EVM_PRIVATE_KEY: key(PAYER), RESOURCE_SERVER_URL: server, ENDPOINT_PATH: '/protected' })
  if (code !== 0) throw new Error(said)
  return JSON.parse(said.trim().split('\n').at(-1)).payment_response.transaction
}

// --- TypeScript, 2.27.0 and the legacy packages 1.2.0 ---

async function tsFacilitator(index = 3) {
  // An account of its own: two facilitators must not share a nonce.
  const wallet = createWalletClient({ account: account(index), chain: baseSepolia, transport, pollingInterval: 50 }).extend(publicActions)
  const signer = toFacilitatorEvmSigner({ address: account(index).address, ...wallet })
  const facilitator = new x402Facilitator()
  facilitator.register(NETWORK, new FacilitatorScheme(signer)).registerV1(['base-sepolia'], new FacilitatorSchemeV1(signer))
  const app = express().use(express.json())
  for (const call of ['verify', 'settle']) {
    app.post(`/${call}`, async (request, response) => {
      try {
        response.json(await facilitator[call](request.body.paymentPayload, request.body.paymentRequirements))
      } catch (error) {
        response.status(500).json({ error: error.message })
      }
    })
  }
  app.get('/supported', (_, response) => response.json(facilitator.getSupported()))
  return listen(app)
}

async function tsServer(facilitator) {
  const server = new x402ResourceServer([new HTTPFacilitatorClient({ url: facilitator })]).register('eip155:*', new ServerScheme())
  const app = express()
  app.use(paymentMiddleware({ 'GET /protected': { accepts: { scheme: 'exact', network: NETWORK, payTo: payee, price: '$0.001' } } }, server))
  app.get('/protected', (_, response) => response.json({ message: 'ts' }))
  return listen(app)
}

async function legacyServer(facilitator) {
  const app = express()
  app.use(legacyMiddleware(payee, { 'GET /protected': { price: '$0.001', network: 'base-sepolia' } }, { url: facilitator }))
  app.get('/protected', (_, response) => response.json({ message: 'legacy' }))
  return listen(app)
}

async function pythonServer(facilitator) {
  const port = await freePort()
  const env = { ...process.env, PORT: `${port}`, ADDRESS: payee, FACILITATOR_URL: facilitator }
  const child = spawn(process.env.PYTHON, ['server.py'], { env, stdio: ['ignore', 'ignore', 'ignore'] })
  atEnd(() => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(`${url}/health`).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error(`the Python server ended with ${child.exitCode}`)
    await new Promise(done => setTimeout(done, 50))
  }
  return url
}

async function fetched(pay, server, header) {
  const response = await pay(`${server}/protected`, {})
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${text}`)
  const receipt = JSON.parse(Buffer.from(response.headers.get(header), 'base64').toString())
  if (receipt.success !== true) throw new Error(JSON.stringify(receipt))
  return receipt.transaction
}

const tsClient = server => {
  const client = new x402Client().register('eip155:*', new ClientScheme(account(PAYER)))
  return fetched(wrapFetchWithPayment(fetch, client), server, 'payment-response')
}

const legacyClient = server => fetched(legacyFetch(fetch, privateKeyToAccount(key(PAYER))), server, 'x-payment-response')

async function pythonClient(server) {
  const child = spawn(process.env.PYTHON, ['client.py', `${server}/protected`], { env: { ...process.env, EVM_PRIVATE_KEY: key(PAYER) }, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', data => (said += data))
  const code = await new Promise(done => child.on('exit', done))
  if (code !== 0) throw new Error(`python ended with ${code}: ${said}`)
  return JSON.parse(said.trim().split('\n').at(-1)).transaction
}

// --- the cases ---

let failed = 0
async function one(name, run) {
  const before = [await balance(PAYER), await balance(PAYEE)]
  try {
    const transaction = await run()
    const receipt = await chain.getTransactionReceipt({ hash: transaction })
    const moved = [before[0] - (await balance(PAYER)), (await balance(PAYEE)) - before[1]]
    if (receipt.status !== 'success' || moved[0] !== 1000n || moved[1] !== 1000n) throw new Error(`moved ${moved}`)
    console.log(`ok      ${name}: 1000 units in ${transaction}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED  ${name}: ${error.stack ?? error}`)
  }
}

/** A body of a 402 that makes the legacy client throw before it pays; ours pays the offer that it can read. */
async function oddBody(name, change, facilitator) {
  const server = await legacyServer(facilitator)
  const app = express()
  app.get('/protected', async (request, response) => {
    const paid = request.get('x-payment')
    const answer = await fetch(`${server}/protected`, { headers: paid ? { 'x-payment': paid } : {} })
    const body = await answer.json()
    for (const name of ['x-payment-response']) if (answer.headers.get(name)) response.set(name, answer.headers.get(name))
    response.status(answer.status).json(answer.status === 402 ? change(body) : body)
  })
  const odd = await listen(app)
  await one(`our client → a v1 402 with ${name}`, () => ourClient(odd))
  const before = await balance(PAYER)
  const thrown = await legacyClient(odd).then(() => null, error => error)
  if (thrown && (await balance(PAYER)) === before) return console.log(`ok      the legacy client throws on ${name}: ${`${thrown.message}`.replaceAll(/\s+/g, ' ').slice(0, 80)}`)
  failed += 1
  console.log(`FAILED  the legacy client did not throw on ${name}: ours need not avoid it`)
}

/** What ours sends: nothing of what makes real clients throw, with offers on networks that they do not know beside theirs. */
async function ourBody(server) {
  const response = await fetch(`${server}/protected`)
  const body = await response.json()
  const offers = JSON.parse(Buffer.from(response.headers.get('payment-required'), 'base64').toString())
  const nulls = JSON.stringify([body, offers]).includes('null')
  const absolute = [offers.resource.url, ...body.accepts.map(it => it.resource)].every(it => URL.canParse(it))
  const known = body.accepts.every(it => ['base', 'base-sepolia'].includes(it.network) && typeof it.description === 'string' && typeof it.mimeType === 'string')
  if (response.status === 402 && !nulls && absolute && known && offers.accepts.length === 3) return console.log('ok      our 402 with three offers has no null, no relative resource, no foreign network in v1')
  failed += 1
  console.log(`FAILED  our 402: ${JSON.stringify([response.status, body, offers])}`)
}

const [mine, theirs] = [await ourFacilitator(), await tsFacilitator()]
const shop = await ourServer(mine)
const shopOverTs = await ourServer(theirs)
await one('ours throughout', () => ourClient(shop))
await one('our client → TypeScript server → our facilitator', async () => ourClient(await tsServer(mine)))
await one('our client → TypeScript server → TypeScript facilitator', async () => ourClient(await tsServer(theirs)))
await one('TypeScript client → our server → TypeScript facilitator', () => tsClient(shopOverTs))
await one('TypeScript client → our server → our facilitator', () => tsClient(shop))
await one('v1: legacy client → our server → our facilitator', () => legacyClient(shop))
await one('v1: legacy client → our server → TypeScript facilitator', () => legacyClient(shopOverTs))
await one('v1: our client → legacy server → our facilitator', async () => ourClient(await legacyServer(mine)))
await oddBody('null members', body => ({ ...body, payer: null, accepts: body.accepts.map(it => ({ ...it, outputSchema: null })) }), mine)
await oddBody('a relative resource', body => ({ ...body, accepts: body.accepts.map(it => ({ ...it, resource: '/protected' })) }), mine)
await oddBody('an offer on a foreign network', body => ({ ...body, accepts: [{ ...body.accepts[0], network: 'atlantis' }, ...body.accepts] }), mine)
await one('Python client → our server', () => pythonClient(shop))
// One 402 with offers that each client has to step over: an unknown chain, and a token that is not among its own.
const many = await ourServer(mine, { EVM_ALSO: `eip155:424242/${USDC} eip155:8453/0x00000000000000000000000000000000000000aa` })
await ourBody(many)
await one('our client → our server with three offers', () => ourClient(many))
await one('TypeScript client → our server with three offers', () => tsClient(many))
await one('v1: legacy client → our server with three offers', () => legacyClient(many))
await one('Python client → our server with three offers', () => pythonClient(many))
// The attack suite, each of theirs with a TypeScript facilitator of its own. What the peers log of it is of no interest.
console.error = console.warn = console.debug = () => {}
writeFileSync('policy.toml', 'pin_payees = true\n[[allow]]\nchain = "eip155:84532"\nasset = "USDC"\nper_payment = "$0.04"\nper_day = "$0.10"\n')
const ledgers = mkdtempSync(path.join(tmpdir(), 'http402-conform-'))
const ourPay = [process.env.TOOL, 'pay', '--policy', 'policy.toml', '--ledger', path.join(ledgers, '{id}.sqlite'), '{url}']
failed += await conform({
  servers: {
    http402: shop,
    '@x402/express 2.27.0': await tsServer(theirs),
    'x402-express 1.2.0': await legacyServer(await tsFacilitator(8)),
    'x402 2.25.0 on FastAPI (PyPI)': await pythonServer(await tsFacilitator(9))
  },
  clients: {
    http402: { most: '$0.04', budget: '$0.10', command: ourPay },
    '@x402/fetch 2.27.0': { lines: true, command: ['node', 'lines.mjs', 'v2'] },
    'x402-fetch 1.2.0': { lines: true, command: ['node', 'lines.mjs', 'v1'] },
    'x402 2.25.0 on httpx (PyPI)': { lines: true, command: [process.env.PYTHON, 'lines.py'] }
  },
  rpc,
  keys: ATTACKERS.map(key)
})
rmSync(ledgers, { recursive: true })
console.log(failed === 0 ? 'all passed' : `${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
