// What the codec and its guard cost over avsc itself: `node benchmarks/encoding.mjs`. Both sides run alternately, in
// rounds of some milliseconds, so that a busy machine slows both. Each payload is measured in several processes, for it
// alone: what V8 has learned from one schema slows another, and what it chooses to inline differs from run to run.

import avsc from 'avsc'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createAvroCodec } from '../src/encoding/avro-codec.ts'
import { createEmbeddedSchemaRegistry } from '../src/encoding/embedded-schema-registry.ts'
import { wireHeaderBytes } from '../src/encoding/wire-format.ts'

const record = (name, fields) => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
})
const array = (items) => ({ type: 'array', items })
const map = (values) => ({ type: 'map', values })

const head = {
  id: 'string',
  customer: 'string',
  amount: 'long',
  createdAt: 'long',
  note: ['null', 'string'],
  state: { type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] },
}
const line = { sku: 'string', price: 'double', count: 'int' }
const flat = record('Order', head)
const lined = record('Order', { ...head, lines: array(record('Line', line)), labels: map('string') })
const nested = record('Order', {
  ...head,
  parcels: array(
    record('Parcel', { lines: array(record('Line', { ...line, tags: array('string') })), sizes: map('int') }),
  ),
  labels: map('string'),
})
const tree = record('Category', { name: 'string', count: 'int', children: array('Category') })

const repeat = (length, make) => Array.from({ length }, (_, index) => make(index))
const order = (more, note = 'leave it at the front door, please') => ({
  id: '8f14e45f-ceea-467f-9a36-dedd4bea2543',
  customer: 'customer-1234567',
  amount: 1999,
  createdAt: 1_767_323_045_678,
  note,
  state: 'OPEN',
  labels: { channel: 'web', country: 'CH' },
  ...more,
})
const makeLine = (index) => ({ sku: `sku-${100_000 + index}`, price: 9.99, count: 2, tags: ['new', 'heavy'] })
const makeParcel = (index) => ({ lines: repeat(4, makeLine), sizes: { width: 20, height: 30 + index, depth: 10 } })
const category = (depth) => ({
  name: `category-${depth}`,
  count: 3,
  children: depth ? repeat(3, () => category(depth - 1)) : [],
})

/** @type {[name: string, schema: object, payload: object][]} */
const cases = [
  ['flat order', flat, order()],
  ['flat order with a long note', flat, order({}, 'x'.repeat(920))],
  ['2 lines and a map', lined, order({ lines: repeat(2, makeLine) })],
  ['40 lines and a map', lined, order({ lines: repeat(40, makeLine) })],
  ['430 lines and a map', lined, order({ lines: repeat(430, makeLine) })],
  ['6 parcels: arrays and maps in an array', nested, order({ parcels: repeat(6, makeParcel) })],
  ['64 parcels: arrays and maps in an array', nested, order({ parcels: repeat(64, makeParcel) })],
  ['a tree of 40 categories', tree, category(3)],
]

const rounds = 61
const processes = 7

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function time(action, calls) {
  const start = performance.now()
  for (let call = 0; call < calls; call++) action()
  return ((performance.now() - start) * 1e6) / calls
}

/** Nanoseconds of both and their ratio, each as the median of alternating rounds. */
function compare(base, ours) {
  const calls = Math.max(20, Math.round(4e6 / time(base, 1000)))
  time(base, calls * 10)
  time(ours, calls * 10)
  const pairs = repeat(rounds, (round) => {
    if (round % 2) return [time(base, calls), time(ours, calls)]
    const second = time(ours, calls)
    return [time(base, calls), second]
  })
  return [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b)), median(pairs.map(([a, b]) => b / a))]
}

async function measure([, schema, payload]) {
  const type = avsc.Type.forSchema(schema)
  const schemaRegistry = createEmbeddedSchemaRegistry()
  const codec = await createAvroCodec({ manifest: 'M', subject: 's', schema, schemaRegistry })
  const bytes = Buffer.from(codec.encode(payload))
  const buffer = Buffer.allocUnsafeSlow(16 * 1024)
  let sink
  const encode = compare(
    () => (sink = type.encode(payload, buffer, wireHeaderBytes)),
    () => (sink = codec.encode(payload)),
  )
  const decode = compare(
    () => (sink = type.decode(bytes, wireHeaderBytes)),
    () => (sink = codec.decode(bytes)),
  )
  if (sink === undefined) throw new Error('nothing was measured')
  return { bytes: bytes.length, encode, decode }
}

function measureInProcess(index) {
  const path = fileURLToPath(import.meta.url)
  return JSON.parse(execFileSync(process.execPath, [path, String(index)], { encoding: 'utf8' }))
}

/** Medians over the processes; of the ratio also the least and the greatest. */
function summarize(runs) {
  const [base, ours, ratios] = [0, 1, 2].map((column) => runs.map((run) => run[column]))
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  return [median(base).toFixed(0), median(ours).toFixed(0), `${median(ratios).toFixed(2)} (${range})`]
}

const [, , only] = process.argv
if (only === undefined) {
  const versions = `Node ${process.version}, avsc ${createRequire(import.meta.url)('avsc/package.json').version}`
  console.log(`${cpus()[0].model}, ${cpus().length} cores, ${versions}, ${processes} processes of ${rounds} rounds\n`)
  console.log(
    '| Payload | Bytes | avsc encode ns | codec ns | ratio | avsc decode ns | codec ns, guard included | ratio |',
  )
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
  for (const [index, [name]] of cases.entries()) {
    const runs = repeat(processes, () => measureInProcess(index))
    const columns = ['encode', 'decode'].flatMap((side) => summarize(runs.map((run) => run[side])))
    console.log(`| ${[name, runs[0].bytes, ...columns].join(' | ')} |`)
  }
} else console.log(JSON.stringify(await measure(cases[Number(only)])))
