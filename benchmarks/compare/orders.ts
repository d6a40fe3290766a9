/** Marker and fingerprint of the single-object encoding. */
export const orderHeaderBytes = 10

const record = (name: string, fields: Readonly<Record<string, unknown>>) => ({
  type: 'record' as const,
  name,
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
})

export const orderSchema = record('Order', {
  id: 'string',
  customer: 'string',
  amount: 'long',
  createdAt: 'long',
  note: ['null', 'string'],
  lines: { type: 'array', items: record('Line', { sku: 'string', price: 'double', count: 'int' }) },
})

/** Orders of about 256 bytes in Avro's single-object encoding, each with another id. */
export async function createOrders(count: number): Promise<readonly Buffer[]> {
  const { createSingleObjectCodec } = await import('../../src/encoding/single-object.ts')
  const codec = await createSingleObjectCodec({ manifest: 'Order', schema: orderSchema, subject: 'orders' })
  const lines = Array.from({ length: 7 }, (_, index) => ({ sku: `sku-${100_000 + index}`, price: 9.99, count: 2 }))
  const order = { customer: 'customer-1234567', amount: 1999, createdAt: 1_767_323_045_678, lines }
  return Array.from({ length: count }, (_, index) => {
    const id = `8f14e45f-ceea-467f-9a36-${String(index).padStart(12, '0')}`
    // The codec writes over what it gave before.
    return Buffer.from(codec.encode({ ...order, id, note: 'leave it at the front door, please' }))
  })
}
