import { isIP } from 'node:net'
import type { TopicPartition } from '../driver-consumer.ts'
import { readFetchAnswer, type FetchAnswer } from './fetch-answer.ts'
import type {
  ConnectionOptions,
  LibraryCallback,
  LibraryConnection,
  LibraryError,
  LibraryReader,
  LibraryWriter,
  PlatformaticModule,
} from './platformatic-module.ts'

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

const produceKey = 0
/** From this version on the library writes and reads the request in the compact form. */
const firstCompactProduce = 9
const fetchKey = 1
const firstCompactFetch = 12
const newestVersions: Readonly<Record<string, number>> = {
  // Later ones name topics by their ids.
  Fetch: 12,
  // As librdkafka: its mock cluster says that it knows the next ones, and hangs up.
  JoinGroup: 5,
  SyncGroup: 3,
  Heartbeat: 3,
  LeaveGroup: 1,
}

export interface FetchRequest {
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly isCommittedOnly: boolean
  readonly partitions: readonly (TopicPartition & { readonly offset: number; readonly maxBytes: number })[]
}

/** One connection to a broker, and the versions of requests that both sides know. */
export class BrokerConnection {
  readonly produceVersion: number
  readonly #library: PlatformaticModule
  readonly #connection: LibraryConnection
  readonly #versions: ReadonlyMap<string, number>
  readonly #pending = new Set<LibraryCallback>()

