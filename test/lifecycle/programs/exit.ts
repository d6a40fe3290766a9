// Sends with closeOnExit and then does what the arguments say: end (nothing more to do), stream (send until a signal comes)
// or unhandled (keeps its own SIGTERM listener).
import { createMessaging, subscribe } from '../../../src/index.ts'
import { TextSent } from './manifests.ts'

const [what, brokers = ''] = process.argv.slice(2)
const { registry } = createMessaging({ brokers: brokers.split(','), closeOnExit: true })
subscribe('registry.closed', ({ unsettled }) => console.log('closed', unsettled))

await registry.send(TextSent, 'first')
let acknowledged = 1
let failed = 0
const count = (sent: Promise<unknown>): Promise<void> =>
  sent.then(
    () => void acknowledged++,
    () => void failed++,
  )
if (what === 'end') {
  void count(registry.send(TextSent, 'last'))
} else {
  // More than can be acknowledged by the time the signal is there.
  const sent = Array.from({ length: 100_000 }, (_, index) => count(registry.send(TextSent, `${index}`)))
  if (what === 'own-listener') {
    process.on('SIGTERM', () => {
      void Promise.all(sent).then(() => {
        console.log('own listener', acknowledged, failed)
        process.exitCode = 7
      })
    })
  }
  console.log('ready')
  const keepAlive = setInterval(() => undefined, 1000)
  await Promise.all(sent)
  console.log('settled', acknowledged, failed)
  if (what === 'own-listener') clearInterval(keepAlive)
}
