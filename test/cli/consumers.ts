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

  override handle(message: ReceivedMessage<{ text: string }>): void {
    if (message.isTombstone) return
    process.stdout.write(`read ${message.payload.text}\n`)
    if (message.payload.text === process.env['FAIL_AT']) throw new Error('with a secret in it')
    if (message.payload.text === process.env['END_AT']) process.kill(process.pid, 'SIGTERM')
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
