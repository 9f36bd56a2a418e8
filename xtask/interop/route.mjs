// One route of ours, paid by whoever comes: the clients of x402 and of MPP from npm and PyPI. Five of them answer the very same
// 402. And charges of MPP on an EVM chain, ours and theirs crosswise. USDC is on one chain and Tempo is another; every receipt is
// looked up, and every balance is checked on both. Run by `cargo xtask interop` in the folder of mppx, from which x402's packages
// are one above. EXAMPLES and TOOL are our programs, PYTHON the interpreter that has pympp and x402.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Mppx as MppxClient, evm as evmClient, tempo as tempoClient } from 'mppx/client'
import { Mppx as MppxServer, Store, evm as evmServer, tempo as tempoServer } from 'mppx/server'
import { createClient, createPublicClient, createWalletClient, defineChain, erc20Abi, http as transport, parseAbi, publicActions, walletActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia, tempoLocalnet } from 'viem/chains'
import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment } from '@x402/fetch'
import { wrapFetchWithPayment as legacyFetch } from 'x402-fetch'
import { PATH_USD, TEMPO, USDC, account, anvil, atEnd, call, freePort, installUsdc, key, listen, ours, start } from './rig.mjs'

const SECRET = 'a secret for tests, of 32 bytes or more'
const NETWORK = 'eip155:84532'
const PRICE = 10_000n
const [GAS, PAYER, PAYEE, OTHER] = [0, 1, 2, 3]
const payee = account(PAYEE).address

const [rpc, tempo] = await Promise.all([anvil('--chain-id', '84532'), anvil(...TEMPO)])
await installUsdc(rpc, [PAYER])
const base = createPublicClient({ chain: baseSepolia, transport: transport(rpc) })
const tempoChain = defineChain({ ...tempoLocalnet, id: 42431, rpcUrls: { default: { http: [tempo] } } })
const onTempo = createClient({ account: account(PAYER), chain: tempoChain, transport: transport(tempo, { retryCount: 0 }), pollingInterval: 50 })
  .extend(publicActions)
  .extend(walletActions)
const holds = (chain, address) => who => chain.readContract({ address, abi: erc20Abi, functionName: 'balanceOf', args: [account(who).address] })
const [usdc, pathUsd] = [holds(base, USDC), holds(onTempo, PATH_USD)]
const balances = () => Promise.all([usdc(PAYER), usdc(PAYEE), pathUsd(PAYER), pathUsd(PAYEE)])

// --- clients: each gives the answer of a paid request, its status and its headers ---

const plain = async response => ({ status: response.status, headers: response.headers, text: await response.text() })

