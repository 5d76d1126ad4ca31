// Accounts of an AT Protocol network: what people do there through its own API, and what is told of it.
import { check, ensure, equal, refused } from './checks.mjs'
import * as klout from './klout.mjs'

const { PDS: pds, APPVIEW: appview, CLOCK: clock } = process.env

async function xrpc(server, method, { token, body, query } = {}) {
  const url = `${server}/xrpc/${method}${query ? `?${new URLSearchParams(query)}` : ''}`
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) }
  const posted = body && { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(url, { headers, ...posted })
  const text = await response.text()
  if (!response.ok) throw Object.assign(new Error(`${method}: ${response.status} ${text}`), { status: response.status })
  return text ? JSON.parse(text) : {}
}

// Somebody on the network.
class Somebody {
  static async join(name) {
    const handle = `${name}.test`
    const body = { handle, email: `${name}@example.test`, password: 'made-up-for-loopback' }
    const { did, accessJwt } = await xrpc(pds, 'com.atproto.server.createAccount', { body })
    return Object.assign(new Somebody(), { handle, did, token: accessJwt })
  }

  async make(collection, record) {
    record = { $type: collection, createdAt: new Date().toISOString(), ...record }
    const body = { repo: this.did, collection, record }
    return await xrpc(pds, 'com.atproto.repo.createRecord', { token: this.token, body })
  }

  async undo({ uri }) {
    const [repo, collection, rkey] = uri.slice('at://'.length).split('/')
    await xrpc(pds, 'com.atproto.repo.deleteRecord', { token: this.token, body: { repo, collection, rkey } })
  }

  post = (text, more = {}) => this.make('app.bsky.feed.post', { text, langs: ['en'], ...more })
  like = ({ uri, cid }) => this.make('app.bsky.feed.like', { subject: { uri, cid } })
  repost = ({ uri, cid }) => this.make('app.bsky.feed.repost', { subject: { uri, cid } })
  follow = ({ did }) => this.make('app.bsky.graph.follow', { subject: did })
  reply = (text, { uri, cid }) => this.post(text, { reply: { root: { uri, cid }, parent: { uri, cid } } })
  quote = (text, { uri, cid }) => this.post(text, { embed: { $type: 'app.bsky.embed.record', record: { uri, cid } } })

  mention(text, { did, handle }) {
    const features = [{ $type: 'app.bsky.richtext.facet#mention', did }]
    const end = Buffer.byteLength(`@${handle}`)
    return this.post(`@${handle} ${text}`, { facets: [{ index: { byteStart: 0, byteEnd: end }, features }] })
  }

  act = (method, body = {}) => xrpc(pds, method, { token: this.token, body })
}

const profile = (who) => xrpc(appview, 'app.bsky.actor.getProfile', { query: { actor: who.did } })

async function counts(post) {
  const { posts } = await xrpc(appview, 'app.bsky.feed.getPosts', { query: { uris: post.uri } })
  const [{ likeCount, repostCount, replyCount, quoteCount } = {}] = posts
  return [likeCount, repostCount, replyCount, quoteCount]
}

// The AppView hears a moment later.
const seen = (what, look, expected) =>
  klout.until(`the AppView knows ${what}`, look, (it) => JSON.stringify(it) === JSON.stringify(expected))

const mentions = async (who) => {
  const query = { reasons: 'mention' }
  const { notifications } = await xrpc(pds, 'app.bsky.notification.listNotifications', { token: who.token, query })
  return notifications.length
}

const forward = (hours) => fetch(`${clock}/forward?hours=${hours}`, { method: 'POST' })

