import type { DeliveryReport, LibrdKafkaError } from '@confluentinc/kafka-javascript'
import { keyOf, type ClientModule } from '../measured-client.ts'

/** The one call that the published types lack: it returns an error number in place of an exception. */
interface NativeClient {
  produce(
    topic: string,
    partition: number | null,
    value: Buffer,
    key: Buffer | null,
    timestamp: null,
    opaque: Waiter,
    headers: undefined,
  ): number
}

/** Who is told when `left` messages are acknowledged. */
interface Waiter {
  left: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const load = () => import('@confluentinc/kafka-javascript')

/** The callback API of Confluent's client, written as tightly as it allows: what a wrapper can at best reach. */
export const clientModule: ClientModule = {
  create({ brokers, topic, isKeyed }, settings) {
    let client: NativeClient
    let produced = 0
    let acknowledged = 0
    let flushed: (() => void) | undefined
    const produce = (value: Buffer, waiter: Waiter): void => {
      produced++
      const key = isKeyed ? Buffer.from(keyOf(value)) : null
      const code = client.produce(topic, null, value, key, null, waiter, undefined)
      if (code !== 0) waiter.reject(new Error(`librdkafka refused a message (${code})`))
    }
    const onDelivery = (error: LibrdKafkaError | null, { opaque }: DeliveryReport): void => {
      const waiter: Waiter = opaque
      if (error) return waiter.reject(new Error(error.message))
      if (++acknowledged === produced) flushed?.()
      if (--waiter.left === 0) waiter.resolve()
    }
    const nobody: Waiter = {
      left: Number.POSITIVE_INFINITY,
      resolve: () => undefined,
      reject: (error) => {
        throw error
      },
    }
    return {
      async connect() {
        const { Producer } = (await load()).default
        const producer = new Producer({
          'bootstrap.servers': brokers,
          acks: -1,
          'enable.idempotence': true,
          partitioner: 'murmur2_random',
          dr_cb: true,
          ...settings,
        })
        producer.on('delivery-report', onDelivery)
        await new Promise<void>((resolve, reject) => {
          producer.connect({}, (error) => (error ? reject(new Error(error.message)) : resolve()))
        })
        producer.setPollInBackground(true)
        client = (producer as unknown as { getClient(): NativeClient }).getClient()
      },
      send: (value) => new Promise<void>((resolve, reject) => produce(value, { left: 1, resolve, reject })),
      sendMany: (values) =>
        new Promise<void>((resolve, reject) => {
          const waiter = { left: values.length, resolve, reject }
          for (const value of values) produce(value, waiter)
        }),
      fireAndForget: {
        dispatch: (value) => produce(value, nobody),
        flush: () =>
          new Promise<void>((resolve) => {
            flushed = resolve
            if (acknowledged === produced) resolve()
          }),
        acknowledged: () => acknowledged,
      },
    }
  },
  importOnly: load,
}
