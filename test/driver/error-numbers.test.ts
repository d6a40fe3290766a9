import kafka from '@confluentinc/kafka-javascript'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../src/errors/codes.ts'
import { createDriverError } from '../../src/driver/driver-error.ts'
import { classifyErrorNumber, isClassified, notFailures } from '../../src/driver/error-numbers.ts'

/** Number by name, as the installed librdkafka has them; a few numbers have two names. */
const installed = Object.entries(kafka.CODES.ERRORS as Record<string, number>)

describe('the table covers the installed librdkafka', () => {
  test.each(installed)('%s (%i) is a failure with a code, or stated to be none', (_, number) => {
    expect([isClassified(number), notFailures.has(number)].filter(Boolean)).toHaveLength(1)
  })

  test('and names no number that librdkafka does not have', () => {
    const known = new Set(installed.map(([, number]) => number))
    const stray = Array.from({ length: 2000 }, (_, index) => index - 1000).filter(
      (number) => (isClassified(number) || notFailures.has(number)) && !known.has(number),
    )
    expect(stray).toEqual([])
  })
})

/** What leaves the SDK for a number. */
function verdict(number: number): { code: string; retriable: boolean; outcome: string; fatal: boolean } {
  const failure = classifyErrorNumber(number, 'x')
  const { code, retriable, outcome } = createDriverError(failure)
  return { code, retriable, outcome, fatal: failure.fatal ?? false }
}

describe('what can be done about a failure', () => {
  test('a full queue is backpressure', () => {
    expect(verdict(-184)).toEqual({ code: 'QUEUE_FULL', retriable: true, outcome: 'not_sent', fatal: false })
  })

  test.each([
    -195, -193, -187, -185, -180, -166, -153, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 74, 75, 78, 88, 89,
  ])('%i is transient', (number) => {
    expect(verdict(number)).toMatchObject({ retriable: true, fatal: false })
  })

  // Kafka's protocol calls 3 and 100 retriable, and librdkafka does retry them, until topic.metadata.propagation.max.ms.
  // As the final verdict they say that the topic is not there.
  test.each([3, 100, -188])('%i is a topic that does not exist', (number) => {
    expect(verdict(number)).toEqual({ code: 'TOPIC_NOT_FOUND', retriable: false, outcome: 'not_sent', fatal: false })
  })

  test.each([-192, -151, 7, 13, 20])('after %i a broker may have the message', (number) => {
    expect(verdict(number)).toMatchObject({ outcome: 'unknown' })
  })

  // rd_kafka_err_action and rd_kafka_handle_Produce_error (rdkafka_request.c) call these possibly persisted.
  test.each([-195, -185, -199, 45, 46])('after %i too, by the source of librdkafka', (number) => {
    expect(verdict(number)).toMatchObject({ outcome: 'unknown' })
  })

  test('what was purged from the queue was surely not sent', () => {
    expect(verdict(-152)).toMatchObject({ outcome: 'not_sent' })
  })

  test.each([22, 25, 27, 79, 110, 113, -142, -147])('%i asks a consumer to join again', (number) => {
    expect(verdict(number)).toMatchObject({ code: 'GROUP_REJOIN_REQUIRED', retriable: true, fatal: false })
  })

  test.each([10, 17, 18, 29, 30, 31, 33, 35, 44, 53, 58, 76, 87, -169, -181, -186, -188, -190])(
    '%i is permanent',
    (number) => {
      expect(verdict(number)).toMatchObject({ retriable: false, fatal: false })
    },
  )

  test.each([-150, -144, 45, 47, 82, 90])('after %i the client has to be made anew', (number) => {
    expect(verdict(number)).toMatchObject({ retriable: false, fatal: true })
  })

  test('nothing fatal is retriable, and nothing that was surely sent is said to be not sent', () => {
    for (const [name, number] of installed) {
      if (!isClassified(number)) continue
      const { fatal, retriable } = verdict(number)
      expect(fatal && retriable, name).toBe(false)
    }
  })
})

test('a failure keeps number and text of librdkafka, which is what one searches for', () => {
  expect(classifyErrorNumber(-192, 'Local: Message timed out')).toMatchObject({
    code: 'DELIVERY_TIMED_OUT',
    driverCode: -192,
    reason: 'Local: Message timed out',
  })
})

test('a number of a later librdkafka is a failure of unknown outcome', () => {
  expect(classifyErrorNumber(12_345, 'new')).toEqual({ code: 'DRIVER_FAILED', driverCode: 12_345, reason: 'new' })
  expect(errorCodes.DRIVER_FAILED.outcome).toBe('unknown')
})
