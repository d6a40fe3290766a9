// The rules of DESIGN.md that a machine can check. Run by `npm test`; each failure names the file, the rule and what to do.

import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  entriesReExport,
  fileMap,
  fileNames,
  importTable,
  noCycles,
  noMachinePaths,
  publicExports,
  relativeImports,
  twinTests,
  vendorsInOnePlace,
  type Layer,
  type Vendor,
} from './structure/rules.ts'
import { createSourceTree, readSourceTree } from './structure/source-tree.ts'

const root = new URL('../', import.meta.url)
const rootPath = fileURLToPath(root)

const base = ['errors', 'timing', 'instrumentation', 'encoding', 'driver', 'spool', 'config']
const layers: Record<string, Layer> = {
  errors: {},
  timing: {},
  instrumentation: { folders: ['errors', 'timing'] },
  encoding: { folders: ['errors', 'timing'] },
  driver: { folders: ['errors', 'timing'] },
  spool: { folders: ['errors', 'instrumentation'], files: ['driver/driver.ts'] },
  config: { folders: ['errors'], typesOf: ['instrumentation', 'encoding', 'driver', 'spool'] },
  factory: { folders: base },
  registry: { folders: [...base, 'factory'] },
  consumer: { folders: [...base, 'factory'] },
  rpc: { folders: [...base, 'factory', 'registry', 'consumer'] },
  pubsub: { folders: [...base, 'factory', 'registry', 'consumer'] },
  'messaging.ts': { folders: [...base, 'factory', 'registry', 'consumer', 'rpc', 'pubsub'] },
  testing: { top: true },
  cli: { top: true },
  console: { top: true },
}

const vendors: Record<string, Vendor> = {
  '@bugsnag/js': { owner: 'instrumentation/bugsnag-notifier.ts', lazy: true },
  '@confluentinc/kafka-javascript': { owner: 'driver/confluent/native-module.ts', lazy: true },
  '@opentelemetry/api': { owner: 'instrumentation/open-telemetry.ts', lazy: true },
  '@platformatic/kafka': { owner: 'driver/platformatic/platformatic-module.ts', lazy: true },
  avsc: { owner: 'encoding/avsc-module.ts', lazy: true },
  'hot-shots': { owner: 'instrumentation/statsd-instrument.ts', lazy: true },
  undici: { owner: 'encoding/schema-registry-transport.ts', lazy: true },
}

/** Files that import what a run-time value names, and what that is. */
const computedImports: Record<string, string> = {
  'cli/load-manifest.ts': "the user's own module with the manifest",
}

/** Files without a test of their own name, and why. */
const twinExceptions: Record<string, string> = {
  'registry/disabled-manifests.ts': 'seen through the registry: test/registry/producer-registry.test.ts',
  'consumer/active-consumer.ts': 'seen through consumers: test/consumer/consumers.test.ts, circuit-breaker.test.ts',
  'consumer/membership/connect-consumer.ts': 'seen through consumers: test/consumer/consumers.test.ts',
  'consumer/consumers-health.ts': 'seen through consumers: test/consumer/running-consumers.test.ts',
  'consumer/create-groups.ts': 'seen through consumers: test/consumer/consumers.test.ts',
  'consumer/handling/dead-letters.ts': 'seen through consumers: test/consumer/handling/settle-failure.test.ts',
  'consumer/handling/failure.ts': 'seen through consumers: test/consumer/handling/settle-failure.test.ts',
  'consumer/handling/handle-messages.ts':
    'seen through consumers: test/consumer/consumers.test.ts, settle-failure.test.ts',
  'consumer/handling/incoming-message.ts': 'seen through consumers: test/consumer/consumers.test.ts',
  'consumer/partition/partition-work.ts':
    'seen through consumers: test/consumer/membership/group-member.test.ts, running-consumers.test.ts',
  'factory/consumer-manifest.ts': 'seen through what reads it: test/factory/read-consumer-manifest.test.ts',
  'factory/manifest-encoding.ts': 'seen through what reads manifests: test/factory/read-manifest.test.ts',
  'registry/idle-clients.ts': 'seen through the registry: test/registry/client-loss.test.ts',
  'registry/client-pool.ts': 'seen through the registry: test/registry/producer-registry.test.ts',
  'registry/close-on-exit.ts': 'needs processes that end: test/lifecycle/exit.test.ts',
  'registry/create-manifest-sender.ts': 'seen through the registry: test/registry/variants.test.ts',
  'registry/message-sender.ts': 'seen through the registry: test/registry/producer-registry.test.ts',
  'registry/producer-entries.ts': 'seen through the registry: test/registry/variants.test.ts',
  'registry/producer-builder.ts': 'seen through the registry: test/registry/producer-registry.test.ts',
  'registry/producer-entry.ts': 'seen through the registry: test/registry/producer-registry.test.ts',
  'registry/transaction.ts': 'seen through the registry: test/registry/transactions.test.ts',
  'registry/registry-status.ts': 'seen through the registry: test/registry/producer-registry.test.ts',
}