export async function run() {
  console.log('\nBluesky: PLC, PDS and AppView on this machine')
  const [ann, ben, cid, dee, eve] = await Promise.all(['ann', 'ben', 'cid', 'dee', 'eve'].map(Somebody.join))
  const first = await ann.post('Rust influence scoring #rust')
  const second = await ann.post('Another one')
  await ben.like(first)
  await ben.like(second)
  const cidLikes = await cid.like(first)
  await ben.repost(first)
  await cid.reply('Well said', first)
  await ben.quote('Look at this', first)
  await ben.follow(ann)
  await cid.follow(ann)
  const deeFollows = await dee.follow(ann)
  await ben.follow(dee)
  await dee.mention('are you there?', ann)
  await seen('the first post', () => counts(first), [2, 1, 1, 1])
  await seen('the second post', () => counts(second), [1, 0, 0, 0])
  await seen('who follows', async () => (await profile(ann)).followersCount, 3)
  await seen('who follows Dee', async () => (await profile(dee)).followersCount, 1)
  await seen('the mention', () => mentions(ann), 1)
  const { password } = await ann.act('com.atproto.server.createAppPassword', { name: 'klout' })

  const [annHere, benHere, deeHere] = [await klout.person(), await klout.person(), await klout.person()]
  const kinds = (person) => Object.fromEntries(Object.entries(klout.evidence(person).kinds).sort())
  const scored = (person, fit) => klout.until('a score', () => klout.score(person), fit)
  let connected
  let before

  await check('a handle that nobody has is nobody’s', () =>
    refused('ACCOUNT_UNKNOWN', () => klout.connect(annHere, 'bluesky', 'nobody.test')))
  await check('a wrong app password connects nothing', () =>
    refused('NETWORK_ACCESS_REFUSED', () =>
      klout.connect(annHere, 'bluesky', ann.handle, 'APP_PASSWORD', { secret: 'abcd-efgh-ijkl-mnop' })))
  await check('an app password connects its account, by its DID', async () => {
    connected = await klout.connect(annHere, 'bluesky', ann.handle, 'APP_PASSWORD', { secret: password })
    equal([connected.account.nativeId, connected.account.handle], [ann.did, ann.handle])
  })
  if (!connected) return
  const id = connected.connection
  await check('who liked, reposted, quoted, answered, followed and mentioned is told, each once', async () => {
    const read = await klout.read(id)
    equal([read.state, read.lastError], ['ACTIVE', undefined])
    equal(kinds(annHere), { follow: 3, like: 3, mention: 1, reply: 1, reshare: 2 })
    const told = klout.evidence(annHere)
    equal([told.posts, told.counters.follower_count, told.actors.like.size], [2, 3, 2])
  })
  await check('an operator connects an account without its access', async () => {
    const here = await klout.connect(deeHere, 'bluesky', dee.handle)
    const read = await klout.read(here.connection)
    equal([read.state, kinds(deeHere)], ['ACTIVE', { follow: 1 }])
  })
  await check('whom more people react to has the higher score', async () => {
    before = await klout.settled(annHere)
    const low = await klout.settled(deeHere)
    ensure(before.score > low.score && low.score >= 1, `${before.score} and ${low.score}`)
  })
  await check('a look that finds nothing new tells nobody twice', async () => {
    await klout.again(id)
    equal(kinds(annHere), { follow: 3, like: 3, mention: 1, reply: 1, reshare: 2 })
  })
  await check('what is undone is taken back, and the score falls: a like and a follow', async () => {
    await cid.undo(cidLikes)
    await dee.undo(deeFollows)
    await seen('the first post', () => counts(first), [1, 1, 1, 1])
    await seen('who follows', async () => (await profile(ann)).followersCount, 2)
    await klout.again(id)
    equal(kinds(annHere), { follow: 2, like: 2, mention: 1, reply: 1, reshare: 2 })
    await scored(annHere, (it) => it.score < before.score)
  })
  await check('a post that is deleted is taken back with all that is under it', async () => {
    await ann.undo(second)
    await seen('that the second post is gone', () => counts(second), [null, null, null, null])
    await klout.again(id)
    equal(kinds(annHere), { follow: 2, like: 1, mention: 1, reply: 1, reshare: 2 })
    equal(klout.evidence(annHere).posts, 1)
  })
  await check('what is done once more counts once more', async () => {
    await cid.like(first)
    await seen('the first post', () => counts(first), [2, 1, 1, 1])
    await klout.again(id, 'INCREMENTAL')
    equal(kinds(annHere).like, 2)
  })
  await check('who is called something else is the same', async () => {
    await ann.act('com.atproto.identity.updateHandle', { handle: 'annie.test' })
    await seen('the handle', async () => (await profile(ann)).handle, 'annie.test')
    const read = await klout.again(id, 'INCREMENTAL')
    equal([read.state, read.account.nativeId, read.account.handle], ['ACTIVE', ann.did, 'annie.test'])
  })
  await check('access that expired is renewed, and nothing is missed', async () => {
    await eve.mention('and you?', { did: ann.did, handle: 'annie.test' })
    await seen('the mention', () => mentions(ann), 2)
    await forward(3)
    const read = await klout.again(id, 'INCREMENTAL')
    await forward(0)
    equal([read.state, kinds(annHere).mention], ['ACTIVE', 2])
  })
  await check('access that is taken away is asked for again, and what was told stays', async () => {
    await ann.act('com.atproto.server.revokeAppPassword', { name: 'klout' })
    await forward(6)
    const read = await klout.again(id, 'INCREMENTAL')
    await forward(0)
    equal([read.state, read.lastError?.reason], ['NEEDS_ACCESS', 'NETWORK_ACCESS_REFUSED'])
    equal(kinds(annHere).like, 2)
  })
  await check('new access goes on where it was', async () => {
    const made = await ann.act('com.atproto.server.createAppPassword', { name: 'again' })
    const more = { secret: made.password }
    const here = await klout.connect(annHere, 'bluesky', 'annie.test', 'APP_PASSWORD', more)
    equal(here.connection, id)
    const read = await klout.until('it is read', () => klout.connection(id), klout.idle)
    equal([read.state, kinds(annHere).like], ['ACTIVE', 2])
  })
  await check('an account that is deactivated is gone, and what it told is taken back', async () => {
    await dee.act('com.atproto.server.deactivateAccount')
    const hidden = () => profile(dee).then(() => 'there', () => 'hidden')
    await seen('that Dee left', hidden, 'hidden')
    const list = (await klout.ask('GET', `/v1/connections?person=${deeHere}`)).connections
    const read = await klout.again(list[0].connection)
    equal([read.state, read.lastError?.reason], ['GONE', 'NETWORK_ACCOUNT_GONE'])
    const left = () => [kinds(deeHere), klout.evidence(deeHere).counters, klout.evidence(deeHere).posts]
    await klout.until('nothing is left', left, (it) => JSON.stringify(it) === '[{},{},0]')
  })
  await check('an account that is disconnected with all it told leaves nothing that counts', async () => {
    const here = await klout.connect(benHere, 'bluesky', ben.handle)
    await klout.read(here.connection)
    ensure(klout.evidence(benHere).posts === 1, 'Ben has one post, a quote')
    const { takenBack } = await klout.ask('DELETE', `/v1/connections/${here.connection}?forget=true`)
    ensure(Number(takenBack) > 0, `${takenBack} were taken back`)
    equal([kinds(benHere), klout.evidence(benHere).counters, klout.evidence(benHere).posts], [{}, {}, 0])
  })
  // Last, as the server answers nobody for some minutes then.
  await check('a server that has had enough of us is left alone until it says', async () => {
    const until = await hadEnough()
    await klout.ask('POST', `/v1/connections/${id}/sync`, { mode: 'INCREMENTAL' })
    // The AppView has answered; what the server is asked waits, however often it is looked.
    const waits = (it) => it.progress.requestsWaiting === '1' && it.progress.requestsDone === '2'
    const read = await klout.until('it waits', () => klout.connection(id), waits)
    equal([read.state, read.lastError?.reason], ['ACTIVE', 'NETWORK_RATE_LIMITED'])
    ensure(until > Date.now() / 1_000, 'the time is still to come')
  })
}

// Asks until the server refuses, as one that counts per address does. Returns when it will answer again, as it says.
async function hadEnough() {
  let until
  const one = async () => {
    for (let asked = 0; asked < 400 && !until; asked += 1) {
      const response = await fetch(`${pds}/xrpc/com.atproto.server.describeServer`)
      await response.arrayBuffer()
      if (response.status === 429) until = Number(response.headers.get('ratelimit-reset'))
    }
  }
  await Promise.all(Array.from({ length: 16 }, one))
  ensure(until, 'the server never had enough')
  return until
}