const fees = { account: account(PAYER), getClient: () => onTempo }
const known = { account: account(PAYER), currencies: [evmClient.assets.baseSepolia.USDC], networks: [84532], maxAmount: '0.02' }
const mppx = (method, more) => async url => plain(await MppxClient.create({ polyfill: false, methods: [method], ...more }).fetch(url))
const mppxTempo = mppx(tempoClient.charge(fees))
const mppxEvm = mppx(evmClient.charge(known))
const mppxX402 = mppx(evmClient.charge(known), { orderChallenges: all => all.filter(({ challenge }) => challenge.request.scheme === 'exact') })
const x402Fetch = async url => plain(await wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', new ExactEvmScheme(account(PAYER))))(url))
const x402Legacy = async url => plain(await legacyFetch(fetch, privateKeyToAccount(key(PAYER)))(url, {}))

/** One of the clients in Python; it tells status, headers and body in its last line. */
const python = speaks => async url => {
  const { code, said } = await start(process.env.PYTHON, ['route.py', speaks, url], { EVM_PRIVATE_KEY: key(PAYER), TEMPO_RPC_URL: tempo })
  if (code !== 0) throw new Error(`python ended with ${code}: ${said}`)
  const { status, headers, text } = JSON.parse(said.trim().split('\n').at(-1))
  return { status, headers: new Headers(headers), text }
}

const ledgers = mkdtempSync(path.join(tmpdir(), 'http402-route-'))
atEnd(() => rmSync(ledgers, { recursive: true }))
let purchases = 0

/** Our tool, in one protocol and with one budget for each purchase. */
const tool = protocol => async url => {
  const ledger = path.join(ledgers, `${(purchases += 1)}.sqlite`)
  const args = ['pay', '--include', '--protocol', protocol, '--pay', '--max-amount', '$0.01', '--ledger', ledger, url]
  const { code, said } = await start(process.env.TOOL, args, { HTTP402_KEY: key(PAYER) })
  if (code !== 0) throw new Error(`http402 pay ended with ${code}: ${said}`)
  // What it tells people stands before.
  const [head, text] = said.slice(said.indexOf('HTTP/')).split(/\r?\n\r?\n/)
  const [first, ...lines] = head.split(/\r?\n/)
  const headers = lines.map(line => line.split(/: */, 2)).filter(pair => pair.length === 2)
  return { status: Number(first.split(' ')[1]), headers: new Headers(headers), text }
}

// --- what has to hold of a payment ---

const decode = text => JSON.parse(Buffer.from(text, 'base64').toString())
/** Where each protocol has its receipt, and which transaction that names. */
const RECEIPTS = {
  'x402/2': ['payment-response', ({ success, network, payer, transaction }) => success === true && network === NETWORK && payer.toLowerCase() === account(PAYER).address.toLowerCase() && transaction],
  'x402/1': ['x-payment-response', ({ success, network, payer, transaction }) => success === true && network === 'base-sepolia' && payer.toLowerCase() === account(PAYER).address.toLowerCase() && transaction],
  evm: ['payment-receipt', ({ status, method, reference }) => status === 'success' && method === 'evm' && reference],
  tempo: ['payment-receipt', ({ status, method, reference }) => status === 'success' && method === 'tempo' && reference],
}
const seen = new Set()

/** Pays once, and looks at the receipt, at its transaction, and at who has what. */
async function paid(name, kind, pay, url) {
  const before = await balances()
  const { status, headers, text } = await pay(url)
  const after = await balances()
  const moved = after.map((now, at) => now - before[at])
  const fail = why => {
    throw new Error(`${name}: ${why}: ${status} ${text} ${JSON.stringify([...headers])} moved ${moved}`)
  }
  const [header, read] = RECEIPTS[kind]
  if (status !== 200) fail('not paid')
  const others = ['payment-response', 'x-payment-response', 'payment-receipt'].filter(one => one !== header && headers.has(one))
  if (!headers.has(header) || others.length > 0) fail('not the receipt of its protocol')
  const transaction = read(decode(headers.get(header)))
  if (!transaction || seen.has(transaction)) fail('not a receipt of this payment')
  seen.add(transaction)
  const { result } = await call(kind === 'tempo' ? tempo : rpc, 'eth_getTransactionReceipt', [transaction])
  if (result?.status !== '0x1') fail('the receipt names no transaction that succeeded')
  const [payerUsdc, payeeUsdc, payerTempo, payeeTempo] = moved
  // On Tempo the payer pays the fee, in the same token.
  const right =
    kind === 'tempo'
      ? payerUsdc === 0n && payeeUsdc === 0n && payerTempo <= -PRICE && payerTempo > -2n * PRICE && payeeTempo === PRICE
      : payerUsdc === -PRICE && payeeUsdc === PRICE && payerTempo === 0n && payeeTempo === 0n
  if (!right) fail('another amount')
  console.log(`  ${name.padEnd(40)} ${header.padEnd(18)} ${transaction}`)
}

/** Asks a client to buy what it must not pay for: it says no in its own way, and signs nothing. */
async function declines(name, pay, url, says) {
  const before = await balances()
  const said = await pay(url).then(({ status }) => `${status}`, error => `${error.message}`)
  if (`${await balances()}` !== `${before}`) throw new Error(`${name}: money moved`)
  if (!says.test(said)) throw new Error(`${name} does not decline, but fails: ${said}`)
  console.log(`  ${name.padEnd(40)} declines: ${said.replaceAll(/\s+/g, ' ').slice(0, 90)}`)
}

// --- our route, and one 402 of it for everybody ---

async function ourServer() {
  const port = await freePort()
  const env = { PORT: `${port}`, EVM_RPC_URL: rpc, EVM_PRIVATE_KEY: key(GAS), EVM_PAYEE_ADDRESS: payee, TEMPO_RPC_URL: tempo }
  await ours('one_route', env, 'Server listening')
  return `http://127.0.0.1:${port}`
}

const CREDENTIALS = ['authorization', 'payment-signature', 'x-payment']

/** A door in front of our route that gives everybody the same 402, and lets those with a credential in. */
async function sameRefusal(url) {
  const refusal = await fetch(url)
  const head = [...refusal.headers].filter(([name]) => !['content-length', 'date', 'connection'].includes(name))
  const bytes = Buffer.from(await refusal.arrayBuffer())
  if (refusal.status !== 402) throw new Error(`an unpaid request got ${refusal.status}`)
  const answered = []
  const door = await listen(async (request, response) => {
    const credential = CREDENTIALS.find(name => request.headers[name])
    if (!credential) return response.writeHead(402, head).end(bytes)
    answered.push(request.headers[credential])
    const answer = await fetch(url, { headers: { [credential]: request.headers[credential] } })
    const headers = [...answer.headers].filter(([name]) => !['content-length', 'date', 'connection'].includes(name))
    response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()))
  })
  return { door: `${door}/sold`, answered, head: new Headers(head), body: JSON.parse(bytes) }
}

