import { MessagingError } from '../errors/messaging-error.ts'
import { loadNativeModule } from '../driver/confluent/native-module.ts'

export interface MockCluster extends AsyncDisposable {
  /** host:port of each broker, for `brokers`. */
  readonly brokers: readonly string[]
  close(): Promise<void>
}

/**
 * Starts librdkafka's mock cluster in this process: real sockets and protocol, no server to install.
 * Topics create themselves with 4 partitions, each keeps its newest 5 MB;
 * acknowledgements carry no real timestamp, and topics cannot be created by request (`createTopic` times out).
 * @throws DRIVER_NOT_INSTALLED, DRIVER_LOAD_FAILED, DRIVER_IN_WORKER_THREAD
 */
export async function startMockCluster({ brokers: count = 3 }: { brokers?: number } = {}): Promise<MockCluster> {
  const native = await loadNativeModule()
  const owner = new native.Producer({ 'test.mock.num.brokers': count, 'client.id': 'mock-cluster' })
  const metadata = await new Promise<{ brokers: readonly { host: string; port: number }[] }>((resolve, reject) => {
    owner.connect({ timeout: 10_000 }, (error, found) => {
      if (error || !found) reject(new MessagingError('DRIVER_FAILED', { reason: error?.message ?? 'no metadata' }))
      else resolve(found)
    })
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= new Promise<void>((resolve) => owner.disconnect(1, resolve)))
  return {
    brokers: metadata.brokers.map(({ host, port }) => `${host}:${port}`),
    close,
    [Symbol.asyncDispose]: close,
  }
}
