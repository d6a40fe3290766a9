import { expect, test } from 'vitest'
import { fieldOf, isManifestName, manifestOf, scopedPath } from '../../src/config/config-paths.ts'
import { consumerFields, fields, producerFields } from '../../src/config/fields.ts'
import { catchError } from '../catch-error.ts'

test('a path of one manifest has the field of all of them', () => {
  expect(fieldOf('brokers')).toBe(fields.brokers)
  expect(fieldOf('producers.OrderPlaced.acks')).toBe(producerFields.acks)
  expect(fieldOf('consumers.BillOrder.group')).toBe(consumerFields.group)
  expect(scopedPath('consumers.BillOrder.group')).toBe('consumer.group')
  expect(scopedPath('brokers')).toBe('brokers')
  expect(manifestOf('producers.OrderPlaced.acks')).toMatchObject({
    prefix: 'producers.OrderPlaced',
    section: 'producers',
    manifest: 'OrderPlaced',
  })
  expect(manifestOf('producer.acks')).toBeUndefined()
})

test.each(['borkers', 'producers.M', 'producers.M.ack', 'consumers.M.acks', 'sasl', 'toString', ''])(
  'there is no field %j',
  (path) => {
    expect(catchError(() => fieldOf(path)).code).toBe('CONFIG_UNKNOWN_FIELD')
  },
)

test('names of manifests are what can be part of a path', () => {
  expect(['OrderPlaced', 'order_placed', '$order-2'].every(isManifestName)).toBe(true)
  expect(['', 'a.b', 'a b', 'é'].some(isManifestName)).toBe(false)
})