/** What one 402 says in three ways. */
function oneBody({ head, body }) {
  const offers = decode(head.get('payment-required'))
  const methods = [...head.get('www-authenticate').matchAll(/method="(\w+)"/g)].map(([, method]) => method)
  const right =
    offers.x402Version === 2 && offers.accepts.length === 1 && offers.accepts[0].network === NETWORK &&
    body.x402Version === 1 && body.accepts.length === 1 && body.accepts[0].network === 'base-sepolia' &&
    body.status === 402 && body.type.startsWith('https://') && `${methods}` === 'evm,tempo' &&
    head.get('content-type') === 'application/problem+json' && head.get('cache-control') === 'no-store'
  if (!right || JSON.stringify([offers, body]).includes('null')) throw new Error(`our 402: ${JSON.stringify([[...head], body, offers])}`)
}

// --- what must not pay ---

/**
 * One authorization, presented three times as a credential of MPP and once as a payment of x402: it pays once, is served once,
 * and gets the stored answer after that; and nothing at another address.
 */
async function onceOnly(url) {
  const buyer = MppxClient.create({ polyfill: false, methods: [evmClient.charge(known)] })
  const refusal = await fetch(url)
  const [accepted] = decode(refusal.headers.get('payment-required')).accepts
  const authorization = await buyer.createCredential(refusal)
  const { type, signature, ...message } = decode(authorization.split(' ')[1]).payload
  const payment = { x402Version: 2, accepted, payload: { authorization: message, signature } }
  const asX402 = { 'payment-signature': Buffer.from(JSON.stringify(payment)).toString('base64') }
  const present = async (headers, at = url) => plain(await fetch(at, { headers }))
  const before = await balances()
  const mutilated = await present({ authorization: authorization.replace(/.$/, '') })
  const both = await Promise.all([present({ authorization }), present({ authorization })])
  const all = [...both, await present({ authorization }), await present(asX402), await present(asX402, `${url}?other`)]
  const after = await balances()
  const statuses = all.map(({ status }) => status)
  const fail = why => {
    throw new Error(`one ${type}: ${why}: ${statuses} ${all.map(({ text }) => text)}, moved ${after.map((now, at) => now - before[at])}`)
  }
  if (mutilated.status !== 402) fail(`a mutilated credential got ${mutilated.status}`)
  if (after[1] - before[1] !== PRICE || before[0] - after[0] !== PRICE) fail('not paid once')
  if (`${statuses}` !== '200,200,200,200,409') fail('other answers')
  if (new Set(all.slice(0, 4).map(({ text }) => text)).size !== 1) fail('served more than once')
  const other = all[4]
  if (other.headers.has('payment-required') || other.headers.has('www-authenticate') || other.text.includes('accepts')) fail('offered something to who has paid')
  console.log(`  ${'one authorization, in five requests'.padEnd(40)} ${statuses.join(' ')}, paid and served once`)
}

