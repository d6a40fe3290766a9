// npm run kafka [-- --three]
//
// A Kafka to try things on: runs until Ctrl-C, then everything it stored is gone. Unlike in the tests a topic comes into
// being with its first message.
import { startKafka } from './kafka-cluster.ts'

const kafka = await startKafka({
  brokers: process.argv.includes('--three') ? 3 : 1,
  config: { 'auto.create.topics.enable': true },
}).catch((error: unknown) => {
  // What is missing and how to get it is in the message; a stack would only bury it.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})

// The broker has a process group of its own and is not hit by the Ctrl-C.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void kafka.close())
}

const processes = kafka.brokers.map((broker) => broker.pid).join(', ')
process.stdout.write(`Apache Kafka ${kafka.version} (process ${processes}, data in ${kafka.directory})\n`)
process.stdout.write(`bootstrap: ${kafka.bootstrap}\n`)
process.stdout.write('Ctrl-C ends it.\n')