/** What users may import, by subpath. A new name here is a promise; a removed one is a breaking change. */
const publicNames: Record<string, string[]> = {
  '.': [
    'ConsumerManifest',
    'MessagingError',
    'ProducerManifest',
    'Secret',
    'configure',
    'createMemoryDedupeStore',
    'createMessaging',
    'errorCodes',
    'isMessagingError',
    'messaging',
    'registry',
    'subscribe',
  ],
  './driver': ['createDriverError', 'murmur2', 'partitionByCrc32', 'partitionByMurmur2'],
  './encoding': [
    'codecNames',
    'createAvroCodec',
    'createBytesCodec',
    'createCachedSchemaRegistry',
    'createEmbeddedSchemaRegistry',
    'createHttpSchemaRegistry',
    'createJsonCodec',
    'createMultiFormatCodec',
    'createSchemaFiles',
    'createSingleObjectCodec',
    'createStringCodec',
    'defaultDecodeLimits',
    'defineSchema',
    'readSchemaId',
  ],
  './instrumentation': ['channels', 'events', 'extractTraceContext', 'subscribe'],
  './testing': ['createMemoryDriver', 'describeDriverConsumerContract', 'describeDriverContract', 'startMockCluster'],
}

const sources = readSourceTree(new URL('src/', root))

describe('the sources', () => {
  test('import only what the import table allows', () => expect(importTable(sources, layers)).toEqual([]))
  test('keep entry files free of code', () => expect(entriesReExport(sources)).toEqual([]))
  test('import only files of src/', () => expect(relativeImports(sources)).toEqual([]))
  test('have no import cycles', () => expect(noCycles(sources)).toEqual([]))
  test('import each vendor package in one place', () =>
    expect(vendorsInOnePlace(sources, vendors, computedImports)).toEqual([]))
  test('have a test of the same name', () => {
    const tests = new Set(globSync('**/*.test.ts', { cwd: new URL('test/', root) }))
    expect(twinTests(sources, tests, twinExceptions)).toEqual([])
  })
  test('have telling names in kebab-case', () => expect(fileNames(sources)).toEqual([]))
  test('are all in the file map of DESIGN.md', () => {
    const design = new URL('DESIGN.md', root)
    expect(fileMap(sources, existsSync(design) ? readFileSync(design, 'utf8') : '')).toEqual([])
  })
})

describe('the project', () => {
  test('exports the listed names and no others', async () => {
    expect(publicExports(publicNames, await importPublicNames())).toEqual([])
  })

  test('names no path of one machine', () => {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: rootPath,
    })
    const paths = listed
      .toString()
      .split('\0')
      .filter((path) => path !== '' && existsSync(new URL(path, root)))
    const texts = paths.map((path) => [path, readFileSync(new URL(path, root), 'utf8')])
    expect(noMachinePaths(Object.fromEntries(texts))).toEqual([])
  })
})

async function importPublicNames(): Promise<Record<string, string[] | undefined>> {
  const manifest: { exports: Record<string, { default: string } | string> } = JSON.parse(
    readFileSync(new URL('package.json', root), 'utf8'),
  )
  const names: Record<string, string[] | undefined> = {}
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue
    const source = new URL(target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts'), root)
    names[subpath] = existsSync(source) ? Object.keys(await import(source.href)) : undefined
  }
  return names
}

