// Sends, closes or is told to, and has nothing else to do afterwards; the first argument says what, see the test of each.
// Arguments: what, driver, brokers, and settings as JSON.
import { createMessaging, isMessagingError, subscribe, type MessagingOptions } from '../../../src/index.ts'
import { TextSent } from './manifests.ts'

const [what, driver, brokers = '', settings = '{}'] = process.argv.slice(2)
const { registry } = createMessaging(
  { driver: driver as 'confluent', brokers: brokers.split(','), ...(JSON.parse(settings) as MessagingOptions) },
  {},
)
const counts: Record<string, number> = {}
const count = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1)
subscribe('client.connected', () => count('connected'))
subscribe('registry.closed', () => count('closed'))

async function send(messages: number): Promise<void> {
  const fail = (error: unknown): void =>
    count(isMessagingError(error) ? `${error.code}, ${error.outcome}` : String(error))
  const sends = Array.from({ length: messages }, (_, index) =>
    registry.send(TextSent, `${index}`).then(() => count('acknowledged'), fail),
  )
  await Promise.all(sends)
}

/** At once, and again when it is done. */
async function closeThreeTimes(): Promise<void> {
  await Promise.all([registry.close(), registry.close()])
  await registry.close()
}

/** Connects, and is told when the brokers are gone. */
async function brokersGone(): Promise<void> {
  await send(1)
  const busy = setInterval(() => undefined, 1000)
  const told = new Promise((resolve) => process.once('SIGUSR2', resolve))
  console.log('ready')
  await told
  clearInterval(busy)
}

const programs: Readonly<Record<string, () => Promise<unknown>>> = {
  firstSends: async () => {
    await send(1000)
    await registry.close()
  },
  whileConnecting: () => Promise.all([send(1000), closeThreeTimes()]),
  inFlight: async () => {
    await send(1)
    await Promise.all([send(100_000), closeThreeTimes()])
  },
  withoutBrokers: async () => {
    await brokersGone()
    await Promise.all([send(100_000), closeThreeTimes()])
  },
  withoutBrokersUntilSignal: async () => {
    await brokersGone()
    const sent = send(100_000)
    console.log('in flight')
    await sent
  },
  untilSignal: async () => {
    setInterval(() => undefined, 1000)
    const sent = send(1000)
    // In the next turn the driver is being loaded, and nothing is connected.
    setImmediate(() => console.log('ready'))
    await sent
  },
}
await programs[what!]!()
console.log(`settled ${JSON.stringify(counts)}`)