// --- theirs: mppx and pympp sell evm/charge, and our facilitator settles it ---

async function ourFacilitator() {
  const port = await freePort()
  await ours('e2e_facilitator', { PORT: `${port}`, EVM_NETWORK: NETWORK, EVM_PRIVATE_KEY: key(OTHER), EVM_RPC_URL: rpc }, 'Facilitator listening')
  return `http://127.0.0.1:${port}`
}

const TOKEN = parseAbi(['function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)'])

async function mppxServer(facilitator) {
  const wallet = createWalletClient({ account: account(5), chain: baseSepolia, transport: transport(rpc), pollingInterval: 50 }).extend(publicActions)
  /** Settles by itself, with the token alone. */
  const settle = async ({ payload: { from, to, value, validAfter, validBefore, nonce, signature } }) => {
    const args = [from, to, BigInt(value), BigInt(validAfter), BigInt(validBefore), nonce, signature]
    const hash = await wallet.writeContract({ address: USDC, abi: TOKEN, functionName: 'transferWithAuthorization', args })
    const { status } = await wallet.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`${hash} failed`)
    return { reference: hash }
  }
  const usdc = { currency: evmServer.assets.baseSepolia.USDC, recipient: payee }
  const make = (...methods) => MppxServer.create({ secretKey: SECRET, realm: '127.0.0.1', methods })
  const settled = make(evmServer.charge({ ...usdc, settle }))
  const all = make(
    tempoServer.charge({ currency: PATH_USD, recipient: payee, getClient: () => onTempo, testnet: true, store: Store.memory() }),
    evmServer.charge({ ...usdc, x402: { facilitator } }),
  )
  const routes = {
    '/settled': settled.evm.charge({ amount: '0.01' }),
    '/facilitated': all.evm.charge({ amount: '0.01' }),
    '/composed': all.compose([all.tempo.charge, { amount: '0.01', chainId: 42431 }], [all.evm.charge, { amount: '0.01' }]),
  }
  return listen(async (request, response) => {
    const asked = new Request(`http://${request.headers.host}${request.url}`, { headers: request.headers })
    const sell = async () => {
      const charged = await routes[new URL(asked.url).pathname](asked)
      return charged.status === 402 ? charged.challenge : charged.withReceipt(Response.json({ ok: true }))
    }
    const answer = await sell().catch(error => new Response(`${error.stack}`, { status: 500 }))
    response.writeHead(answer.status, [...answer.headers]).end(Buffer.from(await answer.arrayBuffer()))
  })
}

async function pymppServer(facilitator) {
  const port = await freePort()
  const env = { MPP_SECRET_KEY: SECRET, PORT: `${port}`, EVM_PAYEE_ADDRESS: payee, FACILITATOR_URL: facilitator }
  await start(process.env.PYTHON, ['route.py', 'sell'], env, 'Uvicorn running')
  return `http://127.0.0.1:${port}`
}

