import { loadPackage } from '../load-package.ts'

/** The parts of @platformatic/kafka that the driver uses, described here so that its types are no dependency of ours. */
export interface PlatformaticModule {
  readonly Connection: new (clientId: string, options: ConnectionOptions) => LibraryConnection
  readonly Writer: { create(): LibraryWriter }
  readonly crc32c: (data: unknown) => number
  readonly compressionsAlgorithms: Readonly<Record<string, LibraryCompression>>
  readonly protocolErrors: Readonly<Record<string, { readonly canRetry: boolean }>>
  readonly protocolErrorsCodesById: Readonly<Record<number, string>>
  readonly encodeConsumerProtocolSubscription: (
    subscription: Omit<LibrarySubscription, 'userData'> & { readonly userData: Buffer },
  ) => Buffer
  readonly decodeConsumerProtocolSubscription: (bytes: Buffer) => LibrarySubscription
  readonly decodeCooperativeStickyGeneration: (userData: Buffer) => number
  readonly encodeConsumerProtocolAssignment: (assignment: {
    readonly version: number
    readonly assignedPartitions: readonly LibraryPartitions[]
  }) => Buffer
  readonly decodeConsumerProtocolAssignment: (bytes: Buffer) => {
    readonly assignedPartitions: readonly LibraryPartitions[]
  }
  /** Requests of Kafka’s protocol, by name and version: `metadataV12`. */
  readonly apis: Readonly<Record<string, LibraryApi | undefined>>
}

export interface ConnectionOptions {
  readonly connectTimeout: number
  readonly requestTimeout: number
  readonly maxInflights: number
  readonly handleBackPressure: boolean
  readonly tls?: Readonly<Record<string, unknown>> | undefined
  readonly tlsServerName?: boolean
  readonly sasl?: { readonly mechanism: string; readonly username?: string; readonly password?: string } | undefined
}

export interface LibraryConnection {
  readonly socket: { unref(): void; destroy(error?: Error): void; setKeepAlive(enabled: boolean): void } | undefined
  /** `reauthenticating` while a session of SASL is renewed (KIP-368): then no other request may be sent. */
  readonly status: string
  connect(host: string, port: number, callback: (error: LibraryError | null) => void): void
  close(callback: (error: LibraryError | null) => void): void
  isConnected(): boolean
  on(event: 'error', listener: (error: LibraryError) => void): void
  on(event: 'close', listener: () => void): void
  once(event: 'connect' | 'close', listener: () => void): void
  send(
    apiKey: number,
    apiVersion: number,
    createPayload: () => LibraryWriter,
    parseResponse: unknown,
    hasRequestHeaderTaggedFields: boolean,
    hasResponseHeaderTaggedFields: boolean,
    callback: LibraryCallback,
  ): void
}

export type LibraryCallback = (error: LibraryError | null, response?: unknown) => void

export interface LibraryApi {
  readonly api: (connection: LibraryConnection, ...args: readonly unknown[]) => void
  readonly createRequest: (...args: readonly unknown[]) => LibraryWriter
  readonly parseResponse: unknown
}

/** What an answer is read from: the chunks that came of the socket. */
export interface LibraryReader {
  readonly buffer: { readonly buffer: Buffer }
}

export interface LibraryPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** What a member of a group says of itself (Kafka’s ConsumerProtocolSubscription). */
export interface LibrarySubscription {
  readonly version: number
  readonly topics: readonly string[]
  readonly userData: Buffer
  readonly ownedPartitions: readonly LibraryPartitions[]
  readonly generationId: number
  readonly rackId: string | null
}

export interface LibraryMember extends LibrarySubscription {
  readonly memberId: string
}

export interface LibraryWriter {
  readonly context: { noResponse?: boolean }
  readonly dynamicBuffer: unknown
  append(bytes: Buffer): LibraryWriter
  appendInt16(value: number): LibraryWriter
  appendInt32(value: number): LibraryWriter
  appendUnsignedVarInt(value: number): LibraryWriter
  appendString(value: string | null, compact: boolean): LibraryWriter
  appendArray<Entry>(
    entries: readonly Entry[],
    write: (writer: LibraryWriter, entry: Entry) => unknown,
    compact: boolean,
    taggedFields: boolean,
  ): LibraryWriter
  appendTaggedFields(): LibraryWriter
}

export interface LibraryCompression {
  readonly bitmask: number
  readonly available: boolean
  compressSync(data: Buffer): Buffer
  decompressSync(data: Buffer): Buffer
}

/** Errors of the library nest: one for the request, in it one for each thing that failed, in those a cause. */
export interface LibraryError extends Error {
  readonly code?: string
  readonly errors?: readonly LibraryError[]
  /** Kafka’s error number. */
  readonly apiCode?: number
  readonly apiId?: string
  readonly serverErrorMessage?: string | null
  /** What was answered, where parts of it are errors. */
  readonly response?: unknown
}

const packageName = '@platformatic/kafka'

/**
 * Imports the package on first use.
 * @throws DRIVER_NOT_INSTALLED, DRIVER_LOAD_FAILED
 */
export async function loadPlatformaticModule(): Promise<PlatformaticModule> {
  const importIt = (): Promise<PlatformaticModule> => import(packageName)
  const loaded = await loadPackage('platformatic', packageName, importIt)
  return { ...loaded, apis: loaded as unknown as PlatformaticModule['apis'] }
}
