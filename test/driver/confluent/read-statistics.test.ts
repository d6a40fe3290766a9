import { expect, test } from 'vitest'
import { createStatisticsReader } from '../../../src/driver/confluent/read-statistics.ts'

function text(brokers: Record<string, object>): string {
  return JSON.stringify({ name: 'client', brokers })
}

const broker = { nodeid: 1, outbuf_msg_cnt: 4, txretries: 3, connects: 1, rtt: { avg: 1500, cnt: 9 } }

test('counters are what came since the last text, times are in milliseconds', () => {
  const read = createStatisticsReader()
  expect(read(text({ 'a:1/1': broker }))).toEqual([
    { broker: 1, roundTripMs: 1.5, outboundMessages: 4, retries: 3, reconnects: 0 },
  ])
  expect(read(text({ 'a:1/1': { ...broker, txretries: 5, connects: 3, outbuf_msg_cnt: 0 } }))).toEqual([
    { broker: 1, roundTripMs: 1.5, outboundMessages: 0, retries: 2, reconnects: 2 },
  ])
})

test('a broker that connects for the first time does not reconnect', () => {
  const read = createStatisticsReader()
  read(text({ 'a:1/1': { ...broker, connects: 0 } }))
  expect(read(text({ 'a:1/1': { ...broker, connects: 1 } }))).toMatchObject([{ reconnects: 0 }])
})

test('no request in the interval, no time', () => {
  const read = createStatisticsReader()
  expect(read(text({ 'a:1/1': { ...broker, rtt: { avg: 0, cnt: 0 } } }))).toMatchObject([{ roundTripMs: undefined }])
})

test('addresses to start from and coordinators are not brokers of their own', () => {
  const read = createStatisticsReader()
  expect(read(text({ 'a:1/bootstrap': { ...broker, nodeid: -1 }, 'a:1/1': broker }))).toHaveLength(1)
  expect(read('{}')).toEqual([])
})
