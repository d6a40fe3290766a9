// Runs a consumer of librdkafka as the first argument says; see the test of each. Second argument: brokers.
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type HandlerContext,
  type ReceivedMessage,
} from '../../../src/index.ts'

const [what = '', brokers = ''] = process.argv.slice(2)
const messaging = createMessaging({
  brokers: brokers.split(','),
  closeOnExit: what !== 'off',
  stopTimeoutMs: what === 'late' ? 100 : 15_000,
  consumer: { protocol: 'consumer', group: `group-${what}`, onFailure: 'stop', retryAttempts: 1 },
})

class Answered extends ProducerManifest<string> {
  override readonly topic = `answers-${what}`
  override readonly codec = 'string'
}

type Handle = (message: ReceivedMessage<string>, context: HandlerContext) => Promise<void> | void

const never = (): Promise<never> => new Promise(() => undefined)
const handlers: Readonly<Record<string, Handle>> = {
  // Takes until it is told to end, and sends then.
  drain: async (_, { ending }) => {
    await new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve()))
    await messaging.registry.send(Answered, 'answer')
  },
  stuck: (_, { ending }) => {
    ending.addEventListener('abort', () => setTimeout(() => console.log('later'), 1100))
    return never()
  },
  late: (_, { signal }) => {
    signal.addEventListener('abort', () => console.log('aborted'))
    return never()
  },
  failed: () => Promise.reject(new Error('no')),
}

class Read extends ConsumerManifest<string> {
  override readonly topic = `questions-${what}`
  override readonly codec = 'string'

  override async handle(message: ReceivedMessage<string>, context: HandlerContext): Promise<void> {
    console.log('handles', message.payload)
    await handlers[what]?.(message, context)
  }
}

subscribe('consumer.stopped', ({ unfinished }) => console.log('stopped', unfinished))
subscribe('registry.closed', () => console.log('closed'))
const running = await messaging.consumers.run([Read])
console.log('ready')
if (what === 'stopped') await running.stop()
if (what === 'failed') {
  await running.finished.catch((error: { code: string }) => {
    console.log(error.code)
    process.exitCode = 5
  })
}
