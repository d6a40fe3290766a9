import type { DriverModule } from '../driver/driver.ts'
import type { DriverName } from '../driver/load-driver.ts'
import { errorCodes } from '../errors/codes.ts'
import type { BugsnagClient } from '../instrumentation/bugsnag-notifier.ts'
import type { ErrorNotifier } from '../instrumentation/error-notifier.ts'
import type { Logger } from '../instrumentation/log-instrument.ts'
import type { PayloadPolicy } from '../instrumentation/payload-log.ts'
import {
  choice,
  flag,
  fraction,
  integer,
  integers,
  list,
  passThrough,
  passedIn,
  positive,
  secret,
  text,
  type Field,
} from './field.ts'
import type { DedupeStore } from './dedupe-store.ts'
import { partitionChoice, startPosition } from './start-field.ts'
import { secretUrl, urls } from './url-field.ts'

const hostAndPort = /^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i

const driverNames = ['confluent', 'platformatic', 'auto', 'memory'] as const satisfies readonly DriverName[]

const driver: Field<DriverName | DriverModule> & { readonly default: DriverName } = {
  type: `one of ${driverNames.join(', ')}, or a driver module`,
  default: 'confluent',
  doc: 'The client underneath. `confluent` is librdkafka; `platformatic` is JavaScript throughout; `auto` takes the first of them that loads; `memory` stores in the process, for tests.',
  accept: (value) => {
    if (typeof value === 'object' && value !== null && 'createDriver' in value) return value as DriverModule
    return driverNames.find((name) => name === value)
  },
  parse: (value) => value,
}

/** Fields that each manifest can set for itself, as an attribute or by `producers.<Manifest>`; `producer` sets them for all. */
export const producerFields = {
  acks: choice(['all', 0, 1] as const, {
    default: 'all',
    doc: 'Which replicas confirm a message: all in-sync ones, the leader (1), or none (0).',
  }),
  idempotence: flag({
    default: true,
    doc: 'The broker drops duplicates of retries (KIP-98). Needs acks "all"; off by itself where acks is 0 or 1.',
  }),
  compression: choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const, {
    default: 'none',
    doc: 'Compression of batches.',
  }),
  lingerMs: integer({
    default: 0,
    min: 0,
    max: 900_000,
    unit: 'ms',
    doc: 'How long a message waits for company. At 0 the driver goes by the load: a lone message leaves at once, many under way make batches.',
  }),
  maxInFlight: integer({
    default: 5,
    min: 1,
    max: 1_000_000,
    unit: 'requests',
    doc: 'Requests to one broker on the wire at a time; at most 5 with idempotence.',
  }),
  deliveryTimeoutMs: integer({
    default: 120_000,
    min: 1,
    max: 2_147_483_647,
    unit: 'ms',
    doc: 'From the send until its final verdict, retries included.',
  }),
  requestTimeoutMs: integer({
    default: 30_000,
    min: 1,
    max: 900_000,
    unit: 'ms',
    doc: 'How long a broker may take to answer one produce request before it is retried.',
  }),
  maxMessageBytes: integer({
    default: 1_000_000,
    min: 1,
    max: 999_000_000,
    unit: 'bytes',
    doc: 'Largest key, value and headers together; a larger message is refused before it is sent.',
  }),
  partitioner: choice(['murmur2', 'crc32', 'random'] as const, {
    default: 'murmur2',
    doc: 'Key to partition: `murmur2` as the Java client, `crc32` as librdkafka by itself, or `random`.',
  }),
  queueMaxMessages: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'messages',
    doc: 'Unacknowledged messages of one client. Further sends wait for room; as many again may wait.',
  }),
  queueMaxBytes: integer({
    default: 268_435_456,
    min: 1024,
    unit: 'bytes',
    doc: 'Bytes of unacknowledged messages of one client; as many again may wait for room.',
  }),
  queueTimeoutMs: integer({
    default: 5_000,
    min: 1,
    max: 2_147_483_647,
    unit: 'ms',
    doc: 'How long a send waits for room in the queue before it fails with QUEUE_FULL.',
  }),
  createTopic: choice(['never', 'if-missing'] as const, {
    default: 'never',
    doc: 'Whether the first send of a manifest creates its topic, as its topicConfig says.',
  }),
  messageId: flag({
    default: false,
    doc: 'Give each message an id (UUIDv7) in a header, so that consumers recognise a duplicate.',
  }),
  messageIdHeader: text({
    default: 'postrider-message-id',
    pattern: /^\S+$/,
    expected: 'a name without spaces',
    doc: 'Name of that header. A message that has one already keeps it.',
  }),
  subjectStrategy: choice(['topic', 'record', 'topic-record'] as const, {
    default: 'topic',
    doc: 'Name a schema is registered under: `<topic>-value`, the full name of its record, or `<topic>-<record>`.',
  }),
} as const

