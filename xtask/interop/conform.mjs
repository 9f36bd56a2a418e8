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

/** Ours alone, so that its figures are its own, and then the others at once. */
async function all(title, targets, run) {
  const reports = {}
  let failed = 0
  const one = async ([name, target], at) => {
    reports[name] = null
    try {
      reports[name] = await run(target, at)
    } catch (error) {
      delete reports[name]
      console.log(`NOT JUDGED  ${name}: ${error.message}`)
      failed += at === 0 ? 1 : 0
    }
  }
  const [ours, ...others] = Object.entries(targets)
  await one(ours, 0)
  await Promise.all(others.map((other, at) => one(other, at + 1)))
  if (Object.keys(reports).length > 0) table(title, reports)
  return failed + (reports[ours[0]]?.failed ?? 0)
}

/**
 * How many attacks ours, the first of each, has not survived. `servers` are base URLs, `clients` commands; a client with
 * `lines` is started once. `keys` pay, one for each target.
 */
export async function conform({ servers, clients, rpc, keys }) {
  const attacked = await all('Servers', servers, (url, at) =>
    report(['server', `${url}/protected`, '--rpc', rpc, '--limit', '90', '--json'], { HTTP402_KEY: keys[at] })
  )
  const visited = await all('Clients', clients, ({ lines, most, budget, command }, at) => {
    const told = [...(most ? ['--most', most] : []), ...(budget ? ['--budget', budget] : []), ...(lines ? ['--lines'] : [])]
    return report(['client', '--json', '--timeout', '15', ...told, '--', ...command], { HTTP402_KEY: keys[at] })
  })
  return attacked + visited
}
