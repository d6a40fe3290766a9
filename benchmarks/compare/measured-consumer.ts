import type { ClientSettings } from './measured-client.ts'

/** What a consumer is made for. */
export interface ConsumerJob {
  readonly brokers: string
  readonly topic: string
  /** New, so that it has no offsets. */
  readonly group: string
  /** Where it begins. */
  readonly from: 'earliest' | 'latest'
}

/** Who is told what comes. */
export interface Receiver {
  /** The consumer has its partitions. */
  readonly assigned: () => void
  /** Called by the handler for each message. */
  readonly take: (value: Buffer) => void
}

/** What a file in consumers/ exports as `consumerModule`; `consume` gets the settings of its row in the table of clients. */
export interface ConsumerModule {
  /** Loads the client, joins the group as its only member and hands messages over from then on. Resolves when that is begun. */
  readonly consume: (job: ConsumerJob, settings: ClientSettings, receiver: Receiver) => Promise<unknown>
}
