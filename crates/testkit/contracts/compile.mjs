// Compiles every contract beside this file and writes out/<Name>.json, or with --check compares instead of writing.
// solc is looked for beside this file first, then under SOLC_DIR (a folder that holds node_modules/solc).
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const VERSION = '0.8.28'
const here = path.dirname(fileURLToPath(import.meta.url))
const check = process.argv.includes('--check')

const base = process.env.SOLC_DIR ? path.resolve(process.env.SOLC_DIR) : here
const solc = createRequire(path.join(base, 'package.json'))('solc')
if (!solc.version().startsWith(VERSION + '+')) throw new Error(`solc ${VERSION} is needed, found ${solc.version()}`)

const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'cancun',
  viaIR: true,
  metadata: { bytecodeHash: 'none', appendCBOR: false },
}
const sources = {}
for (const file of fs.readdirSync(here).filter(f => f.endsWith('.sol')).sort()) {
  sources[file] = { content: fs.readFileSync(path.join(here, file), 'utf8') }
}
const outputSelection = { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.deployedBytecode.immutableReferences'] } }
const result = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings: { ...settings, outputSelection } })))
const problems = (result.errors ?? []).filter(e => e.severity !== 'info')
if (problems.length) throw new Error(problems.map(e => e.formattedMessage).join('\n'))

const wanted = new Map()
for (const [source, contracts] of Object.entries(result.contracts)) {
  for (const [name, c] of Object.entries(contracts)) {
    if (Object.keys(c.evm.deployedBytecode.immutableReferences).length) throw new Error(`${name} has immutables`)
    const artifact = {
      contractName: name,
      source,
      compiler: `solc ${VERSION}`,
      settings,
      abi: c.abi,
      bytecode: '0x' + c.evm.bytecode.object,
      deployedBytecode: '0x' + c.evm.deployedBytecode.object,
    }
    // One member a line: a difference shows which, and the files stay small.
    const members = Object.entries(artifact).map(([key, value]) => ` ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    const text = `{\n${members.join(',\n')}\n}\n`
    wanted.set(`${name}.json`, text)
  }
}

const out = path.join(here, 'out')
fs.mkdirSync(out, { recursive: true })
const stale = fs.readdirSync(out).filter(f => !wanted.has(f))
const changed = [...wanted].filter(([file, text]) => {
  const at = path.join(out, file)
  return !fs.existsSync(at) || fs.readFileSync(at, 'utf8') !== text
})
if (check) {
  for (const [file] of changed) console.error(`out/${file} is not what the source compiles to`)
  for (const file of stale) console.error(`out/${file} has no source`)
  if (changed.length || stale.length) process.exit(1)
  console.log(`${wanted.size} contracts compile to what is committed`)
} else {
  for (const [file, text] of changed) fs.writeFileSync(path.join(out, file), text)
  for (const file of stale) fs.unlinkSync(path.join(out, file))
  console.log(`${wanted.size} contracts, ${changed.length} written, ${stale.length} removed`)
}
