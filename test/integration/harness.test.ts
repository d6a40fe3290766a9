import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { randomUUID } from 'node:crypto'
import kafka, { type DeliveryReport, type MessageHeader } from '@confluentinc/kafka-javascript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka } from '../kafka/kafka-cluster.ts'
import { startKafkaTools, type KafkaRecord, type KafkaTools } from '../kafka/kafka-tools.ts'
import { hasKcat, readWithKcat } from '../kafka/read-with-kcat.ts'
import { waitUntil } from '../kafka/wait-until.ts'

// Checks the harness itself, with the driver's bare binding: what the SDK's tests later conclude from it rests on this.

type Sent = {
  partition: number
  timestamp: number
  key: Buffer | null
  value: Buffer | null
  headers: [name: string, value: Buffer | string][]
}

const bootstrap = process.env.KAFKA_BOOTSTRAP ?? ''
const FIRST_TIMESTAMP = 1_700_000_000_000
// Every byte there is, with the ones that a text format would stumble over: NUL, newline, bytes that are not UTF-8.
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, index) => index))

const kcatInstalled = await hasKcat()
let tools: KafkaTools

beforeAll(async () => {
  if (bootstrap === '') throw new Error('KAFKA_BOOTSTRAP is not set: run `npm run test:kafka`')
  tools = await startKafkaTools(bootstrap)
})

afterAll(async () => {
  await tools.close()
})

describe('what the binding sends', () => {
  const topic = `harness-${randomUUID()}`
  const sent = hundredMessages()
  let reports: DeliveryReport[]

  beforeAll(async () => {
    await tools.createTopic(topic, { partitions: 3 })
    reports = await produceWithBinding(topic, sent)
  })

  test('is what the Java client reads', async () => {
    const read = await tools.readTopic(topic)
    expect(read).toHaveLength(100)
    for (const partition of [0, 1, 2]) {
      const received = read.filter((record) => record.partition === partition)
      expect(received.map((record) => record.offset)).toEqual(received.map((_, index) => index))
      expect(received.map(asSent)).toEqual(
        sentTo(partition).map((message) => ({
          ...message,
          headers: message.headers.map(([name, bytes]) => [name, Buffer.from(bytes)]),
        })),
      )
    }
    expect(new Set(read.map((record) => record.timestampType))).toEqual(new Set(['CreateTime']))
  })

  test.runIf(kcatInstalled)('is what kcat reads', async () => {
    const read = await readWithKcat(bootstrap, topic)
    for (const partition of [0, 1, 2]) {
      const received = read.filter((record) => record.partition === partition)
      expect(received.map(asSent)).toEqual(
        sentTo(partition).map((message) => ({ ...message, headers: asKcatPrints(message.headers) })),
      )
    }
  })

  test('is what the delivery reports say', async () => {
    expect(positions(reports)).toEqual(positions(await tools.readTopic(topic)))
  })

  function sentTo(partition: number): Sent[] {
    return sent.filter((message) => message.partition === partition)
  }
})

describe('empty and absent', () => {
  // There are several ways to hold no bytes in JavaScript, and natively some of them have no address.
  const pool = Buffer.from('pool')
  const withoutStorage: [name: string, bytes: Buffer][] = [
    ['Buffer.alloc(0)', Buffer.alloc(0)],
    ['Buffer.from of an empty string', Buffer.from('')],
    ['a buffer over an empty ArrayBuffer', Buffer.from(new ArrayBuffer(0))],
  ]
  const withStorage: [name: string, bytes: Buffer][] = [
    ['an empty part of a pooled buffer', pool.subarray(2, 2)],
    ['an empty part of an own buffer', Buffer.alloc(10_000).subarray(5, 5)],
  ]

  test.each([...withoutStorage, ...withStorage])('%s as key and value arrives empty, not null', async (_, empty) => {
    const { key, value } = await roundTrip({ key: empty, value: empty, headers: [] })
    expect({ key, value }).toEqual({ key: Buffer.alloc(0), value: Buffer.alloc(0) })
  })

  // The trap of this binding: header values miss the care that it takes with keys and values.
  test.each(withoutStorage)('%s as header value arrives as null', async (_, empty) => {
    const { headers } = await roundTrip({ key: null, value: null, headers: [['header', empty]] })
    expect(headers).toEqual([['header', null]])
  })

  test.each([...withStorage, ['an empty string', ''] as const])(
    '%s as header value arrives empty',
    async (_, empty) => {
      const { headers } = await roundTrip({ key: null, value: null, headers: [['header', empty]] })
      expect(headers).toEqual([['header', Buffer.alloc(0)]])
    },
  )

  test('null as key and value arrives as null', async () => {
    const { key, value, headers } = await roundTrip({ key: null, value: null, headers: [] })
    expect({ key, value, headers }).toEqual({ key: null, value: null, headers: [] })
  })

  async function roundTrip(message: Pick<Sent, 'key' | 'value' | 'headers'>): Promise<KafkaRecord> {
    const topic = `harness-${randomUUID()}`
    await tools.createTopic(topic)
    await produceWithBinding(topic, [{ partition: 0, timestamp: FIRST_TIMESTAMP, ...message }])
    const [record, ...more] = await tools.readTopic(topic)
    if (record === undefined || more.length > 0) throw new Error('expected exactly one record')
    return record
  }
})

