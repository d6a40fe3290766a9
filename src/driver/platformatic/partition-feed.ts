import type { ConsumedMessage, StartPosition, TopicPartition } from '../driver-consumer.ts'
import type { RecordReader } from './record-reader.ts'

/** Where to begin, until it is known by its number. */
export type Start = StartPosition['offset'] | 'committed'

/** One partition that is read: where it stands, and what was fetched of it. */
export class PartitionFeed {
  readonly topic: string
  readonly partition: number
  /** Of the message that is next to be handed over; undefined until it was found. */
  position: number | undefined
  /** Where the position is to be found; undefined while a listener may still say. */
  start: Start | undefined
  isPaused = false
  isLocating = false
  isOnTheWire = false
  /** By `performance.now()`. */
  notBeforeMs = 0
  failures = 0
  /** Held, with what was taken of it already. */
  byteLength = 0
  /** Another one when what is on its way is not wanted any more. */
  version = 0
  #readers: RecordReader[] = []

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
  }

  /** Where to fetch from. */
  get fetchOffset(): number | undefined {
    return this.#readers.at(-1)?.end ?? this.position
  }

  get isEmpty(): boolean {
    return this.#readers.length === 0
  }

  moveTo(offset: number): void {
    this.drop()
    this.position = offset
    this.start = undefined
  }

  /** The position is to be found anew. */
  findAt(start: Start): void {
    this.drop()
    this.position = undefined
    this.start = start
  }

  /** Forgets what was fetched, and what is on its way. */
  drop(): void {
    this.#readers = []
    this.byteLength = 0
    this.version++
  }

  add(reader: RecordReader): void {
    this.#readers.push(reader)
    this.byteLength += reader.byteLength
  }

  /** Until there are `max`. @throws Error for bytes that cannot be read */
  take(max: number, into: ConsumedMessage[]): void {
    for (let reader = this.#readers[0]; reader; reader = this.#readers[0]) {
      try {
        reader.read(max, into)
      } finally {
        this.position = reader.position
      }
      if (!reader.isDone) return
      this.position = reader.end
      this.byteLength -= reader.byteLength
      this.#readers.shift()
    }
  }
}
