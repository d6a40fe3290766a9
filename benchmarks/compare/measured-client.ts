/** What the benchmark asks of every client. Loaded and connected by `connect`, so that a cold start has all of it. */
export interface MeasuredClient {
  connect(): Promise<void>
  /** Resolves when the broker has acknowledged the message. */
  send(value: Buffer): Promise<unknown>
  /** Resolves when the broker has acknowledged all of them. */
  sendMany(values: readonly Buffer[]): Promise<unknown>
  /** Where the client has a way of its own to send without waiting; else `send` is called and not awaited. */
  readonly fireAndForget?: FireAndForget
}

export interface FireAndForget {
  readonly dispatch: (value: Buffer) => void
  /** Resolves when all that was dispatched is settled. */
  readonly flush: () => Promise<void>
  readonly acknowledged: () => number
}

/** What a client is made for. */
export interface ClientJob {
  readonly brokers: string
  readonly topic: string
  /** Messages get the key that their value begins with. */
  readonly isKeyed: boolean
  /** How many sends are under way at a time. */
  readonly callers: number
}

/** What a file in clients/ exports as `clientModule`; `create` gets the settings of its row in the table of clients. */
export interface ClientModule {
  readonly create: (job: ClientJob, settings: ClientSettings) => MeasuredClient
  /** What an application does before its first send, and that only. */
  readonly importOnly: () => Promise<unknown>
}

export type ClientSettings = Readonly<Record<string, string | number | boolean>>

const keyBytes = 8

/** Values that begin with different keys, as many as partitions need to be hit evenly. */
export function createValues(bytes: number): readonly Buffer[] {
  return Array.from({ length: 64 }, (_, index) => {
    const value = Buffer.alloc(bytes, 'x')
    value.write(`key-${String(index).padStart(4, '0')}`)
    return value
  })
}

export function keyOf(value: Buffer): string {
  return value.toString('latin1', 0, keyBytes)
}
