import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ensureKafkaDistribution } from './kafka-distribution.ts'

/** A record as the Java consumer sees it. */
export type KafkaRecord = {
  partition: number
  offset: number
  timestamp: number
  timestampType: 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'
  key: Buffer | null
  value: Buffer | null
  headers: [name: string, value: Buffer | null][]
}

/** A record for the Java producer; without a partition its own partitioner decides. */
export type OutgoingKafkaRecord = {
  partition?: number
  timestamp?: number
  key?: Buffer | null
  value: Buffer | null
  headers?: [name: string, value: Buffer | null][]
}

export type KafkaPartition = { partition: number; leader: number | null; replicas: number[]; inSync: number[] }

export type CommittedOffset = { topic: string; partition: number; offset: number; metadata: string }

/** What is not as it should be with messages that are numbered 0, 1, 2 ... for each key. */
export type SequenceAudit = {
  count: number
  /** Numbers that came again. */
  duplicated: number
  /** Numbers that came after a higher one of their key. */
  reordered: number
  /** Messages that are in another partition than the first one of their key. */
  astray: number
  /** How many idempotent producers have written to the topic. */
  producers: number
  /** By key: the highest number and one, and what is missing before. */
  keys: Record<string, { next: number; missing: number[] }>
}

export type CreateTopicOptions = {
  /** Default 1. */
  partitions?: number
  /** Default 1. */
  replicationFactor?: number
  /** Topic settings by their Kafka names. */
  config?: Record<string, string | number | boolean>
}

/** The Java clients, as an independent view of what a test did. Failures carry the Java exception's simple name first. */
export type KafkaTools = AsyncDisposable & {
  createTopic: (topic: string, options?: CreateTopicOptions) => Promise<void>
  deleteTopic: (topic: string) => Promise<void>
  describeTopic: (topic: string) => Promise<KafkaPartition[]>
  addPartitions: (topic: string, total: number) => Promise<void>
  setTopicConfig: (topic: string, config: Record<string, string | number | boolean>) => Promise<void>
  /** All settings of a topic, by their Kafka names. */
  topicConfig: (topic: string) => Promise<Record<string, string>>
  /** Makes a broker the preferred and the actual leader of a partition; resolves when it leads. */
  moveLeader: (topic: string, partition: number, leader: number) => Promise<void>
  /** Needs a broker with an authorizer. */
  denyTopic: (topic: string, principal: string, operation: 'READ' | 'WRITE' | 'ALL') => Promise<void>
  /** Reading and writing the topic stays allowed. Needs a broker with an authorizer. */
  denyCreation: (topic: string, principal: string) => Promise<void>
  /** Makes the user, or gives it another password, for SCRAM-SHA-256. */
  setScramPassword: (user: string, password: string) => Promise<void>
  committedOffsets: (group: string) => Promise<CommittedOffset[]>
  /** Everything in the topic at this moment, by partition and offset. */
  readTopic: (topic: string, options?: { isolation?: 'read_uncommitted' | 'read_committed' }) => Promise<KafkaRecord[]>
  /** Reads a topic whose values begin with their number and a space; bounded in memory, however long the topic is. */
  auditSequences: (topic: string) => Promise<SequenceAudit>
  /** `config` is the Java producer's, by its Kafka names. */
  produce: (
    topic: string,
    records: OutgoingKafkaRecord[],
    config?: Record<string, string>,
  ) => Promise<{ partition: number; offset: number }[]>
  close: () => Promise<void>
}

type JavaRecord = Omit<KafkaRecord, 'key' | 'value' | 'headers'> & {
  key: string | null
  value: string | null
  headers: [string, string | null][]
}

type JavaResult = Partial<SequenceAudit> & {
  config?: Record<string, string>
  partitions?: KafkaPartition[]
  offsets?: CommittedOffset[]
  reports?: { partition: number; offset: number }[]
}

type JavaLine = { id: number; record?: JavaRecord; result?: JavaResult; error?: string; message?: string }

type JavaAnswer = { result: JavaResult; records: KafkaRecord[] }

type PendingRequest = {
  records: KafkaRecord[]
  resolve: (answer: JavaAnswer) => void
  reject: (error: Error) => void
}

