// Preloaded: whatever listens on a port listens on this machine's loopback alone.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...told) {
  const [first, second] = told
  const isPort = typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first))
  if (isPort) {
    if (typeof second !== 'string') told.splice(1, 0, '127.0.0.1')
  } else if (first && typeof first === 'object' && 'port' in first && !first.host) {
    told[0] = { ...first, host: '127.0.0.1' }
  }
  return listen.apply(this, told)
}
