// Sends and then does what the first argument says; see the test of each.
import type { DriverModule } from '../../../src/driver.ts'
import { createMessaging, subscribe } from '../../../src/index.ts'
import { TextSent } from './manifests.ts'

const [what, brokers = ''] = process.argv.slice(2)
/** Acknowledges the first message and no other. */
const stuckDriver: DriverModule = {
  name: 'stuck',
  needsBrokers: () => false,
  createDriver() {
    let isFirst = true
    return Promise.resolve({
      capabilities: { copiesValue: true, idempotence: true, workerThreads: true, durable: true },
      produce(_message, settlement) {
        if (isFirst) settlement.settle(null, 0, 0, 0)
        isFirst = false
        return true
      },
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    })
  },
}
const options = {
  brokers: brokers.split(','),
  ...(what === 'off' ? { closeOnExit: false } : {}),
  ...(what === 'stuck' ? { driver: stuckDriver } : {}),
}
const { registry } = createMessaging(options)
subscribe('registry.closed', ({ unsettled }) => console.log('closed', unsettled))

await registry.send(TextSent, 'first')
let acknowledged = 1
let failed = 0
const count = (sent: Promise<unknown>): Promise<void> =>
  sent.then(
    () => void acknowledged++,
    () => void failed++,
  )

/** Keeps the process busy until it is called. */
function keepBusy(): () => void {
  const timer = setInterval(() => undefined, 1000)
  return () => clearInterval(timer)
}

/** More than can be acknowledged by the time a signal is there. */
function sendMuch(): Promise<void>[] {
  return Array.from({ length: 100_000 }, (_, index) => count(registry.send(TextSent, `${index}`)))
}

const programs: Readonly<Record<string, () => Promise<void> | void>> = {
  off: () => console.log('ready'),
  end: () => void count(registry.send(TextSent, 'last')),
  failedBuild: async () => {
    class Misplaced extends TextSent {
      static override manifestName = 'Misplaced'
      override topic = 'no such topic'
    }
    await registry.send(Misplaced as typeof TextSent, 'x').catch(({ code }: { code: string }) => console.log(code))
  },
  stream: async () => {
    const sent = sendMuch()
    keepBusy()
    console.log('ready')
    await Promise.all(sent)
    console.log('settled', acknowledged, failed)
  },
  // Goes on sending while it shuts down, as a server does that still answers what it has accepted.
  ownListener: () => {
    const stop = keepBusy()
    process.on('SIGTERM', () => {
      void Promise.all(sendMuch()).then(() => {
        console.log('own listener', acknowledged, failed)
        process.exitCode = 7
        stop()
      })
    })
    console.log('ready')
  },
  // As the package signal-exit does it: it ends the process only if nobody else listens.
  countingListener: () => {
    keepBusy()
    const listener = (): void => {
      console.log('listeners', process.listenerCount('SIGTERM'))
      if (process.listenerCount('SIGTERM') !== 1) return
      process.off('SIGTERM', listener)
      process.kill(process.pid, 'SIGTERM')
    }
    process.on('SIGTERM', listener)
    console.log('ready')
  },
  twoInstances: async () => {
    keepBusy()
    const other = createMessaging(options)
    await other.registry.send(TextSent, 'other')
    console.log('ready')
  },
  stuck: () => {
    void count(registry.send(TextSent, 'never acknowledged'))
    subscribe('registry.closing', () => {
      console.log('closing')
      process.kill(process.pid, 'SIGTERM')
      setTimeout(() => console.log('later'), 1100)
    })
    console.log('ready')
  },
  // A signal that does not end the process leaves everything as it was.
  ignoredSignal: async () => {
    keepBusy()
    const ignored = Promise.withResolvers<void>()
    process.once('SIGINT', () => ignored.resolve())
    console.log('ready')
    await ignored.promise
    await count(registry.send(TextSent, 'after it'))
    console.log('went on', acknowledged, failed)
  },
}
await programs[what!]!()
