// The attack suite of `http402 conform` against our server and client and those from npm and PyPI, side by side.
// Ours has to survive all that can be made. What becomes of the others is told, and fails nothing.
import { spawn } from 'node:child_process'

/** Runs the tool to its end and reads its report. */
function report(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.env.TOOL, ['conform', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    let wrong = ''
    child.stdout.on('data', data => (said += data))
    child.stderr.on('data', data => (wrong += data))
    child.on('exit', code => (code === 0 || code === 1 ? resolve(JSON.parse(said)) : reject(new Error(`${code}: ${wrong.trim()}`))))
  })
}

const MARKS = { pass: 'survives', fail: 'FAILS', 'not applicable': '–', 'covered in-process': 'in-process' }

/** One row for each attack that any of them was put to. */
function table(title, reports) {
  const names = Object.keys(reports)
  const rows = Object.values(reports)[0].findings.map((finding, at) => [
    finding.id,
    finding.attack,
    ...names.map(name => MARKS[reports[name].findings[at].verdict])
  ])
  const made = rows.filter(row => row.slice(2).some(mark => mark === MARKS.pass || mark === MARKS.fail))
  const sums = names.map(name => `${reports[name].passed} of ${reports[name].passed + reports[name].failed}`)
  console.log(`\n${title}\n`)
  for (const row of [['id', 'attack', ...names], ['---', '---', ...names.map(() => '---')], ...made, ['', 'survived', ...sums]]) console.log(`| ${row.join(' | ')} |`)
  console.log('')
  for (const name of names) {
    console.log(`  ${name}: ${reports[name].requests} requests in ${(reports[name].milliseconds / 1000).toFixed(1)} s`)
    for (const finding of reports[name].findings) if (finding.verdict === 'fail') console.log(`    ${finding.id} expected ${finding.expected}; seen ${finding.seen}`)
  }
}

async function all(title, targets, run) {
  const reports = {}
  let failed = 0
  for (const [name, target] of Object.entries(targets)) {
    try {
      reports[name] = await run(target)
    } catch (error) {
      console.log(`NOT JUDGED  ${name}: ${error.message}`)
      failed += name === 'http402' ? 1 : 0
    }
  }
  if (Object.keys(reports).length > 0) table(title, reports)
  failed += reports.http402?.failed ?? 0
  return failed
}

/** How many attacks ours has not survived. `servers` are base URLs, `clients` commands; a client with `lines` is started once. */
export async function conform({ servers, clients, rpc, key }) {
  const env = { HTTP402_KEY: key }
  const attacked = await all('Servers', servers, url => report(['server', `${url}/protected`, '--rpc', rpc, '--limit', '90', '--json'], env))
  const visited = await all('Clients', clients, ({ lines, most, budget, command }) =>
    report(['client', '--json', '--timeout', '15', ...(most ? ['--most', most] : []), ...(budget ? ['--budget', budget] : []), ...(lines ? ['--lines'] : []), '--', ...command], env)
  )
  return attacked + visited
}