async function ourTempoClient(url) {
  const { code, said } = await ours('tempo_client', { TEMPO_KEY: key(PAYER), TEMPO_RPC_URL: tempo, RESOURCE_URL: url })
  if (code !== 0) throw new Error(said)
  const { status, receipt, body } = JSON.parse(said.trim().split('\n').at(-1))
  const header = Buffer.from(JSON.stringify({ ...receipt, status: 'success' })).toString('base64')
  return { status, headers: new Headers({ 'payment-receipt': header }), text: body }
}

const [server, facilitator] = await Promise.all([ourServer(), ourFacilitator()])
const url = `${server}/sold`
const same = await sameRefusal(url)
oneBody(same)
console.log('one 402 of ours, paid by five')
for (const [name, kind, pay] of [
  ['mppx 0.11.0, tempo/charge', 'tempo', mppxTempo],
  ['mppx 0.11.0, evm/charge', 'evm', mppxEvm],
  ['@x402/fetch 2.27.0', 'x402/2', x402Fetch],
  ['x402-fetch 1.2.0', 'x402/1', x402Legacy],
  ['x402 2.25.0 on httpx (PyPI)', 'x402/2', python('x402')],
]) await paid(name, kind, pay, same.door)
if (same.answered.length !== 5 || new Set(same.answered).size !== 5) throw new Error(`${same.answered.length} credentials came`)
console.log('the same route, paid by the others')
for (const [name, kind, pay] of [
  ['pympp 0.16.0, tempo/charge', 'tempo', python('tempo')],
  ['pympp 0.16.0, evm/charge', 'evm', python('evm')],
  ['mppx 0.11.0, as a client of x402', 'x402/2', mppxX402],
  ['http402 pay, x402', 'x402/2', tool('x402')],
  ['http402 pay, evm/charge', 'evm', tool('mpp')],
  ['our client on Tempo', 'tempo', ourTempoClient],
]) await paid(name, kind, pay, url)
console.log('the same route, asked by those who may not pay')
const poor = { ...known, maxAmount: '0.001' }
const careful = new x402Client().register('eip155:*', new ExactEvmScheme(account(PAYER)))
careful.setSpendControls({ maxAmountPerPayment: '$0.001' })
for (const [name, pay, says] of [
  ['mppx 0.11.0, another method', mppx(evmClient.charge({ ...known, networks: [8453] })), /not allowed/],
  ['mppx 0.11.0, a limit', mppx(evmClient.charge(poor)), /exceeds maxAmount/],
  ['@x402/fetch 2.27.0, a limit', async at => plain(await wrapFetchWithPayment(fetch, careful)(at)), /spend|limit|exceed|policy/i],
  ['x402-fetch 1.2.0, a limit', async at => plain(await legacyFetch(fetch, privateKeyToAccount(key(PAYER)), 1000n)(at, {})), /exceeds maximum allowed/],
  ['x402 2.25.0 on httpx (PyPI), a limit', python('x402-poor'), /spend|limit|exceed|policy/i],
  ['pympp 0.16.0, another chain', python('none'), /^402$/],
]) await declines(name, pay, url, says)
await onceOnly(url)
console.log('evm/charge of theirs, paid by ours')
const [mppxShop, pythonShop] = await Promise.all([mppxServer(facilitator), pymppServer(facilitator)])
for (const [name, kind, pay, at] of [
  ['http402 pay → mppx, which settles', 'evm', tool('mpp'), `${mppxShop}/settled`],
  ['http402 pay → mppx → our facilitator', 'evm', tool('mpp'), `${mppxShop}/facilitated`],
  ['http402 pay → mppx, composed with tempo', 'evm', tool('mpp'), `${mppxShop}/composed`],
  ['our client on Tempo → mppx, composed', 'tempo', ourTempoClient, `${mppxShop}/composed`],
]) await paid(name, kind, pay, at)
// pympp 0.16.0 has another hash of a challenge than the draft and mppx 0.11.0, which ours signs.
await declines('http402 pay → pympp', tool('mpp'), `${pythonShop}/sold`, /challenge hash mismatch/)
process.exit(0)
