// Sends from a worker thread, with the native library already in use by the main thread. Arguments: driver, brokers.
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createMessaging, isMessagingError } from '../../../src/index.ts'
import { TextSent } from './manifests.ts'

const [driver, brokers = ''] = isMainThread ? process.argv.slice(2) : (workerData as string[])
const messaging = createMessaging({
  brokers: brokers.split(','),
  driver: driver as 'auto' | 'confluent' | 'memory' | 'platformatic',
})
if (isMainThread) {
  await messaging.registry.send(TextSent, 'from the main thread')
  const worker = new Worker(new URL(import.meta.url), { workerData: [driver, brokers] })
  worker.on('message', (result) => {
    void messaging.close().then(() => process.stdout.write(JSON.stringify(result)))
  })
} else {
  const { parentPort } = await import('node:worker_threads')
  const sent = await messaging.registry.send(TextSent, 'from a worker').then(
    (report) => ({ report }),
    (error: unknown) => (isMessagingError(error) ? { error: error.toJSON() } : { unexpected: String(error) }),
  )
  await messaging.close()
  parentPort?.postMessage(sent)
}
