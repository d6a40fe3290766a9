import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadAvroTypes } from '../encoding/avro-types.ts'
import type { LongShape } from '../encoding/exact-long.ts'
import { logicalTypes } from '../encoding/logical-types.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { CommandStreams } from './send.ts'

export const schemaTypesUsage = `postrider schemas types FILE.avsc... [--out DIRECTORY] [--longs bigint]

Writes the TypeScript types of Avro schemas: FILE.ts for each FILE.avsc, or to standard output without --out.
`

/** Resolves with the exit status. @throws INPUT_INVALID naming the file */
export async function runSchemaTypes(args: readonly string[], streams: CommandStreams): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { out: { type: 'string' }, longs: { type: 'string', default: 'number' } },
  })
  const { out, longs } = values
  if (positionals.length === 0) throw invalid('schemas types', 'name at least one .avsc file')
  if (longs !== 'number' && longs !== 'bigint') throw invalid('schemas types', '--longs must be number or bigint')
  const parse = await loadAvroTypes(longs)
  for (const file of positionals) {
    let text: string
    try {
      const schema: unknown = JSON.parse(await readFile(file, 'utf8'))
      parse(schema as object, file)
      text = generateTypes(schema, basename(file), longs)
    } catch (error) {
      throw invalid(file, (error as Error).message.replace(/\.$/, ''))
    }
    if (out === undefined) streams.stdout.write(text)
    else {
      await mkdir(out, { recursive: true })
      await writeFile(join(out, `${basename(file).replace(/\.(avsc|json)$/, '')}.ts`), text)
    }
  }
  return 0
}

interface Described {
  /** TypeScript type. */
  readonly type: string
  /** Kind of its values, by which the branches of a union are told apart. */
  readonly kind: string
  /** Its name as a branch of a union. */
  readonly branch: string
}

const primitives: Readonly<Record<string, readonly [type: string, kind: string]>> = {
  null: ['null', 'null'],
  boolean: ['boolean', 'boolean'],
  int: ['number', 'number'],
  float: ['number', 'number'],
  double: ['number', 'number'],
  string: ['string', 'string'],
  bytes: ['Buffer', 'buffer'],
}

const objectTypes: Readonly<Record<string, string>> = {
  'timestamp-millis': 'Date',
  duration: '{ months: number; days: number; milliseconds: number }',
}

/** TypeScript types of a valid schema, in the shapes of docs/schemas.md. The last one is the whole. */
export function generateTypes(schema: unknown, source: string, longs: LongShape = 'number'): string {
  const named = new Map<string, Described>()
  const used = new Set<string>()
  const declarations: string[] = []

  function describe(part: unknown, namespace: string): Described {
    if (typeof part === 'string') return describeName(part, namespace)
    if (Array.isArray(part)) return describeUnion(part, namespace)
    const node = part as Readonly<Record<string, unknown>>
    const { type, logicalType } = node
    if (typeof type !== 'string') return describe(type, namespace)
    const logical = Object.hasOwn(logicalTypes, logicalType as string) ? logicalTypes[logicalType as string] : undefined
    if (logical?.fits(node)) {
      const text = logical.kind === 'object' ? objectTypes[logicalType as string]! : logical.kind
      const branch = node['name'] === undefined ? type : fullName(node['name'] as string, node['namespace'], namespace)
      const described = { type: text, kind: logical.kind, branch }
      if (node['name'] !== undefined) named.set(branch, described)
      return described
    }
    switch (type) {
      case 'array':
        return { type: `Array<${describe(node['items'], namespace).type}>`, kind: 'array', branch: type }
      case 'map':
        return { type: `{ [key: string]: ${describe(node['values'], namespace).type} }`, kind: 'object', branch: type }
      case 'record':
      case 'error':
      case 'enum':
      case 'fixed':
        return describeNamed(node, fullName(node['name'] as string, node['namespace'], namespace))
      default:
        return describeName(type, namespace)
    }
  }

  function describeName(name: string, namespace: string): Described {
    if (name === 'long') return { type: longs, kind: longs, branch: name }
    const primitive = Object.hasOwn(primitives, name) ? primitives[name] : undefined
    if (primitive) return { type: primitive[0], kind: primitive[1], branch: name }
    return named.get(fullName(name, undefined, namespace))!
  }

  function describeUnion(branches: readonly unknown[], namespace: string): Described {
    const described = branches.map((branch) => describe(branch, namespace))
    const ambiguous = new Set(described.map(({ kind }) => kind)).size < described.length
    const texts = described.map(({ type, branch }) =>
      ambiguous && branch !== 'null' ? `{ ${JSON.stringify(branch)}: ${type} }` : type,
    )
    return { type: texts.join(' | '), kind: 'union', branch: '' }
  }

  function describeNamed(node: Readonly<Record<string, unknown>>, branch: string): Described {
    if (node['type'] === 'fixed') return remember(branch, { type: 'Buffer', kind: 'buffer', branch })
    const short = branch.slice(branch.lastIndexOf('.') + 1)
    const name = used.has(short) ? branch.replaceAll('.', '_') : short
    used.add(name)
    const doc = typeof node['doc'] === 'string' ? `/** ${node['doc'].replaceAll('*/', '*\\/')} */\n` : ''
    if (node['type'] === 'enum') {
      const symbols = (node['symbols'] as string[]).map((symbol) => JSON.stringify(symbol)).join(' | ')
      declarations.push(`${doc}export type ${name} = ${symbols}\n`)
      return remember(branch, { type: name, kind: 'string', branch })
    }
    const described = remember(branch, { type: name, kind: 'object', branch })
    const namespace = branch.includes('.') ? branch.slice(0, branch.lastIndexOf('.')) : ''
    const fields = (node['fields'] as Readonly<Record<string, unknown>>[]).map((field) => {
      const { type } = describe(field['type'], namespace)
      return `  ${String(field['name'])}${field['default'] === undefined ? `: ${type}` : `?: ${type} | undefined`}\n`
    })
    declarations.push(`${doc}export interface ${name} {\n${fields.join('')}}\n`)
    return described
  }

  function remember(branch: string, described: Described): Described {
    named.set(branch, described)
    return described
  }

  const { type } = describe(schema, '')
  if (!used.has(type)) declarations.push(`export type Payload = ${type}\n`)
  return `// Generated from ${source} by \`postrider schemas types\`.\n\n${declarations.join('\n')}`
}

/** Avro specification, “Names”: one with a dot is full, any other is in the namespace given with it or around it. */
function fullName(name: string, own: unknown, around: string): string {
  if (name.includes('.')) return name.replace(/^\./, '')
  const namespace = typeof own === 'string' ? own : around
  return namespace === '' ? name : `${namespace}.${name}`
}

function invalid(source: string, reason: string): MessagingError {
  return new MessagingError('INPUT_INVALID', { source, reason })
}
