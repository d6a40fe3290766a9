// Reports the traces of a process before and after importing, declaring and configuring, then sends a message.
// Runs as main process, as cluster worker and as forked child; arguments: brokers and driver.
import cluster from 'node:cluster'
import { readTraces } from './traces.ts'

const brokers = (process.argv[2] ?? '').split(',')
const before = readTraces()
const { configure, registry } = await import('../../../src/index.ts')
const { TextSent } = await import('./manifests.ts')
configure({ brokers, driver: process.argv[3] as 'confluent', clientId: 'lifecycle' })
const declared = readTraces()
const report = await registry.send(TextSent, `from ${process.pid}`)
const sent = readTraces()
const { clients } = registry.status()
await registry.close()

const result = { before, declared, sent, report, clients: clients.length, worker: cluster.isWorker }
if (process.send) {
  process.send(result)
  process.disconnect()
} else {
  process.stdout.write(JSON.stringify(result))
}