/** Fields of `producers.<Manifest>`: what `producer` has, and what no two manifests have in common. */
export const manifestFields = {
  topic: text({
    doc: 'Topic name, in place of the one the manifest declares; the prefix is still put before it.',
    env: false,
  }),
  ...producerFields,
} as const

/** Fields that each consumer manifest can set for itself, as an attribute or by `consumers.<Manifest>`; `consumer` sets them for all. */
export const consumerFields = {
  group: text({
    pattern: /^\S{1,249}$/,
    expected: 'a name without spaces',
    doc: 'Consumer group. Consumers of one group that run together are one member of it.',
  }),
  instanceId: text({
    pattern: /^\S{1,249}$/,
    expected: 'a name without spaces',
    doc: 'Name of this process in its groups (`group.instance.id`): a restart within the session keeps its partitions. Each process needs another.',
  }),
  protocol: choice(['classic', 'consumer'] as const, {
    default: 'classic',
    doc: 'How the group is kept: `consumer` is KIP-848, where the broker decides about session and assignment.',
  }),
  partitions: partitionChoice({
    doc: 'Reads these partitions and joins no group: `all` of its topics, numbers (in the environment also `0,4-7`), or either by topic. Offsets are committed where there is a group.',
  }),
  startFrom: startPosition({
    default: 'earliest',
    doc: 'Where to start, as `startPolicy` says. Partitions without an offset in `offsets` start where the group is, else at the first message.',
  }),
  startPolicy: choice(['if-uncommitted', 'always'] as const, {
    default: 'if-uncommitted',
    doc: 'When `startFrom` counts: in partitions that the group has committed no offset of, or also elsewhere, once in each run.',
  }),
  sessionTimeoutMs: integer({
    default: 45_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    doc: 'A member that sends no heartbeat for so long is taken out of its group.',
  }),
  heartbeatIntervalMs: integer({
    default: 3_000,
    min: 100,
    max: 3_600_000,
    unit: 'ms',
    doc: 'How often a heartbeat is sent.',
  }),
  maxPollIntervalMs: integer({
    default: 300_000,
    min: 1_000,
    max: 86_400_000,
    unit: 'ms',
    doc: 'A member whose event loop stands still for so long is taken out of its group. A handler may take longer: polling does not wait for it.',
  }),
  isolation: choice(['committed', 'uncommitted'] as const, {
    default: 'committed',
    doc: '`committed` hides what aborted transactions wrote.',
  }),
  prefetchMaxBytes: integer({
    default: 16_777_216,
    min: 1_024,
    max: 2_000_000_000,
    unit: 'bytes',
    doc: 'What the driver fetches ahead, over all partitions.',
  }),
  fetchMaxWaitMs: integer({
    default: 500,
    min: 1,
    max: 300_000,
    unit: 'ms',
    doc: 'How long a broker may wait for something to send.',
  }),
  commitIntervalMs: integer({
    default: 1_000,
    min: 1,
    max: 3_600_000,
    unit: 'ms',
    doc: 'How often offsets are committed in the mode `interval`; also when partitions are revoked, and on stop.',
  }),
  drainTimeoutMs: integer({
    default: 10_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    doc: 'How long what is running may go on when its partition is revoked; then its signal aborts, and it never commits.',
  }),
  commit: choice(['interval', 'each', 'manual', 'before', 'transaction'] as const, {
    default: 'interval',
    doc: 'When offsets are committed: grouped after success; after each message or batch; by `context.commit()` only; before the handler, at most once; or in a transaction with what the handler sends.',
  }),
  concurrency: integer({
    default: 10,
    min: 1,
    max: 10_000,
    unit: 'partitions',
    doc: 'Partitions of a manifest whose handlers run at a time; 4 by default where `commit` is `transaction`, since each has a producer of its own.',
  }),
  keyConcurrency: integer({
    default: 1,
    min: 1,
    max: 10_000,
    unit: 'messages',
    doc: 'Messages of one partition handled at a time, those of one key in order; for `handle` only.',
  }),
  maxMessages: integer({
    default: 500,
    min: 1,
    max: 1_000_000,
    unit: 'messages',
    doc: 'Largest batch.',
  }),
  maxBytes: integer({
    default: 4_194_304,
    min: 1,
    max: 2_000_000_000,
    unit: 'bytes',
    doc: 'Keys, values and headers of a batch; a single larger message is a batch of its own.',
  }),
  maxWaitMs: integer({
    default: 0,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    doc: 'How long `handleBatch` waits for a full batch. At 0 it takes what is there.',
  }),
  bufferMaxBytes: integer({
    default: 8_388_608,
    min: 1,
    max: 2_000_000_000,
    unit: 'bytes',
    doc: 'The most that may wait for the handler or be handled in one partition, counting 1 KiB for each message besides its bytes; it is not read further until half of it is done. Partitions that are handled slowly get less.',
  }),
  bufferTotalMaxBytes: integer({
    default: 67_108_864,
    min: 1,
    max: 2_000_000_000,
    unit: 'bytes',
    doc: 'The same for all partitions of a member of a group together. Reached, nothing is read.',
  }),
  throttlePerSecond: positive({
    unit: 'messages per second',
    doc: 'At most so many messages of a manifest are given to its handler, further attempts included. In each process. Default: any number.',
  }),
  throttleBurst: integer({
    min: 1,
    max: 1_000_000,
    unit: 'messages',
    doc: 'So many may come at once after a time with fewer; a batch is no larger. Default: what comes in a tenth of a second, at least 1.',
  }),
  throttleKeyPerSecond: positive({
    unit: 'messages per second',
    doc: 'The same for the messages of each key; those without a key are not counted. Default: any number.',
  }),
  throttleKeyBurst: integer({
    min: 1,
    max: 1_000_000,
    unit: 'messages',
    doc: 'So many of a key may come at once after a time with fewer. Default: what comes in a tenth of a second, at least 1.',
  }),
  retryAttempts: integer({
    default: 6,
    min: 1,
    max: 1_000_000,
    unit: 'attempts',
    doc: 'How often a message is handled before `onFailure` decides, the first time included.',
  }),
  retryDelayMs: integer({
    default: 1_000,
    min: 0,
    max: 86_400_000,
    unit: 'ms',
    doc: 'Wait before the second attempt; it doubles with each further one. Each wait is shortened by chance, by up to a half.',
  }),
  retryMaxDelayMs: integer({
    default: 60_000,
    min: 0,
    max: 86_400_000,
    unit: 'ms',
    doc: 'Longest wait between two attempts.',
  }),
  retryLaterMs: integers({
    default: [],
    min: 1,
    max: 31_622_400_000,
    most: 20,
    unit: 'ms',
    doc: 'Waits before further attempts once `retryAttempts` are used up, one attempt after each, while the partition goes on. Empty: there are none.',
  }),
  retryOrder: choice(['key', 'none'] as const, {
    default: 'key',
    doc: 'Where messages are meanwhile. `key`: in memory, later messages of their key stay behind them; `none`: in retry topics, and later messages go ahead.',
  }),
  retryAheadMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: 'messages',
    doc: 'With `retryOrder` `key`: so many messages of a partition are begun from the first one that waits on; then the partition waits, too.',
  }),
  retryTopic: text({
    default: '{topic}.{group}.retry-{n}',
    pattern: /^[\w.{}-]*\{n\}[\w.{}-]*$/,
    expected: 'letters, digits, ".", "_", "-", {topic}, {group} and {n}',
    doc: 'Names of retry topics; `{n}` counts the waits of `retryLaterMs` from 1. Without `{topic}` the topicPrefix is put before.',
  }),
  delayMs: integer({
    default: 0,
    min: 0,
    max: 31_622_400_000,
    unit: 'ms',
    doc: 'A message is not handled before its timestamp plus so much; its partition waits.',
  }),
  dueHeader: text({
    pattern: /^\S+$/,
    expected: 'a name without spaces',
    doc: 'Name of a header that says when a message is due, in place of `delayMs`: milliseconds since 1970, or a date and time as in ISO 8601.',
  }),
  onFailure: choice(['dead-letter', 'skip', 'stop'] as const, {
    default: 'dead-letter',
    doc: 'What becomes of a message whose attempts failed or that cannot be decoded: to the dead letter topic, left out, or the consumer stops.',
  }),
  deadLetterTopic: text({
    default: '{topic}.dead-letter',
    pattern: /^[\w.{}-]+$/,
    expected: 'letters, digits, ".", "_", "-" and {topic}',
    doc: 'Where dead letters go. `{topic}` is the topic of the message; without it the topicPrefix is put before.',
  }),
  createFailureTopics: choice(['never', 'if-missing'] as const, {
    default: 'never',
    doc: 'Whether retry topics and the dead letter topic that are missing are created, before the consumer runs, as its retryTopicConfig and deadLetterTopicConfig say.',
  }),
  dedupeStore: passedIn<DedupeStore>({
    methods: ['seen', 'record'],
    expected: 'an object with seen() and record()',
    doc: 'Where the ids of handled messages are kept, so that duplicates are left out. Without one they are handled.',
  }),
  dedupeTtlMs: integer({
    default: 86_400_000,
    min: 1,
    max: 31_622_400_000,
    unit: 'ms',
    doc: 'How long an id is kept.',
  }),
  messageIdHeader: text({
    default: 'postrider-message-id',
    pattern: /^\S+$/,
    expected: 'a name without spaces',
    doc: 'Name of the header with the id of a message, as its producer has it.',
  }),
  breakerFailures: integer({
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: 'failures',
    doc: 'So many failed attempts in a row pause the whole consumer for `breakerPauseMs`. 0: never.',
  }),
  breakerPauseMs: integer({
    default: 30_000,
    min: 1,
    max: 86_400_000,
    unit: 'ms',
    doc: 'How long that pause lasts; the first failure after it begins the next one.',
  }),
  blockedMs: integer({
    default: 1_000,
    min: 1,
    max: 3_600_000,
    unit: 'ms',
    doc: 'A handler that keeps the event loop for so long is reported.',
  }),
  lagIntervalMs: integer({
    default: 30_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    doc: 'How often lag is measured, by one request for each partition. 0: never, and nothing watches whether messages still come.',
  }),
  hungMs: integer({
    default: 0,
    min: 0,
    max: 86_400_000,
    unit: 'ms',
    doc: 'A handler that gets nothing done for so long counts as hung: `health()` says that the consumers are not alive. 0: never.',
  }),
  stuckMs: integer({
    default: 120_000,
    min: 1,
    max: 86_400_000,
    unit: 'ms',
    doc: 'A partition whose end moves on while it gives nothing for so long, though it is not paused: the client is reported and replaced.',
  }),
} as const

