import type { Outcome } from '../errors/codes.ts'
import type { DriverFailure, DriverFailureCode } from './driver.ts'

interface Classification {
  readonly code: DriverFailureCode
  readonly outcome?: Outcome
  readonly retriable?: boolean
  readonly fatal?: boolean
}

/**
 * Every error number of Kafka's protocol, and the negative ones of librdkafka (rdkafka.h, `rd_kafka_resp_err_t`).
 * By number, since delivery reports carry nothing else. Numbers that never describe a failure of ours are in `notFailures`.
 */
const groups: readonly (Classification & { readonly numbers: readonly number[] })[] = [
  // Nobody answers: unreachable, unresolvable, all down.
  { code: 'BROKERS_UNREACHABLE', numbers: [-193, -187] },
  // In a delivery report the connection broke with the request on the wire, and the retries are used up.
  { code: 'BROKERS_UNREACHABLE', outcome: 'unknown', numbers: [-195] },
  { code: 'AUTHENTICATION_FAILED', numbers: [-169, 33, 34, 54, 58, 61, 62, 63, 64, 66, 67, 93] },
  // A connection that breaks in TLS may have carried the request.
  { code: 'AUTHENTICATION_FAILED', outcome: 'unknown', numbers: [-181] },
  { code: 'AUTHORIZATION_DENIED', numbers: [29, 30, 31, 53, 65] },
  { code: 'TOPIC_NOT_FOUND', numbers: [-188, 3, 100] },
  { code: 'TOPIC_INVALID', numbers: [17, 36, 37, 38, 39, 40, 44] },
  { code: 'PARTITION_NOT_FOUND', numbers: [-190] },
  { code: 'QUEUE_FULL', numbers: [-184] },
  { code: 'DELIVERY_TIMED_OUT', numbers: [-192] },
  // Taken out of librdkafka's queue before it was ever on the wire.
  { code: 'CLOSE_TIMED_OUT', outcome: 'not_sent', numbers: [-152] },
  // On the wire when the connection or the client ended, or stored by too few replicas.
  { code: 'DELIVERY_UNCONFIRMED', numbers: [-197, -151, 7, 13, 20] },
  { code: 'NOT_ENOUGH_REPLICAS', numbers: [-183, 19] },
  {
    code: 'BROKER_UNAVAILABLE',
    numbers: [
      -180, -164, -153, -146, -137, 5, 6, 8, 9, 11, 14, 15, 16, 41, 51, 55, 56, 57, 60, 70, 71, 72, 74, 75, 77, 78, 80,
      83, 88, 89, 129,
    ],
  },
  // The broker has this sequence number already: it dropped the message as a duplicate of one that it keeps.
  { code: 'BROKER_REJECTED', outcome: 'unknown', numbers: [46] },
  // The broker looked at the message or the request and said no.
  {
    code: 'BROKER_REJECTED',
    numbers: [2, 4, 21, 32, 35, 42, 43, 73, 76, 84, 85, 87, 91, 92, 94, 95, 96, 97, 117, 118],
  },
  { code: 'MESSAGE_TOO_LARGE', outcome: 'rejected', numbers: [10, 18] },
  { code: 'PRODUCER_FENCED', fatal: true, numbers: [-144, 47, 90] },
  { code: 'PRODUCER_FATAL', fatal: true, numbers: [-150, -148, 45, 49, 59] },
  { code: 'TRANSACTION_INVALID', numbers: [48, 50, 52] },
  { code: 'GROUP_REJOIN_REQUIRED', numbers: [-147, -142, 22, 25, 27, 79, 110, 113] },
  // Group settings that joining again does not cure.
  { code: 'GROUP_REJOIN_REQUIRED', retriable: false, numbers: [-179, -171, 23, 24, 26, 68, 69, 81, 86, 111, 112] },
  // Another member took over the static identity: librdkafka makes this consumer's error fatal.
  { code: 'GROUP_REJOIN_REQUIRED', retriable: false, fatal: true, numbers: [82] },
  { code: 'OFFSET_UNAVAILABLE', numbers: [-168, -140, -139, 1, 12, 28] },
  { code: 'REQUEST_TIMED_OUT', numbers: [-185, -166] },
  // The library refused before anything was sent: bad argument, wrong state, out of resources.
  {
    code: 'DRIVER_FAILED',
    outcome: 'not_sent',
    numbers: [
      -194, -189, -186, -178, -177, -176, -173, -172, -170, -167, -165, -163, -162, -161, -157, -156, -154, -149, -145,
      -143,
    ],
  },
  // Anything the library cannot name, and bytes it could not read.
  { code: 'DRIVER_FAILED', numbers: [-199, -198, -196, -182, -160, -159, -158, -155, -138, -1] },
]

/** Numbers that frame a range, ask for an action or report success. */
export const notFailures: ReadonlySet<number> = new Set([-200, -191, -175, -174, -141, -100, 0])

const classifications = new Map<number, Classification>(
  groups.flatMap(({ numbers, ...classification }) => numbers.map((number) => [number, classification] as const)),
)

export function isClassified(number: number): boolean {
  return classifications.has(number)
}

/** What an error number means for the message; `reason` says who said it, and its name. */
export function classifyErrorNumber(number: number, reason: string): DriverFailure {
  const classification = classifications.get(number) ?? { code: 'DRIVER_FAILED' }
  return { ...classification, driverCode: number, reason }
}
