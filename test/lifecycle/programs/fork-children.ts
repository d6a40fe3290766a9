// The primary imports, declares and configures, then starts children that send. Arguments: cluster|fork, brokers, driver, how many.
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { configure, registry } from '../../../src/index.ts'
import { manifests } from './manifests.ts'
import { readTraces } from './traces.ts'

const [how, brokers = '', driver = '', count = '1'] = process.argv.slice(2)
configure({ brokers: brokers.split(',') })
const program = fileURLToPath(new URL('nothing-before-first-send.ts', import.meta.url))
cluster.setupPrimary({ exec: program, args: [brokers, driver] })

const children = Array.from({ length: Number(count) }, () =>
  how === 'cluster' ? cluster.fork() : fork(program, [brokers, driver]),
)
const results = await Promise.all(
  children.map(async (child) => {
    const [[message], [code]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
    return { message: message as unknown, code: code as unknown }
  }),
)
const primary = { native: readTraces().native, clients: registry.status().clients.length, declared: manifests.length }
process.stdout.write(JSON.stringify({ primary, results }))
