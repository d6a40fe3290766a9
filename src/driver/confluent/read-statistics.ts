import type { BrokerStatistics } from '../driver.ts'

/** The part of librdkafka's statistics that is read (its STATISTICS.md); times in microseconds, counters since the start. */
interface NativeStatistics {
  readonly brokers?: Readonly<Record<string, NativeBroker>>
}

interface NativeBroker {
  readonly nodeid: number
  readonly outbuf_msg_cnt: number
  readonly txretries: number
  readonly connects: number
  readonly rtt: { readonly avg: number; readonly cnt: number }
}

/** Reads one statistics text after another of the same client: what librdkafka counts from its start becomes what came since. */
export function createStatisticsReader(): (json: string) => readonly BrokerStatistics[] {
  const before = new Map<number, NativeBroker>()
  return (json) => {
    const { brokers = {} } = JSON.parse(json) as NativeStatistics
    // The addresses to start from and the coordinators have negative ids, and show up a second time as what they are.
    const real = Object.values(brokers).filter(({ nodeid }) => nodeid >= 0)
    return real.map((broker) => {
      const { nodeid, rtt, outbuf_msg_cnt: outboundMessages, txretries, connects } = broker
      const last = before.get(nodeid)
      before.set(nodeid, broker)
      return {
        broker: nodeid,
        roundTripMs: rtt.cnt === 0 ? undefined : rtt.avg / 1000,
        outboundMessages,
        retries: txretries - (last?.txretries ?? 0),
        // The first connection to a broker is none again.
        reconnects: Math.max(0, connects - 1) - Math.max(0, (last?.connects ?? 0) - 1),
      }
    })
  }
}
