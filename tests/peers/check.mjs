// What comes of what happens on real servers, which `cargo xtask peers` has started and told where they are.
import { summary } from './checks.mjs'

if (process.env.WIKI) await (await import('./wikipedia.mjs')).run()
if (process.env.PDS) await (await import('./bluesky.mjs')).run()
process.exit(summary() ? 0 : 1)
