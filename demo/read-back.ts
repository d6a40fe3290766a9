import { ConsumerManifest, createMessaging, subscribe, type ReceivedMessage } from '../src/index.ts'
import type { ContentReader } from './content.ts'

export interface ReaderParts {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly content: ContentReader
  readonly receive: (key: string | null, sequence: number, text: string) => void
  /** What is there cannot be read: nothing more will be received. */
  readonly failed: (error: unknown) => void
}

export interface Reader {
  /** Records in the log, as the brokers count them. */
  stored(): Promise<number>
  close(): Promise<void>
}

/** Reads every partition of a topic from its beginning, by a consumer manifest of a messaging instance of its own. */
export async function readTopic({ brokers, topic, content, receive, failed }: ReaderParts): Promise<Reader> {
  class ReadBack extends ConsumerManifest {
    override readonly topic = topic
    // The demo's only reader: it needs no group, and what it has read nobody has to remember.
    override readonly partitions = 'all'
    override readonly fetchMaxWaitMs = 20
    override readonly maxMessages = 1000
    override readonly lagIntervalMs = 100
    override readonly onFailure = 'stop'

    constructor() {
      super()
      Object.assign(this, content.encoding)
    }

    override handleBatch(messages: readonly ReceivedMessage[]): void {
      for (const message of messages) {
        const { key, sequence, text } = content.read(message)
        receive(key, sequence, text)
      }
    }
  }
  const messaging = createMessaging({ brokers, clientId: 'postrider-demo-reader', closeOnExit: false })
  const running = await messaging.consumers.run([ReadBack])
  running.finished.catch(failed)
  return {
    async stored() {
      await allMeasured(running.health().consumers.flatMap(({ partitions }) => partitions).length)
      const partitions = running.health().consumers.flatMap((consumer) => consumer.partitions)
      return partitions.reduce((sum, { position = 0, lag = 0 }) => sum + position + lag, 0)
    },
    close: () => messaging.close(),
  }
}

/** Resolves when the end of so many partitions was asked for from now on. */
async function allMeasured(count: number): Promise<void> {
  const measured = new Set<number>()
  await new Promise<void>((resolve) => {
    const stop = subscribe('partition.measured', ({ manifest, partition }) => {
      if (manifest === 'ReadBack' && measured.add(partition).size === count) resolve(stop())
    })
  })
}
