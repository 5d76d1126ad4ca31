// Articles of a MediaWiki: written, renamed and deleted through its own API, and what is told of them.
import { check, ensure, equal, refused } from './checks.mjs'
import * as klout from './klout.mjs'

const api = process.env.WIKI
const cookies = new Map()

async function wiki(parameters) {
  const body = new URLSearchParams({ format: 'json', formatversion: '2', ...parameters })
  const headers = { cookie: [...cookies].map((it) => it.join('=')).join('; ') }
  const response = await fetch(api, { method: 'POST', headers, body })
  for (const line of response.headers.getSetCookie()) {
    const [name, value] = line.split(';')[0].split('=')
    cookies.set(name, value)
  }
  const answer = await response.json()
  if (answer.error) throw new Error(`${parameters.action}: ${JSON.stringify(answer.error)}`)
  return answer
}

const token = async (type) => Object.values((await wiki({ action: 'query', meta: 'tokens', type })).query.tokens)[0]

async function write(action, parameters) {
  return await wiki({ action, ...parameters, token: await token('csrf') })
}

const edit = (title, text) => write('edit', { title, text })

export async function run() {
  console.log('\nWikipedia: a MediaWiki on this machine')
  const lgtoken = await token('login')
  const { login } = await wiki({ action: 'login', lgname: 'Admin', lgpassword: process.env.WIKI_PASSWORD, lgtoken })
  equal(login.result, 'Success', 'log in to the wiki')

  // Ten articles link to Ann: three of them over a redirect, one both ways.
  await edit('Ann Example', 'Ann wrote about [[Klout]], [[Rust]] and [[Redness]], and [[Old Ann]] is herself.')
  await edit('Klout', 'Of [[Ann Example]] and [[Rust]].')
  await edit('Rust', 'By [[Ann Example]], [[Ann Example|she]]; also [[Klout]].')
  await edit('Old Ann', '#REDIRECT [[Ann Example]]')
  await edit('Both', '[[Ann Example]], once [[Old Ann]].')
  for (const name of ['One', 'Two', 'Three']) await edit(name, '[[Old Ann]]')
  for (const name of ['Four', 'Five', 'Six', 'Seven']) await edit(name, `[[Ann Example]] [[${name} more]]`)
  await edit('Nobody Example', 'Nothing links here, and here is nothing.')
  await edit('Examples', 'A family: [[Ann Example]].')
  await edit('Part of a page', '#REDIRECT [[Examples#Some]]')

  const ann = await klout.person()
  const nobody = await klout.person()
  let told
  let connected

  await check('an article that is not there is nobody’s', () =>
    refused('ACCOUNT_UNKNOWN', () => klout.connect(ann, 'wikipedia', 'No Such Article')))
  await check('a redirect to a part of an article is nobody’s', () =>
    refused('ACCOUNT_UNKNOWN', () => klout.connect(ann, 'wikipedia', 'Part of a page')))
  await check('a name that is a redirect leads to its article, by the number of its page', async () => {
    connected = await klout.connect(ann, 'wikipedia', 'Old_Ann')
    equal(connected.account.handle, 'Ann Example')
    ensure(/\/\d+$/.test(connected.account.nativeId), connected.account.nativeId)
  })
  if (!connected) return
  await check('links in are counted once each, over redirects too', async () => {
    const read = await klout.read(connected.connection)
    equal([read.state, read.lastError], ['ACTIVE', undefined])
    told = klout.evidence(ann)
    equal(told.counters.page_inlinks, 11)
  })
  await check('links out are counted where there is a page', () => equal(told.counters.page_outlinks, 2))
  await check('the article ranks above the mean page around it', () =>
    ensure(told.counters.page_rank > 1.2 && told.counters.page_rank < 12, `it has ${told.counters.page_rank}`))

  let before
  const scored = (person, fit) => klout.until('a score', () => klout.score(person), fit)
  await check('links come to a score, and more of them to a higher one', async () => {
    const other = await klout.connect(nobody, 'wikipedia', 'Nobody Example')
    await klout.read(other.connection)
    before = await klout.settled(ann)
    const low = await klout.settled(nobody)
    ensure(before.score > low.score, `${before.score} and ${low.score}`)
  })
  await check('a look that finds nothing new tells nothing new', async () => {
    const was = await klout.connection(connected.connection)
    const is = await klout.again(connected.connection)
    equal(is.progress.signals, was.progress.signals)
  })
  await check('a page that is renamed keeps its links, and its handle follows', async () => {
    await write('move', { from: 'Ann Example', to: 'Ann E. Example' })
    // As people and their programs do there: a redirect to a redirect leads nowhere.
    await edit('Old Ann', '#REDIRECT [[Ann E. Example]]')
    const read = await klout.again(connected.connection)
    equal([read.state, read.account.handle], ['ACTIVE', 'Ann E. Example'])
    equal(klout.evidence(ann).counters.page_inlinks, 11)
  })
  await check('a link that is taken out counts no more', async () => {
    await edit('Seven', 'Nothing any more.')
    await klout.again(connected.connection, 'INCREMENTAL')
    equal(klout.evidence(ann).counters.page_inlinks, 10)
    await scored(ann, (it) => it.score < before.score)
  })
  await check('a page that is a redirect to another one tells nothing as long as it is one', async () => {
    await edit('Ann E. Example', '#REDIRECT [[Examples]]')
    const read = await klout.again(connected.connection)
    equal([read.state, klout.evidence(ann).counters], ['ACTIVE', {}])
    await edit('Ann E. Example', 'Again: [[Klout]] and [[Rust]].')
    await klout.again(connected.connection)
    equal(klout.evidence(ann).counters.page_inlinks, 10)
  })
  await check('a page that is deleted ends the connection, and what it told is taken back', async () => {
    await write('delete', { title: 'Ann E. Example' })
    const read = await klout.again(connected.connection)
    equal([read.state, read.lastError.reason], ['GONE', 'NETWORK_ACCOUNT_GONE'])
    await klout.until('nothing is left', () => klout.evidence(ann).counters, (it) => Object.keys(it).length === 0)
    await scored(ann, (it) => it.state !== 'KNOWN' || it.score < before.score)
  })
}
