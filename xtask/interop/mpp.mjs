// Charges of MPP on Tempo: the peers from npm and PyPI and our programs, crosswise, on anvil's Tempo, and every payment checked
// on the chain. Run by `cargo xtask interop`, which copies this beside the installed packages. EXAMPLES is where our programs
// are, and PYTHON the interpreter that has pympp.
import { Mppx as MppxClient, tempo as tempoClient } from 'mppx/client'
import { Mppx as MppxServer, Store, tempo as tempoServer } from 'mppx/server'
import { createClient, defineChain, erc20Abi, http as transport, parseAbi, publicActions, walletActions } from 'viem'
import { tempoLocalnet } from 'viem/chains'
import { PATH_USD, TEMPO, account, anvil, call, freePort, key, listen, ours, start } from './rig.mjs'

const CHAIN = 42431
const KEYCHAIN = '0xaaaaaaaa00000000000000000000000000000000'
const AUTHORIZE = [
  'struct TokenLimit { address token; uint256 amount; uint64 period; }',
  'struct SelectorRule { bytes4 selector; address[] recipients; }',
  'struct CallScope { address target; SelectorRule[] selectorRules; }',
  'struct KeyRestrictions { uint64 expiry; bool enforceLimits; TokenLimit[] limits; bool allowAnyCalls; CallScope[] allowedCalls; }',
  'function authorizeKey(address keyId, uint8 signatureType, KeyRestrictions config)',
]
const SECRET = 'a secret for tests, of 32 bytes or more'
const [SPONSOR, PAYER, PAYEE, PARTNER] = [0, 1, 2, 4]

