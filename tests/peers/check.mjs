// What comes of what happens on real servers, which `cargo xtask peers` has started and told where they are.
import { failed, summary } from './checks.mjs'

for (const [there, network] of [['WIKI', 'wikipedia'], ['PDS', 'bluesky']]) {
  if (!process.env[there]) continue
  const { run } = await import(`./${network}.mjs`)
  await run().catch((error) => failed(`${network}: all of it can be looked at`, error))
}
process.exit(summary() ? 0 : 1)