/** Starts one Java process that serves all calls until `close`; about half a second, then milliseconds a call. */
export async function startKafkaTools(bootstrap: string): Promise<KafkaTools> {
  const distribution = await ensureKafkaDistribution()
  const java = spawn(
    distribution.java,
    [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      // Whatever goes wrong comes back as an exception.
      '-Dpostrider.log=/dev/null',
      `-Dlog4j2.configurationFile=${distribution.log4jConfig}`,
      '-cp',
      distribution.classPath,
      'KafkaTools',
      bootstrap,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'], detached: true },
  )
  const pending = new Map<number, PendingRequest>()
  let lastId = 0
  let ended: Error | undefined
  const exited = new Promise<void>((resolve) => {
    const end = (error: Error): void => {
      ended = error
      for (const request of pending.values()) request.reject(error)
      pending.clear()
      resolve()
    }
    java.once('error', end)
    java.once('exit', (code) => end(new Error(`the Java tools have ended (exit code ${code})`)))
  })
  // A request written while the process dies is answered by the exit, not by the broken pipe.
  java.stdin.on('error', () => undefined)

  createInterface({ input: java.stdout }).on('line', (text) => {
    const line: JavaLine = JSON.parse(text)
    const request = pending.get(line.id)
    if (request === undefined) return
    if (line.record !== undefined) {
      request.records.push(decodeRecord(line.record))
      return
    }
    pending.delete(line.id)
    if (line.error === undefined) request.resolve({ result: line.result ?? {}, records: request.records })
    else request.reject(new Error(`${line.error}: ${line.message}`))
  })

  async function call(command: string, fields: object): Promise<JavaAnswer> {
    if (ended !== undefined) throw ended
    const id = ++lastId
    return new Promise((resolve, reject) => {
      pending.set(id, { records: [], resolve, reject })
      java.stdin.write(`${JSON.stringify({ id, command, ...fields })}\n`)
    })
  }

  async function close(): Promise<void> {
    java.stdin.end()
    await exited
  }

  return {
    async createTopic(topic, { partitions = 1, replicationFactor = 1, config = {} } = {}) {
      await call('createTopic', { topic, partitions, replicationFactor, config })
    },
    async deleteTopic(topic) {
      await call('deleteTopic', { topic })
    },
    async describeTopic(topic) {
      return (await call('describeTopic', { topic })).result.partitions ?? []
    },
    async addPartitions(topic, total) {
      await call('addPartitions', { topic, total })
    },
    async setTopicConfig(topic, config) {
      await call('setTopicConfig', { topic, config })
    },
    async topicConfig(topic) {
      return (await call('topicConfig', { topic })).result.config ?? {}
    },
    async moveLeader(topic, partition, leader) {
      await call('moveLeader', { topic, partition, leader })
    },
    async denyTopic(topic, principal, operation) {
      await call('denyTopic', { topic, principal, operation })
    },
    async denyCreation(topic, principal) {
      await call('denyCreation', { topic, principal })
    },
    async setScramPassword(user, password) {
      await call('setScramPassword', { user, password })
    },
    async committedOffsets(group) {
      return (await call('committedOffsets', { group })).result.offsets ?? []
    },
    async readTopic(topic, { isolation = 'read_uncommitted' } = {}) {
      const { records } = await call('read', { topic, isolation })
      return records.sort((left, right) => left.partition - right.partition || left.offset - right.offset)
    },
    async auditSequences(topic) {
      return (await call('audit', { topic })).result as SequenceAudit
    },
    async produce(topic, records, config = {}) {
      const encoded = records.map((record) => ({
        ...record,
        key: encodeBytes(record.key),
        value: encodeBytes(record.value),
        headers: record.headers?.map(([name, value]) => [name, encodeBytes(value)]) ?? [],
      }))
      return (await call('produce', { topic, records: encoded, config })).result.reports ?? []
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function decodeRecord(record: JavaRecord): KafkaRecord {
  return {
    ...record,
    key: decodeBytes(record.key),
    value: decodeBytes(record.value),
    headers: record.headers.map(([name, value]) => [name, decodeBytes(value)]),
  }
}

function decodeBytes(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, 'base64')
}

function encodeBytes(bytes: Buffer | null | undefined): string | null {
  return bytes?.toString('base64') ?? null
}
