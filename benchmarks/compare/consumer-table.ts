import type { ClientRow } from './client-table.ts'

const postrider = { module: 'postrider', isOurs: true, consumes: true } as const
const raw = { module: 'confluent-callback', family: 'raw', consumes: true } as const
const confluent = { module: 'confluent-kafkajs', consumes: true } as const
const kafkajs = { module: 'kafkajs', consumes: true } as const
const platformatic = { module: 'platformatic', consumes: true } as const

/** librdkafka's advice where it waits a second before it fetches more (its CONFIGURATION.md, `fetch.queue.backoff.ms`). */
const tunedFetch = { 'fetch.queue.backoff.ms': 5, 'queued.min.messages': 1_000_000 }

/** Who is compared at consuming. A new client is one row, and a file in consumers/ if no file there can make it. */
export const consumerTable: readonly ClientRow[] = [
  {
    ...postrider,
    name: 'postrider-handle-batch',
    title: 'postrider, handleBatch',
    settings: {},
    note: 'the native driver, no settings; offsets are committed in intervals, of what is handled',
    role: 'ours',
  },
  {
    ...postrider,
    name: 'postrider-handle',
    title: 'postrider, handle',
    settings: { handler: 'message' },
    note: 'the same, handler by message',
    role: 'by-message',
  },
  {
    ...postrider,
    name: 'postrider-platformatic-handle-batch',
    title: 'postrider, driver platformatic, handleBatch',
    settings: { driver: 'platformatic' },
    note: "`driver: 'platformatic'`, no other settings",
    role: 'ours',
  },
  {
    ...postrider,
    name: 'postrider-avro',
    title: 'postrider, Avro decoded',
    settings: { handler: 'avro' },
    note: "the same, `codec: 'avro-single-object'`, batches",
    role: 'avro',
  },
  {
    ...postrider,
    name: 'postrider-avsc',
    title: 'postrider, avsc in the handler',
    settings: { handler: 'avsc' },
    note: "the same, `codec: 'bytes'`; the handler calls avsc’s `decode`",
    role: 'avsc',
  },
  {
    ...raw,
    name: 'raw-consume-1000',
    title: 'Confluent callback API',
    settings: {},
    note: '`consume(1000)` again and again, as it comes; offsets are stored when handed over, and committed in intervals',
    role: 'raw',
  },
  {
    ...raw,
    name: 'raw-consume-1000-tuned',
    title: 'Confluent callback API, tuned',
    settings: { ...tunedFetch, returnsEarly: true },
    note: '`fetch.queue.backoff.ms` 5, `queued.min.messages` 1,000,000, and only the first message is waited for',
    role: 'raw-setting',
  },
  {
    ...confluent,
    name: 'confluent-each-batch',
    title: 'Confluent KafkaJS API, eachBatch',
    settings: {},
    note: 'as it comes: batches of up to 32',
    role: 'peer',
  },
  {
    ...confluent,
    name: 'confluent-each-batch-tuned',
    title: 'Confluent KafkaJS API, eachBatch, tuned',
    settings: { ...tunedFetch, 'js.consumer.max.batch.size': 1000 },
    note: '`js.consumer.max.batch.size` 1,000, `fetch.queue.backoff.ms` 5, `queued.min.messages` 1,000,000',
    role: 'tuned-peer',
  },
  {
    ...kafkajs,
    name: 'kafkajs-each-batch',
    title: 'kafkajs, eachBatch',
    settings: {},
    note: 'as it comes',
    role: 'peer',
  },
  {
    ...kafkajs,
    name: 'kafkajs-each-batch-tuned',
    title: 'kafkajs, eachBatch, tuned',
    settings: { maxBytesPerPartition: 10_485_760 },
    note: '`maxBytesPerPartition` 10 MB, as much as `maxBytes`',
    role: 'tuned-peer',
  },
  {
    ...platformatic,
    name: 'platformatic-stream',
    title: '@platformatic/kafka, stream',
    settings: {},
    note: '`data` events, as it comes; offsets are committed of what is fetched',
    role: 'peer',
  },
  {
    ...platformatic,
    name: 'platformatic-stream-tuned',
    title: '@platformatic/kafka, stream, tuned',
    settings: { autocommit: 1000, maxBytes: 1_048_576 },
    note: '`autocommit` each second, `maxBytes` 1 MB in place of 50',
    role: 'tuned-peer',
  },
]