describe('the brokers', () => {
  test('keep messages however old their timestamps are', async () => {
    const config = { 'log.initial.task.delay.ms': 100, 'log.retention.check.interval.ms': 100 }
    await using cluster = await startKafka({ config })
    await using ownTools = await startKafkaTools(cluster.bootstrap)
    await ownTools.createTopic('kept')
    await ownTools.createTopic('limited', { config: { 'retention.ms': 1000 } })
    const old = { partition: 0, timestamp: FIRST_TIMESTAMP, value: EVERY_BYTE }
    for (const topic of ['kept', 'limited']) await ownTools.produce(topic, [old])
    await waitUntil('old messages are deleted where they are to be', async () => {
      return (await ownTools.readTopic('limited')).length === 0
    })
    expect(await ownTools.readTopic('kept')).toHaveLength(1)
  })

  test('end, and delete their data, when the process that started them is killed', async () => {
    const starter = spawn(process.execPath, [fileURLToPath(new URL('../kafka/run-kafka.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(starter, 'exit')
    let pid = 0
    let directory = ''
    for await (const line of createInterface({ input: starter.stdout })) {
      const found = /process (\d+), data in (.*)\)$/.exec(line)
      if (found === null) continue
      pid = Number(found[1])
      directory = found[2] ?? ''
      break
    }
    expect(isRunning(pid)).toBe(true)
    expect(existsSync(directory)).toBe(true)

    starter.kill('SIGKILL')
    await exited

    await waitUntil('the broker has ended', () => !isRunning(pid))
    await waitUntil('its data is deleted', () => !existsSync(directory))
  })
})

function asSent<Headers>({ partition, timestamp, key, value, headers }: Omit<Sent, 'headers'> & { headers: Headers }) {
  return { partition, timestamp, key, value, headers }
}

function positions(records: { partition: number; offset: number }[]): string[] {
  return records.map((record) => `${record.partition}:${record.offset}`).sort()
}

function hundredMessages(): Sent[] {
  const messages: Sent[] = []
  for (let index = 0; index < 100; index++) {
    const headers: Sent['headers'] = [
      ['index', String(index)],
      ['repeated', Buffer.from('first')],
      ['empty', ''],
      ['repeated', Buffer.from([index, 0x00, 0xff, 0x0a])],
      ['größe', EVERY_BYTE.subarray(index)],
    ]
    messages.push({
      partition: index % 3,
      timestamp: FIRST_TIMESTAMP + index,
      key: Buffer.from(`key-${index}`),
      value: Buffer.concat([Buffer.from([index]), EVERY_BYTE]),
      headers: index % 7 === 0 ? [] : headers,
    })
  }
  Object.assign(messages[10]!, { value: null })
  Object.assign(messages[20]!, { value: Buffer.alloc(0) })
  Object.assign(messages[30]!, { key: Buffer.alloc(0) })
  Object.assign(messages[40]!, { key: null })
  Object.assign(messages[50]!, { key: EVERY_BYTE })
  return messages
}

async function produceWithBinding(topic: string, messages: Sent[]): Promise<DeliveryReport[]> {
  const producer = new kafka.Producer({ 'bootstrap.servers': bootstrap, 'linger.ms': 0, acks: -1, dr_cb: true })
  await new Promise<void>((resolve, reject) => {
    producer.connect({}, (error) => (error ? reject(asError(error)) : resolve()))
  })
  producer.setPollInBackground(true)
  try {
    return await new Promise((resolve, reject) => {
      const reports: DeliveryReport[] = []
      producer.on('delivery-report', (error, report) => {
        if (error) return reject(asError(error))
        reports.push(report)
        if (reports.length === messages.length) resolve(reports)
      })
      for (const { partition, value, key, timestamp, headers } of messages) {
        const bindingHeaders: MessageHeader[] = headers.map(([name, bytes]) => ({ [name]: bytes }))
        producer.produce(topic, partition, value, key, timestamp, undefined, bindingHeaders)
      }
    })
  } finally {
    await new Promise((resolve) => producer.disconnect(resolve))
  }
}

function asError(error: { message: string; code: number }): Error {
  return new Error(`${error.message} (${error.code})`)
}

// kcat ends a header value at its first NUL.
function asKcatPrints(headers: Sent['headers']): Buffer {
  const parts = headers.flatMap(([name, value]) => {
    const bytes = Buffer.from(value)
    const nul = bytes.indexOf(0)
    return [Buffer.from(`,${name}=`), nul < 0 ? bytes : bytes.subarray(0, nul)]
  })
  return Buffer.concat(parts).subarray(1)
}

// A process that has ended but was not collected by its adoptive parent still has its id: in a container the first
// process may never collect it.
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
