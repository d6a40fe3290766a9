// Consumers for `postrider consume`, on a broker in memory that the file fills itself.
import { ConsumerManifest, createMessaging, ProducerManifest, type ReceivedMessage } from '../../src/index.ts'
import { createMemoryDriver } from '../../src/testing.ts'

export const messaging = createMessaging({ driver: createMemoryDriver(), consumer: { retryDelayMs: 1 } })

class Note extends ProducerManifest<{ text: string }> {
  override readonly topic = 'notes'
}

export class ReadNotes extends ConsumerManifest<{ text: string }> {
  override readonly topic = 'notes'
  override readonly group = 'readers'
  override readonly retryAttempts = 2

  override handle(message: ReceivedMessage<{ text: string }>): unknown {
    if (message.isTombstone) return undefined
    process.stdout.write(`read ${message.payload.text}\n`)
    if (message.payload.text === process.env['FAIL_AT']) throw new Error('with a secret in it')
    if (message.payload.text === process.env['END_AT']) process.kill(process.pid, 'SIGTERM')
    return undefined
  }
}

export class Stopping extends ReadNotes {
  override readonly onFailure = 'stop'
}

export class Grouped extends ConsumerManifest {
  override readonly topic = 'notes'

  override handle(): void {
    process.kill(process.pid, 'SIGINT')
  }
}

export const notes = ['one', 'two']
for (const text of notes) await messaging.registry.send(Note, { text }, { partition: 0 })

/** Never ends by itself, and keeps the process alive. */
export class Hanging extends ReadNotes {
  override handle(message: ReceivedMessage<{ text: string }>): unknown {
    if (message.isTombstone) return undefined
    process.stdout.write(`hangs at ${message.payload.text}\n`)
    setInterval(() => undefined, 1_000)
    return new Promise(() => undefined)
  }
}

/** Leaves something open that nobody closes. */
export class Leaving extends ReadNotes {
  override handle(message: ReceivedMessage<{ text: string }>): unknown {
    setInterval(() => undefined, 1_000)
    return super.handle(message)
  }
}