// A rule that cannot fail protects nothing: each is shown a small project that breaks it, and one that does not.
describe('each rule can fail', () => {
  const cases: Record<string, { violations: string[]; found: string[] | [] }> = {
    'an upward import': {
      violations: table({ 'errors/a.ts': `import { b } from '../driver/b.ts'`, 'driver/b.ts': 'export const b = 1' }),
      found: ['errors/a.ts: errors may not import driver (driver/b.ts)'],
    },
    'an upward import, dynamic': {
      violations: table({ 'errors/a.ts': `await import('../driver/b.ts')`, 'driver/b.ts': '' }),
      found: ['errors/a.ts: errors may not import driver'],
    },
    'an upward import, of a type': {
      violations: table({ 'errors/a.ts': `type B = import('../driver/b.ts').B`, 'driver/b.ts': '' }),
      found: ['errors/a.ts: errors may not import driver'],
    },
    'an upward import, re-exported': {
      violations: table({ 'errors/a.ts': `export * from '../driver/b.ts'`, 'driver/b.ts': '' }),
      found: ['errors/a.ts: errors may not import driver'],
    },
    'an import that only a comment and a string mention': {
      violations: table({
        'errors/a.ts': `// import '../driver/b.ts'\nexport const text = "import '../driver/b.ts'"`,
        'driver/b.ts': '',
      }),
      found: [],
    },
    neighbours: {
      violations: table({ 'rpc/a.ts': `import '../pubsub/b.ts'`, 'pubsub/b.ts': '' }),
      found: ['rpc/a.ts: rpc may not import pubsub'],
    },
    'an allowed import': {
      violations: table({
        'rpc/a.ts': `import '../registry/b.ts'`,
        'registry/b.ts': `import '../errors/c.ts'`,
        'errors/c.ts': '',
      }),
      found: [],
    },
    'spool importing more of driver than the port': {
      violations: table({
        'spool/a.ts': `import '../driver/driver.ts'; import '../driver/memory/b.ts'`,
        'driver/driver.ts': '',
        'driver/memory/b.ts': '',
      }),
      found: ['spool/a.ts: spool may not import driver (driver/memory/b.ts)'],
    },
    'config importing a value where only types are allowed': {
      violations: table({
        'config/a.ts': `import type { B } from '../driver/b.ts'; import { type C } from '../driver/c.ts'`,
        'driver/b.ts': '',
        'driver/c.ts': '',
      }),
      found: ['config/a.ts: config may take only types from driver; write `import type` for driver/c.ts'],
    },
    'somebody importing what stands at the top': {
      violations: table({ 'messaging.ts': `import './testing/a.ts'`, 'testing/a.ts': `import '../messaging.ts'` }),
      found: ['messaging.ts: messaging.ts may not import testing'],
    },
    'a folder importing an entry file': {
      violations: table({ 'rpc/a.ts': `import '../index.ts'`, 'index.ts': '' }),
      found: ['rpc/a.ts: imports the entry file index.ts'],
    },
    'an unknown folder': {
      violations: table({ 'extras/a.ts': '' }),
      found: ['extras/a.ts: extras is in no row of the import table'],
    },
    'code in an entry file': {
      violations: entriesReExport(
        createSourceTree({
          'index.ts': `export * from './messaging.ts'\nexport const a = 1`,
          'messaging.ts': 'export const b = 1',
        }),
      ),
      found: ['index.ts: a file directly in src/ may only re-export'],
    },
    'an import from the tests': {
      violations: relativeImports(createSourceTree({ 'errors/a.ts': `import '../../test/b.ts'` })),
      found: ['errors/a.ts: ../../test/b.ts leaves src/'],
    },
    'an import of nothing': {
      violations: relativeImports(createSourceTree({ 'errors/a.ts': `import './b.js'`, 'errors/b.ts': '' })),
      found: ['errors/a.ts: ./b.js is no source file'],
    },
    'a cycle': {
      violations: noCycles(
        createSourceTree({
          'rpc/a.ts': `import './b.ts'`,
          'rpc/b.ts': `import './c.ts'`,
          'rpc/c.ts': `import type { B } from './b.ts'`,
        }),
      ),
      found: ['rpc/b.ts: import cycle rpc/b.ts -> rpc/c.ts -> rpc/b.ts'],
    },
    'a diamond, which is no cycle': {
      violations: noCycles(
        createSourceTree({
          'rpc/a.ts': `import './b.ts'; import './c.ts'`,
          'rpc/b.ts': `import './c.ts'`,
          'rpc/c.ts': '',
        }),
      ),
      found: [],
    },
    'a vendor outside its place, even its types': {
      violations: vendor({ 'rpc/a.ts': `import type { Type } from 'big/types'` }),
      found: ['rpc/a.ts: imports big, which only driver/big.ts may'],
    },
    'a lazy vendor loaded at import time': {
      violations: vendor({
        'driver/big.ts': `import type { T } from 'big'; import { type U } from 'big'; await import('big')`,
      }),
      found: ['driver/big.ts: loads big at import time'],
    },
    'a vendor named by a constant, or required': {
      violations: vendor({ 'rpc/a.ts': `const name = 'big'; await import(name)`, 'rpc/b.ts': `require('big')` }),
      found: ['rpc/a.ts: imports big, which only', 'rpc/b.ts: imports big, which only'],
    },
    'a computed import': {
      violations: vendor({ 'rpc/a.ts': 'await import(url)', 'cli/any.ts': 'await import(url)' }),
      found: ['rpc/a.ts: imports what a run-time value names'],
    },
    'an unknown vendor': {
      violations: vendor({ 'rpc/a.ts': `import 'node:fs'; import '@scope/name/deep'` }),
      found: ['rpc/a.ts: @scope/name is in no row of the vendor table'],
    },
    'a missing twin test': {
      violations: twins({ 'rpc/a.ts': 'export const a = 1', 'rpc/b.ts': 'export class B {}' }, ['rpc/a.test.ts']),
      found: ['rpc/b.ts: has no test; write test/rpc/b.test.ts'],
    },
    'files that need no twin test': {
      violations: twins(
        { 'rpc/a.ts': 'export interface A {}; export type B = A', 'index.ts': `export { a } from './rpc/c.ts'` },
        [],
      ),
      found: [],
    },
    'an exception nobody needs': {
      violations: twins({ 'rpc/a.ts': 'export const a = 1' }, ['rpc/a.test.ts'], {
        'rpc/a.ts': 'was once covered elsewhere',
      }),
      found: ['rpc/a.ts: needs no exception'],
    },
    names: {
      violations: fileNames(
        createSourceTree({ 'index.ts': '', 'rpc/index.ts': '', 'rpc/types.ts': '', 'rpc/MyFile.ts': '' }),
      ),
      found: [
        'rpc/index.ts: index says nothing',
        'rpc/types.ts: types says nothing',
        'rpc/MyFile.ts: MyFile is not kebab-case',
      ],
    },
    'a file map that is wrong both ways': {
      violations: fileMap(
        createSourceTree({ 'rpc/a.ts': '', 'rpc/b.ts': '', 'rpc/c.ts': '' }),
        '# D\n\n## File map\n\n```\nrpc/a.ts  the a\n```\n| `rpc/b.ts` | the b |\nrpc/gone.ts  no more\n\n## Next\n\nrpc/c.ts  not in the map',
      ),
      found: ['rpc/c.ts: is not in the file map', 'DESIGN.md: the file map lists rpc/gone.ts'],
    },
    'a file map that ends the document': {
      violations: fileMap(createSourceTree({ 'rpc/a.ts': '' }), '## File map\nrpc/a.ts  the a'),
      found: [],
    },
    'no file map': {
      violations: fileMap(createSourceTree({}), '# D'),
      found: ['DESIGN.md: has no section "## File map"'],
    },
    'public names': {
      violations: publicExports(
        { '.': ['kept', 'lost'], './gone': [] },
        { '.': ['kept', 'new'], './gone': undefined, './unlisted': ['a'] },
      ),
      found: [
        '.: exports new, which is not in the list',
        '.: no longer exports lost',
        './gone: is listed or in package.json, but has no source file',
        './unlisted: exports a, which is not in the list',
      ],
    },
    'paths of one machine': {
      violations: noMachinePaths({
        'a.md': ['first line', `see ${['', 'root', 'x'].join('/')}`].join('\n'),
        'b.md': `"${['', 'home', 'ada', 'x'].join('/')}"`,
        'c.md': `https://example.org${['', 'work', 'x'].join('/')} and ${['.', 'work', 'x'].join('/')}`,
      }),
      found: ['a.md:2: names', 'b.md:1: names'],
    },
  }

  test.each(Object.entries(cases))('%s', (_name, { violations, found }) => {
    expect(violations).toEqual(found.map((start) => expect.stringContaining(start)))
  })
})

function table(texts: Record<string, string>) {
  return importTable(createSourceTree(texts), layers)
}

function vendor(texts: Record<string, string>) {
  return vendorsInOnePlace(
    createSourceTree(texts),
    { big: { owner: 'driver/big.ts', lazy: true } },
    { 'cli/any.ts': 'what the user names' },
  )
}

function twins(texts: Record<string, string>, tests: string[], exceptions: Record<string, string> = {}) {
  return twinTests(createSourceTree(texts), new Set(tests), exceptions)
}
