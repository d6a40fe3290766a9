import { expect, test } from 'vitest'
import { createDeliveryReport } from '../../src/factory/delivery-report.ts'

test('a report is plain data, in the order in which it is printed', () => {
  const report = createDeliveryReport('orders', 1, 2, 3)
  expect(report).toStrictEqual({ topic: 'orders', partition: 1, offset: 2, timestamp: 3 })
  expect(JSON.stringify(report)).toBe('{"topic":"orders","partition":1,"offset":2,"timestamp":3}')
})