  private constructor(
    library: PlatformaticModule,
    connection: LibraryConnection,
    versions: ReadonlyMap<string, number>,
    onClose: (closed: BrokerConnection) => void,
  ) {
    this.#library = library
    this.#connection = connection
    this.#versions = versions
    this.produceVersion = this.#version('Produce')
    connection.on('close', () => {
      onClose(this)
      // The library forgets requests without an answer (acks 0) that were not written yet.
      for (const fail of this.#pending) fail(new Error('Connection closed'))
      // And the timer by which it renews the session of SASL.
      connection.close(() => undefined)
    })
    // A timer holds the process while something is on its way; an idle connection should not.
    connection.socket?.unref()
    connection.socket?.setKeepAlive(true)
  }

  /** @throws LibraryError */
  static async open(
    library: PlatformaticModule,
    clientId: string,
    { host, port }: BrokerAddress,
    options: ConnectionOptions,
    onClose: (closed: BrokerConnection) => void,
    signal?: AbortSignal,
  ): Promise<BrokerConnection> {
    const connection = new library.Connection(clientId, { ...options, tlsServerName: isIP(host) === 0 })
    // Every failure reaches a callback as well; without a listener it would end the process.
    connection.on('error', () => undefined)
    // The library bounds the connection alone; who takes it and then says nothing is no broker either.
    const silence = new Error(`${host}:${port} said nothing within ${Math.round(options.connectTimeout)} ms`)
    const timer = setTimeout(() => connection.socket?.destroy(silence), options.connectTimeout)
    // With an error, since the library hears of a socket that ends without one only once it is connected.
    const abort = (): void => connection.socket?.destroy(signal?.reason as Error)
    signal?.addEventListener('abort', abort)
    try {
      await new Promise<void>((resolve, reject) => {
        connection.connect(host, port, (error) => (error ? reject(error) : resolve()))
      })
      const opened = new BrokerConnection(library, connection, await readVersions(library, connection), onClose)
      signal?.throwIfAborted()
      return opened
    } catch (error) {
      connection.socket?.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  get isOpen(): boolean {
    return this.#connection.isConnected()
  }

  /** Whether it is open, now or when it has renewed its session of SASL. */
  async becomesOpen(): Promise<boolean> {
    if (this.#connection.status === 'reauthenticating') {
      await new Promise<void>((resolve) => {
        this.#connection.once('connect', resolve)
        this.#connection.once('close', resolve)
      })
    }
    return this.isOpen
  }

  /** Whether broker and library have a version of it in common. */
  knows(name: string): boolean {
    return this.#versions.has(name)
  }

  /** One request by its name in Kafka’s protocol. @throws LibraryError, with the whole answer as `response` if only parts of it are errors */
  async call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return callApi(this.#library, this.#connection, name, this.#version(name), args)
  }

  /** The same, with the whole answer also where parts of it are errors. @throws LibraryError */
  async answer(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.call(name, ...args).catch((error: LibraryError) => {
      if (error.response === undefined) throw error
      return error.response
    })
  }

  /** What there is from these offsets on, waiting for it at most `maxWaitMs`. @throws LibraryError */
  fetch({ maxWaitMs, maxBytes, isCommittedOnly, partitions }: FetchRequest): Promise<FetchAnswer> {
    const version = this.#version('Fetch')
    const compact = version >= firstCompactFetch
    const topics = Map.groupBy(partitions, ({ topic }) => topic)
    const entries = Array.from(topics, ([topicId, of]) => ({
      topicId,
      partitions: of.map(({ partition, offset, maxBytes: partitionMaxBytes }) => ({
        partition,
        fetchOffset: BigInt(offset),
        partitionMaxBytes,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
      })),
    }))
    const { createRequest } = this.#library.apis[apiName('Fetch', version)]!
    // Each request names all of its partitions: session 0, epoch -1.
    const write = (): LibraryWriter =>
      createRequest(maxWaitMs, 1, maxBytes, isCommittedOnly ? 1 : 0, 0, -1, entries, [], '')
    const parse = (_id: number, _key: number, _version: number, reader: LibraryReader): FetchAnswer =>
      readFetchAnswer(reader.buffer.buffer, version)
    return new Promise((resolve, reject) => {
      this.#connection.send(fetchKey, version, write, parse, compact, compact, (error, answer) =>
        error ? reject(error) : resolve(answer as FetchAnswer),
      )
    })
  }

  /** Sends batches, by topic and partition. With `acks` 0 the callback says that they are written, within `timeoutMs` or the connection ends. */
  produce(
    acks: number,
    timeoutMs: number,
    topics: readonly (readonly [topic: string, batches: readonly SealedBatch[]])[],
    callback: LibraryCallback,
  ): void {
    const compact = this.produceVersion >= firstCompactProduce
    const write = (): LibraryWriter => {
      const writer = this.#library.Writer.create()
        .appendString(null, compact)
        .appendInt16(acks)
        .appendInt32(timeoutMs)
        .appendArray(topics, (w, [topic, batches]) => writeTopic(w, topic, batches, compact), compact, compact)
      if (compact) writer.appendTaggedFields()
      writer.context.noResponse = acks === 0
      return writer
    }
    let timer: NodeJS.Timeout | undefined
    const finish: LibraryCallback = (error, response) => {
      clearTimeout(timer)
      if (this.#pending.delete(finish)) callback(error, response)
    }
    this.#pending.add(finish)
    const { parseResponse } = this.#library.apis[`produceV${this.produceVersion}`]!
    this.#connection.send(produceKey, this.produceVersion, write, parseResponse, compact, compact, finish)
    // The library bounds the wait for an answer only; a broker that hangs would keep what expects none for ever.
    if (acks === 0 && this.#pending.has(finish)) timer = setTimeout(() => this.abort(), timeoutMs).unref()
  }

  /** Ends it at once; what waits for an answer fails. */
  abort(): void {
    this.#connection.socket?.destroy()
  }

  /** Gives up at `timeoutMs` on a broker that does not take what is still to be written. */
  async close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.abort(), timeoutMs)
    await new Promise<void>((resolve) => this.#connection.close(() => resolve()))
    clearTimeout(timer)
  }

  #version(name: string): number {
    const version = this.#versions.get(name)
    if (version === undefined) throw new Error(`the broker and the library have no version of ${name} in common`)
    return version
  }
}

export interface SealedBatch {
  readonly partition: number
  readonly payload: Buffer
}

function writeTopic(writer: LibraryWriter, topic: string, batches: readonly SealedBatch[], compact: boolean): void {
  writer.appendString(topic, compact).appendArray(
    batches,
    (w, { partition, payload }) => {
      w.appendInt32(partition)
      if (compact) w.appendUnsignedVarInt(payload.length + 1)
      else w.appendInt32(payload.length)
      w.append(payload)
    },
    compact,
    compact,
  )
}

function callApi(
  { apis }: PlatformaticModule,
  connection: LibraryConnection,
  name: string,
  version: number,
  args: readonly unknown[],
): Promise<unknown> {
  const request = apis[apiName(name, version)]!
  return new Promise((resolve, reject) => {
    const callback: LibraryCallback = (error, response) => (error ? reject(error) : resolve(response))
    request.api(connection, ...args, callback)
  })
}

/** The newest version of each request that the broker takes and the library writes. */
async function readVersions(
  library: PlatformaticModule,
  connection: LibraryConnection,
): Promise<ReadonlyMap<string, number>> {
  const software = ['postrider', '1']
  const answer = (await callApi(library, connection, 'ApiVersions', 3, software).catch((error: LibraryError) => {
    // Brokers before 2.4 do not know this version.
    if (error.errors?.[0]?.apiId !== 'UNSUPPORTED_VERSION') throw error
    return callApi(library, connection, 'ApiVersions', 1, software)
  })) as { apiKeys: readonly { name: string; minVersion: number; maxVersion: number }[] }
  const versions = new Map<string, number>()
  for (const { name, minVersion, maxVersion } of answer.apiKeys) {
    const newest = Math.min(maxVersion, newestVersions[name] ?? maxVersion)
    for (let version = newest; name && version >= minVersion; version--) {
      if (library.apis[apiName(name, version)] === undefined) continue
      versions.set(name, version)
      break
    }
  }
  return versions
}

function apiName(name: string, version: number): string {
  return `${name[0]!.toLowerCase()}${name.slice(1)}V${version}`
}
