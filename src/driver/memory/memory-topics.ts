import type { DriverMessage } from '../driver.ts'

/** A message as it was stored. */
export interface MemoryRecord extends Omit<DriverMessage, 'headers'> {
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
  readonly offset: number
}

/** The topics of a broker in memory, and who wants to know of changes. */
export class MemoryTopics {
  /** Called after each new topic. */
  readonly onCreated = new Set<() => void>()
  /** Called after each new record, and when a transaction is settled. */
  readonly onAppended = new Set<() => void>()
  readonly #topics = new Map<string, MemoryRecord[][]>()
  readonly #open = new Set<MemoryRecord>()
  readonly #aborted = new Set<MemoryRecord>()

  create(topic: string, partitions: number): readonly (readonly MemoryRecord[])[] {
    const created = Array.from({ length: partitions }, (): MemoryRecord[] => [])
    this.#topics.set(topic, created)
    for (const tell of this.onCreated) tell()
    return created
  }

  /** By partition and offset. */
  get(topic: string): readonly (readonly MemoryRecord[])[] | undefined {
    return this.#topics.get(topic)
  }

  names(): readonly string[] {
    return [...this.#topics.keys()]
  }

  append(message: DriverMessage, partition: number, timestamp: number, isInTransaction = false): MemoryRecord {
    const records = this.#topics.get(message.topic)![partition]!
    const record = { ...message, headers: message.headers ?? [], partition, timestamp, offset: records.length }
    records.push(record)
    if (isInTransaction) this.#open.add(record)
    for (const tell of this.onAppended) tell()
    return record
  }

  /** Ends the transaction of these records. */
  settle(records: readonly MemoryRecord[], isCommitted: boolean): void {
    for (const record of records) {
      this.#open.delete(record)
      if (!isCommitted) this.#aborted.add(record)
    }
    for (const tell of this.onAppended) tell()
  }

  /** Its transaction is not settled yet: what comes after it has to wait for that. */
  isOpen(record: MemoryRecord): boolean {
    return this.#open.has(record)
  }

  isCommitted(record: MemoryRecord): boolean {
    return !this.#open.has(record) && !this.#aborted.has(record)
  }
}