const body = async request => {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

/**
 * What Tempo's nodes have and anvil has not: a second parameter of eth_sendRawTransactionSync, and tempo_simulateV1, here of the
 * calls alone, one after the other.
 */
const forgiving = url =>
  listen(async (request, response) => {
    const asked = JSON.parse(await body(request))
    const plain = { ...asked }
    if (asked.method === 'eth_sendRawTransactionSync') plain.params = asked.params.slice(0, 1)
    const simulated = asked.method === 'tempo_simulateV1'
    if (simulated) {
      const [{ from, to, value, data, calls = [] }] = asked.params[0].blockStateCalls[0].calls
      const all = [...calls, { to, value, data }].map(call => ({ from, ...call }))
      plain.method = 'eth_simulateV1'
      plain.params = [{ blockStateCalls: [{ calls: all }], validation: false }, asked.params[1]]
    }
    const headers = { 'content-type': 'application/json' }
    const answer = await (await fetch(url, { method: 'POST', headers, body: JSON.stringify(plain) })).json()
    if (simulated && answer.result) {
      const done = answer.result[0].calls
      answer.result = { blocks: [{ calls: [done.find(call => call.status !== '0x1') ?? done.at(-1)] }], tokenMetadata: {} }
    }
    response.writeHead(200, headers).end(JSON.stringify(answer))
  })

const rpc = await anvil(...TEMPO)
const chain = defineChain({ ...tempoLocalnet, id: CHAIN, rpcUrls: { default: { http: [rpc] } } })
const client = index =>
  createClient({ account: account(index), chain, transport: transport(rpc, { retryCount: 0 }), pollingInterval: 50 })
    .extend(publicActions)
    .extend(walletActions)
const reader = client(SPONSOR)
const balance = who => reader.readContract({ address: PATH_USD, abi: erc20Abi, functionName: 'balanceOf', args: [account(who).address] })
const balances = async () => Object.fromEntries(await Promise.all([SPONSOR, PAYER, PAYEE, PARTNER].map(async who => [who, await balance(who)])))

// --- ours ---

const people = { TEMPO_PAYEE: account(PAYEE).address, TEMPO_PARTNER: account(PARTNER).address, TEMPO_SPONSOR_KEY: key(SPONSOR) }

async function ourServer() {
  const port = await freePort()
  await ours('tempo_server', { PORT: `${port}`, TEMPO_RPC_URL: rpc, ...people }, 'Server listening')
  return `http://127.0.0.1:${port}`
}

async function ourClient(url, mode) {
  const env = { TEMPO_KEY: key(PAYER), TEMPO_RPC_URL: rpc, RESOURCE_URL: url, TEMPO_MODE: mode }
  const { code, said } = await ours('tempo_client', env)
  if (code !== 0) throw new Error(said)
  return JSON.parse(said.trim().split('\n').at(-1)).receipt
}

// --- mppx 0.11.0 ---

async function mppxServer() {
  const make = more =>
    MppxServer.create({
      secretKey: SECRET,
      realm: '127.0.0.1',
      methods: [tempoServer.charge({ currency: PATH_USD, recipient: account(PAYEE).address, getClient: () => reader, testnet: true, store: Store.memory(), ...more })],
    })
  const plain = make({})
  const routes = {
    '/pull': [plain, { amount: '0.01' }],
    '/push': [make({ supportedModes: ['push'] }), { amount: '0.02' }],
    '/sponsored': [make({ account: account(SPONSOR), feePayer: true }), { amount: '0.01' }],
    '/splits': [plain, { amount: '0.03', splits: [{ amount: '0.01', recipient: account(PARTNER).address }] }],
    '/proof': [plain, { amount: '0' }],
  }
  const answer = async request => {
    const [seller, options] = routes[new URL(request.url).pathname]
    const charged = await seller.charge(options)(request)
    return charged.status === 402 ? charged.challenge : charged.withReceipt(Response.json({ ok: true }))
  }
  return listen(async (request, response) => {
    const url = `http://${request.headers.host}${request.url}`
    const answered = await answer(new Request(url, { headers: request.headers })).catch(error => new Response(`${error}`, { status: 500 }))
    response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(Buffer.from(await answered.arrayBuffer()))
  })
}

async function mppxClient(url, mode) {
  const payer = client(PAYER)
  const buyer = MppxClient.create({ polyfill: false, methods: [tempoClient.charge({ account: account(PAYER), getClient: () => payer, ...(mode && { mode }) })] })
  const response = await buyer.fetch(url)
  const receipt = response.headers.get('payment-receipt')
  if (response.status !== 200 || !receipt) throw new Error(`${response.status} ${await response.text()}`)
  return JSON.parse(Buffer.from(receipt, 'base64url'))
}

// --- pympp 0.16.0 ---

async function pymppServer() {
  const port = await freePort()
  const env = { MPP_SECRET_KEY: SECRET, PORT: `${port}`, TEMPO_RPC_URL: await forgiving(rpc), ...people }
  await start(process.env.PYTHON, ['mpp_server.py'], env, 'Uvicorn running')
  return `http://127.0.0.1:${port}`
}

// --- who pays whom, and what moves ---

const MOVES = {
  '/pull': { [PAYEE]: 10_000n, [PARTNER]: 0n },
  '/push': { [PAYEE]: 20_000n, [PARTNER]: 0n },
  '/sponsored': { [PAYEE]: 10_000n, [PARTNER]: 0n },
  '/splits': { [PAYEE]: 20_000n, [PARTNER]: 10_000n },
  '/proof': { [PAYEE]: 0n, [PARTNER]: 0n },
}

async function check(name, route, pay, server) {
  const before = await balances()
  const receipt = await pay(`${server}${route}`, route === '/push' ? 'push' : undefined)
  const after = await balances()
  const moved = who => after[who] - before[who]
  const fail = why => {
    throw new Error(`${name} ${route}: ${why} ${JSON.stringify(receipt)} ${[SPONSOR, PAYER, PAYEE, PARTNER].map(moved)}`)
  }
  for (const [who, amount] of Object.entries(MOVES[route])) if (moved(who) !== amount) fail(`account ${who} got another amount`)
  const total = Object.values(MOVES[route]).reduce((sum, amount) => sum + amount)
  // A fee that somebody else pays costs the payer nothing, and a proof costs nobody anything.
  const free = route === '/sponsored' || route === '/proof'
  if (free ? moved(PAYER) !== -total : moved(PAYER) > -total) fail('the payer paid another amount')
  if (route === '/sponsored' && moved(SPONSOR) >= 0n) fail('the sponsor paid no fee')
  if (receipt.method !== 'tempo') fail('the receipt is of another method')
  if (route !== '/proof') {
    const { result } = await call(rpc, 'eth_getTransactionReceipt', [receipt.reference])
    if (result?.status !== '0x1') fail('the receipt names no transaction that succeeded')
  }
  console.log(`  ${name.padEnd(24)} ${route.padEnd(11)} ${receipt.reference}`)
}

// --- what must not pay ---

/** A credential for a fresh challenge of `url`, written here: with this payload, from this account. */
async function forged(url, payload, source) {
  const refused = await fetch(url)
  const field = refused.headers.get('www-authenticate')
  const challenge = Object.fromEntries([...field.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
  const credential = { challenge, payload: await payload(challenge), source: `did:pkh:eip155:${CHAIN}:${account(source).address}` }
  return `Payment ${Buffer.from(JSON.stringify(credential)).toString('base64url')}`
}

async function attacks(server, other) {
  const used = await ourClient(`${server}/push`, 'push')
  // The same price and payee, but for a challenge of another seller.
  const foreign = [await ourClient(`${other}/push`, 'push'), await ourClient(`${other}/push`, 'push')]
  const before = await balances()
  for (const [what, { reference }, thief, expected] of [
    ['a used hash', used, PAYER, 403],
    ['a foreign hash', foreign[0], PAYER, 402],
    ["another's hash", foreign[1], PARTNER, 402],
  ]) {
    const authorization = await forged(`${server}/push`, () => ({ type: 'hash', hash: reference }), thief)
    const response = await fetch(`${server}/push`, { headers: { authorization } })
    const { detail } = await response.json()
    if (response.status !== expected) throw new Error(`${what} got ${response.status}: ${detail}`)
    console.log(`  ${what.padEnd(24)} /push       ${response.status} ${detail}`)
  }
  const buyer = MppxClient.create({ polyfill: false, methods: [tempoClient.charge({ account: account(PAYER), getClient: () => client(PAYER) })] })
  const authorization = await buyer.createCredential(await fetch(`${server}/pull`))
  const elsewhere = await fetch(`${server}/splits`, { headers: { authorization } })
  if (elsewhere.status !== 402) throw new Error(`a credential of another route got ${elsewhere.status}`)
  const nothing = await balances()
  if (Object.keys(before).some(who => before[who] !== nothing[who])) throw new Error('an attack moved money')
  const present = () => fetch(`${server}/pull`, { headers: { authorization } })
  const both = await Promise.all([present(), present()])
  const again = await present()
  const after = await balances()
  const statuses = [...both, again].map(response => response.status)
  if (!statuses.includes(200) || after[PAYEE] - before[PAYEE] !== 10_000n) throw new Error(`presented three times: ${statuses}`)
  console.log(`  ${'one credential, thrice'.padEnd(24)} /pull       ${statuses.join(' ')}, paid once`)
}

/** A proof that an access key signs is good from when its account allows it until the account revokes it. */
async function accessKey(server) {
  const access = account(9)
  const payer = client(PAYER)
  const types = { Proof: [['account', 'address'], ['challengeId', 'string'], ['realm', 'string']].map(([name, type]) => ({ name, type })) }
  const prove = async () => {
    const payload = async ({ id, realm }) => {
      const message = { account: account(PAYER).address, challengeId: id, realm }
      const domain = { name: 'MPP', version: '3', chainId: CHAIN }
      return { type: 'proof', signature: await access.signTypedData({ domain, types, primaryType: 'Proof', message }) }
    }
    const response = await fetch(`${server}/proof`, { headers: { authorization: await forged(`${server}/proof`, payload, PAYER) } })
    return response.status
  }
  const done = async (text, functionName, args) => {
    const hash = await payer.writeContract({ address: KEYCHAIN, abi: parseAbi(text), functionName, args })
    const { status } = await payer.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`${functionName} failed`)
  }
  const statuses = [await prove()]
  const expiry = BigInt(Math.floor(Date.now() / 1000) + 3600)
  await done(AUTHORIZE, 'authorizeKey', [access.address, 0, { expiry, enforceLimits: false, limits: [], allowAnyCalls: true, allowedCalls: [] }])
  statuses.push(await prove())
  await done(['function revokeKey(address keyId)'], 'revokeKey', [access.address])
  statuses.push(await prove())
  if (`${statuses}` !== '402,200,402') throw new Error(`an access key's proofs got ${statuses}`)
  console.log(`  ${'an access key'.padEnd(24)} /proof      unknown ${statuses[0]}, allowed ${statuses[1]}, revoked ${statuses[2]}`)
}

/** The library against the chain through a node that loses answers. It moves the chain's time, so it comes last. */
async function faults() {
  const env = { TEMPO_RPC_URL: rpc, TEMPO_KEY: key(PAYER), TEMPO_POOR_KEY: `0x${'51'.repeat(32)}`, ...people }
  const { code, said } = await ours('tempo_faults', env)
  if (code !== 0 || !said.includes('all held')) throw new Error(said)
  console.log(`  ${'lost answers'.padEnd(24)} ${said.trim().split('\n').length} things held`)
}

const all = Object.keys(MOVES)
const [mine, theirs, python] = await Promise.all([ourServer(), mppxServer(), pymppServer()])
for (const route of all) await check('ours pays ours', route, ourClient, mine)
for (const route of all) await check('ours pays mppx', route, ourClient, theirs)
for (const route of all) await check('mppx pays ours', route, mppxClient, mine)
for (const route of ['/pull', '/sponsored']) await check('ours pays pympp', route, ourClient, python)
await attacks(mine, theirs)
await accessKey(mine)
await faults()
process.exit(0)
