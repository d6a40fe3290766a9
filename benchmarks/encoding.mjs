// What the codec and its guard cost over avsc itself: `node benchmarks/encoding.mjs`. Both sides run alternately, in
// rounds of a few milliseconds, so that a busy machine slows both; the ratio is the median of the rounds.

import avsc from 'avsc'
import { cpus } from 'node:os'
import { createAvroCodec } from '../src/encoding/avro-codec.ts'
import { createEmbeddedSchemaRegistry } from '../src/encoding/embedded-schema-registry.ts'
import { wireHeaderBytes } from '../src/encoding/wire-format.ts'

const line = {
  type: 'record',
  name: 'Line',
  fields: [
    { name: 'sku', type: 'string' },
    { name: 'price', type: 'double' },
    { name: 'count', type: 'int' },
  ],
}
const schema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'customer', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'createdAt', type: 'long' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] } },
    { name: 'lines', type: { type: 'array', items: line } },
    { name: 'labels', type: { type: 'map', values: 'string' } },
  ],
}
const flat = { ...schema, fields: schema.fields.slice(0, 6) }

const order = (lines, note = 'leave it at the door') => ({
  id: '8f14e45f-ceea-467f-9a36-dedd4bea2543',
  customer: 'customer-1234567',
  amount: 1999,
  createdAt: 1_767_323_045_678,
  note,
  state: 'OPEN',
  lines: Array.from({ length: lines }, (_, index) => ({ sku: `sku-${100_000 + index}`, price: 9.99, count: 2 })),
  labels: { channel: 'web', country: 'CH' },
})

/** @type {[name: string, schema: object, payload: object][]} */
const cases = [
  ['flat, about 100 B', flat, order(0)],
  ['flat, about 1 KB', flat, order(0, 'x'.repeat(920))],
  ['2 lines and a map, about 160 B', schema, order(2)],
  ['40 lines and a map, about 1 KB', schema, order(40)],
  ['490 lines and a map, about 10 KB', schema, order(490)],
]

const rounds = 120

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function time(action, calls) {
  const start = performance.now()
  for (let call = 0; call < calls; call++) action()
  return ((performance.now() - start) * 1e6) / calls
}

/** Nanoseconds of both, and the ratio, each as the median of alternating rounds. */
function compare(base, ours, bytes) {
  const calls = Math.max(50, Math.round(2_000_000 / (300 + bytes * 4)))
  time(base, calls * 10)
  time(ours, calls * 10)
  const pairs = Array.from({ length: rounds }, (_, round) => {
    if (round % 2) return [time(base, calls), time(ours, calls)]
    const second = time(ours, calls)
    return [time(base, calls), second]
  })
  return {
    base: median(pairs.map(([a]) => a)),
    ours: median(pairs.map(([, b]) => b)),
    ratio: median(pairs.map(([a, b]) => b / a)),
  }
}

const show = ({ base, ours, ratio }) => `${base.toFixed(0)} | ${ours.toFixed(0)} | ${ratio.toFixed(2)}`

console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, avsc 5.7.9, ${rounds} rounds\n`)
console.log(
  '| Payload | Bytes | avsc encode ns | codec ns | ratio | avsc decode ns | codec ns, guard included | ratio |',
)
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
for (const [name, schema, payload] of cases) {
  const type = avsc.Type.forSchema(schema)
  const codec = await createAvroCodec({
    manifest: 'M',
    subject: 's',
    schema,
    schemaRegistry: createEmbeddedSchemaRegistry(),
  })
  const bytes = Buffer.from(codec.encode(payload))
  const body = bytes.subarray(wireHeaderBytes)
  const buffer = Buffer.allocUnsafeSlow(16 * 1024)
  let sink
  const encode = compare(
    () => (sink = type.encode(payload, buffer, wireHeaderBytes)),
    () => (sink = codec.encode(payload)),
    bytes.length,
  )
  const decode = compare(
    () => (sink = type.decode(bytes, wireHeaderBytes)),
    () => (sink = codec.decode(bytes)),
    bytes.length,
  )
  if (sink === undefined || body.length === 0) throw new Error('nothing was measured')
  console.log(`| ${name} | ${bytes.length} | ${show(encode)} | ${show(decode)} |`)
}
