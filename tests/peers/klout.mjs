// Our own side: what whoever runs a klout can ask it, over REST and on the command line.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const http = process.env.KLOUT_HTTP
const folder = process.env.KLOUT_FOLDER
const key = readFileSync(`${folder}/operator.key`, 'utf8').trim()

// How long anything may take that is waited for.
const WAIT_MAX_MS = 90_000

export async function ask(method, path, body) {
  const response = await fetch(http + path, {
    method,
    headers: { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  const answer = text ? JSON.parse(text) : {}
  if (!response.ok) {
    throw Object.assign(new Error(`${method} ${path}: ${response.status} ${text}`), { reason: answer.reason })
  }
  return answer
}

// Looks until something is so, and says what was there when it never was.
export async function until(what, look, fit) {
  const end = Date.now() + WAIT_MAX_MS
  let seen
  for (;;) {
    seen = await look()
    if (fit(seen)) return seen
    if (Date.now() > end) throw new Error(`${what}: never so, but ${JSON.stringify(seen)}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

export async function person() {
  return (await ask('POST', '/v1/people', {})).person.person
}

export async function connect(person, network, handle, method = 'OPERATOR', more = {}) {
  const { attempt } = await ask('POST', `/v1/people/${person}/connections`, { network, handle, method })
  return await ask('POST', '/v1/connections:complete', { attempt, ...more })
}

export const connection = (id) => ask('GET', `/v1/connections/${id}`)

export const idle = (it) => it.mode === 'IDLE' && it.progress.requestsWaiting === '0'

export const closed = (it) => it.state === 'GONE' || it.state === 'NEEDS_ACCESS'

// Until all there is has been read, or nothing more will be.
export async function read(id) {
  return await until('a visit ends', () => connection(id), (it) => (idle(it) && it.syncTime) || closed(it))
}

// Reads all there is once more.
export async function again(id, mode = 'BACKFILL') {
  const before = await connection(id)
  await ask('POST', `/v1/connections/${id}/sync`, { mode })
  const begun = (it) => closed(it) || (idle(it) && Date.parse(it.syncTime) > Date.parse(before.syncTime ?? 0))
  return await until('a further visit ends', () => connection(id), begun)
}

// What the log holds about somebody that counts: how often of each kind, and numbers as they read last.
export function evidence(person) {
  const text = execFileSync(process.env.KLOUT, ['person', 'export', person, '--data-dir', folder], {
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).toString()
  const told = { kinds: {}, counters: {}, posts: 0, actors: {} }
  const signals = Object.values(JSON.parse(text).services).flatMap((it) => it.signal ?? [])
  const readings = []
  for (const { retracted, content } of signals) {
    if (retracted || !content) continue
    const { interaction, counter, post } = content
    if (interaction) {
      told.kinds[interaction.kind] = (told.kinds[interaction.kind] ?? 0) + (interaction.count ?? 1)
      const actors = (told.actors[interaction.kind] ??= new Set())
      if (interaction.actorAccountId) actors.add(interaction.actorAccountId)
    }
    if (counter && !counter.postHash) readings.push(counter)
    if (post) told.posts += 1
  }
  readings.sort((one, other) => (one.readTime < other.readTime ? -1 : 1))
  for (const { name, value } of readings) told.counters[name] = value
  return told
}

export const score = (person) => ask('GET', `/v1/people/${person}/score`)

// The score when all that was told has come to it: the same for two seconds, in which everybody is scored anew.
export async function settled(person) {
  let last
  let same = 0
  return await until('the score is settled', () => score(person), (it) => {
    same = it.state === 'KNOWN' && it.score === last ? same + 1 : 0
    last = it.score
    return same === 20
  })
}
