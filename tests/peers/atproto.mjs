// An AT Protocol network, as Bluesky's own tests start it: PLC, PDS, AppView and moderation, with the limits of a real
// PDS. Its clock can be put forward (POST /forward?hours=N at the last port): access then expires as it does in time.
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const modules = pathToFileURL(`${process.env.MODULES}/node_modules/@atproto/dev-env/dist/index.js`)
const [plc, pds, appview, ozone, introspect, , clock] = process.env.PORTS.split(',').map(Number)

const RealDate = Date
let ahead = 0
globalThis.Date = class extends RealDate {
  constructor(...of) {
    if (of.length === 0) super(RealDate.now() + ahead)
    else super(...of)
  }
  static now() {
    return RealDate.now() + ahead
  }
}

const { TestNetwork, mockMailer } = await import(modules)
const network = await TestNetwork.create({
  plc: { port: plc },
  pds: { port: pds, hostname: 'localhost', enableDidDocWithSession: true, rateLimitsEnabled: true },
  bsky: { dbPostgresSchema: process.env.DB_POSTGRES_SCHEMA, port: appview, publicUrl: `http://localhost:${appview}` },
  ozone: { port: ozone, chatUrl: 'http://localhost:1', chatDid: 'did:example:chat', dbMaterializedViewRefreshIntervalMs: 30_000 },
  introspect: { port: introspect },
})
mockMailer(network.pds)

createServer((request, response) => {
  ahead = Number(new URL(request.url, 'http://localhost').searchParams.get('hours')) * 3_600_000
  response.end(new Date().toISOString())
}).listen(clock)

console.log('READY')
process.on('SIGTERM', async () => {
  await network.close()
  process.exit(0)
})
