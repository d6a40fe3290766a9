// Handles one message, which takes until the process was told to end, and says what became of it.
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type HandlerContext,
} from '../../../src/index.ts'
import { createMemoryDriver } from '../../../src/testing.ts'

const driver = createMemoryDriver({ partitions: 1 })
const messaging = createMessaging({ driver })

class Asked extends ProducerManifest<string> {
  override readonly topic = 'asked'
}
class Answered extends ProducerManifest<string> {
  override readonly topic = 'answered'
}

class Answer extends ConsumerManifest<string> {
  override readonly topic = 'asked'
  override readonly group = 'answers'

  override async handle(_message: unknown, { ending }: HandlerContext): Promise<void> {
    console.log('begun')
    await new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve()))
    await messaging.registry.send(Answered, 'answer')
  }
}

subscribe('registry.closed', () => {
  const committed = driver.committed('answers').map(({ offset }) => offset)
  console.log('closed', committed, driver.records('answered').length)
})
await messaging.registry.send(Asked, 'question')
await messaging.consumers.run([Answer])