/** Fields of `consumers.<Manifest>`. */
export const consumerManifestFields = {
  topic: text({
    doc: 'Topic name, in place of what the manifest declares; the prefix is still put before it.',
    env: false,
  }),
  ...consumerFields,
} as const

/** The one table of config fields: types, validation, environment names and docs/configuration.md come from it. */
export const fields = {
  brokers: list({
    pattern: hostAndPort,
    expected: 'a list of "host:port"',
    doc: 'Brokers to start from; the rest of the cluster is found through them.',
  }),
  clientId: text({ default: 'postrider', doc: 'Name of this application in broker logs and quotas.' }),
  environment: text({
    env: 'NODE_ENV',
    doc: 'Name of the deployment; given to topic functions, and put into topicPrefix for `{environment}`. Never guessed: without it these are refused.',
  }),
  topicPrefix: text({
    default: '',
    pattern: /^[\w.{}-]*$/,
    expected: 'letters, digits, ".", "_", "-" and {environment}',
    doc: 'Put before every topic name, e.g. `{environment}.`.',
  }),
  driver,
  connectTimeoutMs: integer({
    default: 10_000,
    min: 1,
    max: 300_000,
    unit: 'ms',
    doc: 'How long the first send waits for a broker to answer.',
  }),
  closeTimeoutMs: integer({
    default: 25_000,
    min: 0,
    max: 2_147_483_647,
    unit: 'ms',
    doc: 'How long close() waits for acknowledgements; below the 30 s an orchestrator usually grants.',
  }),
  closeOnExit: flag({
    default: true,
    doc: 'Close by itself when the process has nothing left to do, and on SIGTERM and SIGINT unless the application listens to them.',
  }),
  idleDisconnectMs: integer({
    default: 0,
    min: 0,
    max: 2_147_483_647,
    unit: 'ms',
    doc: 'Close a client that had nothing to do for so long; the next send connects again. 0: never.',
  }),
  transactionalId: text({
    pattern: /^\S+$/,
    expected: 'a name without spaces',
    doc: 'Identity of this process for `registry.transaction`, the same after a restart. No two running at a time may have one: the newer fences the older.',
  }),
  transactionTimeoutMs: integer({
    default: 60_000,
    min: 1_000,
    max: 900_000,
    unit: 'ms',
    doc: 'A transaction that takes longer is aborted.',
  }),
  tls: {
    enabled: flag({ default: false, doc: 'Encrypt connections to brokers.' }),
    ca: text({ doc: 'Certificate authorities: PEM text or path of a PEM file. Default: the system’s.' }),
    certificate: text({ doc: 'Client certificate: PEM text or path.' }),
    key: secret({ doc: 'Private key of the client certificate: PEM text or path.' }),
    keyPassword: secret({ doc: 'Password of the private key.' }),
    verifyHostname: flag({ default: true, doc: 'Check that the broker’s certificate names its host.' }),
  },
  sasl: {
    mechanism: choice(['plain', 'scram-sha-256', 'scram-sha-512'] as const, {
      doc: 'How to authenticate; none if unset.',
    }),
    username: text({ doc: 'SASL user.' }),
    password: secret({ doc: 'SASL password.' }),
  },
  schemaRegistry: {
    url: urls({
      alone: 'memory:',
      expected:
        'one or several http(s) URLs, without user and password (for these there are username, password and token), or "memory:"',
      doc: 'Schema registry for Avro manifests; several URLs of one stand in for each other. `memory:` is one inside the process, for demos and tests.',
    }),
    username: text({ doc: 'User of basic authentication.' }),
    password: secret({ doc: 'Password of basic authentication.' }),
    token: secret({ doc: 'Bearer token, in place of user and password.' }),
    tls: {
      ca: text({ doc: 'Certificate authorities: PEM text or path of a PEM file. Default: the system’s.' }),
      certificate: text({ doc: 'Client certificate: PEM text or path.' }),
      key: secret({ doc: 'Private key of the client certificate: PEM text or path.' }),
    },
    proxy: secretUrl({ doc: 'HTTP proxy to go through; may hold user and password.' }),
    requestTimeoutMs: integer({
      default: 3_000,
      min: 1,
      max: 300_000,
      unit: 'ms',
      doc: 'How long one request may take before the next URL or another try.',
    }),
    timeoutMs: integer({
      default: 10_000,
      min: 1,
      max: 300_000,
      unit: 'ms',
      doc: 'How long an answer may take, retries included.',
    }),
    autoRegister: choice(['in-development', 'always', 'never'] as const, {
      default: 'in-development',
      doc: 'Whether the first send of a manifest registers a schema that is new; `in-development`: only where `environment` is said to be development or test.',
    }),
    cacheDirectory: text({
      doc: 'Directory for schemas and their ids, so that a process starts and sends known schemas while the schema registry is down.',
    }),
  },
  driverOptions: {
    confluent: passThrough({
      default: {},
      doc: 'librdkafka properties, passed through as they are; they win over everything else.',
    }),
    platformatic: passThrough({
      default: {},
      doc: 'Options of the JavaScript driver: `topicPropagationMs` (default 30000), how long a topic may be missing before a send to it fails.',
    }),
  },
  errorNotifier: {
    notifier: passedIn<ErrorNotifier>({
      methods: ['notify'],
      expected: 'an object with notify()',
      doc: 'Where failures that no caller sees are reported to: any object of the shape of ErrorNotifier. It wins over the rest.',
    }),
    bugsnag: passedIn<BugsnagClient>({
      methods: ['notify', 'leaveBreadcrumb'],
      expected: 'a Bugsnag client',
      doc: 'The application’s own Bugsnag client.',
    }),
    apiKey: secret({ doc: 'Starts a Bugsnag client with this key, where none is passed in. Needs @bugsnag/js.' }),
    endpoint: text({
      pattern: /^https?:\/\/\S+$/,
      expected: 'an http or https URL',
      doc: 'Where the client started from `apiKey` posts reports to. Default: Bugsnag’s own.',
    }),
    awaited: flag({ default: false, doc: 'Report failures of awaited sends too, which their callers see anyway.' }),
    ignore: list({
      pattern: new RegExp(`^(${Object.keys(errorCodes).join('|')})$`),
      expected: 'a list of error codes',
      doc: 'Codes that are never reported.',
    }),
    maxPerMinute: integer({
      default: 10,
      min: 1,
      max: 1_000,
      unit: 'reports of one code',
      doc: 'More of one code in a minute are only counted; the next report, or one at the end of the minute, says how many.',
    }),
  },
  metrics: {
    enabled: flag({
      default: false,
      doc: 'Count messages in the process, for `messaging.metrics.prometheus()`. On by itself where a statsd is named.',
    }),
    driverStatisticsMs: integer({
      default: 0,
      min: 0,
      max: 3_600_000,
      unit: 'ms',
      doc: 'How often the `confluent` driver tells what it sees of each broker, if metrics are on or somebody listens to `broker.measured` when it connects; 0: never. Each time it writes and we read a text of some kilobytes for each topic.',
    }),
    eventLoopIntervalMs: integer({
      default: 10_000,
      min: 0,
      max: 3_600_000,
      unit: 'ms',
      doc: 'How often the delay of the event loop is told, while consumers run or metrics are on; 0: never.',
    }),
    statsd: {
      host: text({ doc: 'Host of the statsd daemon or agent to tell over UDP or TCP. Needs the package hot-shots.' }),
      port: integer({ default: 8125, min: 1, max: 65_535, unit: 'port', doc: 'Port of the statsd daemon.' }),
      socketPath: text({ doc: 'Path of its Unix socket, in place of a host.' }),
      protocol: choice(['udp', 'tcp', 'unix', 'unix-stream'] as const, {
        doc: 'How to reach it. Default: `udp` to a host, `unix` (datagrams; needs the package unix-dgram) to a socket.',
      }),
      format: choice(['dogstatsd', 'plain'] as const, {
        default: 'dogstatsd',
        doc: 'Tags as DogStatsD, or their values in the name for daemons that know no tags.',
      }),
      prefix: text({ default: 'postrider', doc: 'Put before every metric name, with a dot.' }),
      tags: list({
        pattern: /^[\w./-]+:[^,|#\s]+$/,
        expected: 'a list of "name:value"',
        doc: 'Tags of every metric; `dogstatsd` only.',
      }),
      sampleRate: fraction({
        default: 0,
        doc: 'The part of the measured values of distributions that is also sent value by value, with this rate. Counts are never sampled.',
      }),
      flushIntervalMs: integer({
        default: 10_000,
        min: 100,
        max: 3_600_000,
        unit: 'ms',
        doc: 'How often counts are sent; once more on close.',
      }),
    },
  },
  tracing: {
    manifests: list({
      pattern: /^([\w$-]+|\*)$/,
      expected: 'a list of manifest names, or "*" for all',
      doc: 'Whose messages are traced from the start; `messaging.tracing` changes it later. Needs @opentelemetry/api.',
    }),
    sampleRate: fraction({
      default: 1,
      doc: 'The part of their messages that get a span; the others carry on the trace they are sent in.',
    }),
    signal: choice(['SIGUSR2'] as const, {
      doc: 'A signal that switches tracing off, or on again for `manifests` (for all, if none are named).',
    }),
  },
  logging: {
    logger: passedIn<Logger>({
      methods: ['debug', 'info', 'warn', 'error'],
      expected: 'a logger with debug, info, warn and error',
      doc: 'Logs events to a pino-compatible logger; never a key or a payload, unless `logging.payloads` says so. Nothing is logged without one.',
    }),
    messages: flag({ default: false, doc: 'Also a `debug` line or two for each message.' }),
    maxPerMinute: integer({
      default: 60,
      min: 1,
      max: 1_000_000,
      unit: 'failures of one code',
      doc: 'More failures of one code in a minute have no line; the next line of the code says how many.',
    }),
    payloads: choice(['none', 'key', 'redacted', 'full'] as const satisfies readonly PayloadPolicy[], {
      default: 'none',
      doc: 'What of each message is logged as `debug`: its key; or also its payload, with types in place of values (`redacted`) or as it is.',
    }),
  },
  health: {
    port: integer({
      min: 0,
      max: 65_535,
      unit: 'port',
      doc: 'Where consumers answer probes over HTTP from their first start on (`/health`, `/health/live`, `/health/ready`, `/metrics`); 0: any port, told by `endpoint.opened`. Nowhere without it.',
    }),
    host: text({
      default: '127.0.0.1',
      pattern: /^\S+$/,
      expected: 'a name or an address without spaces',
      doc: 'Address to listen on. Probes that come from outside, such as those of Kubernetes, need `0.0.0.0`.',
    }),
  },
  controlSocket: text({
    pattern: /./,
    expected: 'a path',
    doc: 'Path of a Unix domain socket by which `postrider consumers` can look at and steer consumers; its directory must be closed to other users, and is made where it is missing. None without it.',
  }),
  stopTimeoutMs: integer({
    default: 15_000,
    min: 0,
    max: 2_147_483_647,
    unit: 'ms',
    doc: 'How long stopping consumers wait for handlers that run; then their signals abort, and what they did is not committed.',
  }),
  producer: producerFields,
  consumer: consumerFields,
} as const

/** Field names, nested as in `fields`. */
export interface FieldTable {
  readonly [name: string]: Field<unknown, unknown> | FieldTable
}

type AnyField = Pick<Field<unknown>, 'accept' | 'parse'>
type Input<T> = T extends { readonly '~input'?: infer Value } ? NonNullable<Value> : never
type Resolved<T> = T extends { readonly '~resolved'?: infer Value }
  ? T extends { readonly default: unknown }
    ? NonNullable<Value>
    : NonNullable<Value> | undefined
  : never

type OptionsOf<Table> = {
  readonly [Key in keyof Table]?: (Table[Key] extends AnyField ? Input<Table[Key]> : OptionsOf<Table[Key]>) | undefined
}
type ConfigOf<Table> = {
  readonly [Key in keyof Table]: Table[Key] extends AnyField ? Resolved<Table[Key]> : ConfigOf<Table[Key]>
}

/** What one manifest can be given: by its attributes, by `producers.<Manifest>`, or for all by `producer`. */
export type ProducerOptions = OptionsOf<typeof manifestFields>

/** What one consumer manifest can be given: by its attributes, by `consumers.<Manifest>`, or for all by `consumer`. */
export type ConsumerOptions = OptionsOf<typeof consumerManifestFields>

/** What `configure` takes. */
export type MessagingOptions = OptionsOf<typeof fields> & {
  /** Overrides for single manifests, by name. */
  readonly producers?: Readonly<Record<string, ProducerOptions>>
  /** Overrides for single consumer manifests, by name. */
  readonly consumers?: Readonly<Record<string, ConsumerOptions>>
}

/** Resolved and frozen: everything that belongs to no single manifest. */
export type MessagingConfig = ConfigOf<Omit<typeof fields, 'producer' | 'consumer'>>

/** Resolved and frozen, for one manifest. */
export type ProducerConfig = ConfigOf<typeof manifestFields>

/** Resolved and frozen, for one consumer manifest. */
export type ConsumerConfig = ConfigOf<typeof consumerManifestFields>
