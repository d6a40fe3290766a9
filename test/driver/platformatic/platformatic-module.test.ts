import { expect, test } from 'vitest'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { createDriverProject } from '../driver-project.ts'

test('the library loads with what the driver uses of it', async () => {
  const library = await loadPlatformaticModule()
  expect([typeof library.Connection, typeof library.Writer.create, typeof library.crc32c]).toEqual(
    Array.from({ length: 3 }, () => 'function'),
  )
  for (const name of ['metadataV12', 'produceV9', 'produceV11', 'initProducerIdV4', 'apiVersionsV3', 'createTopicsV7'])
    expect(library.apis[name], name).toMatchObject({ api: expect.any(Function), parseResponse: expect.any(Function) })
  expect(Object.keys(library.compressionsAlgorithms)).toEqual(expect.arrayContaining(['gzip', 'snappy', 'lz4', 'zstd']))
  expect(library.protocolErrors[library.protocolErrorsCodesById[6]!]).toMatchObject({ canRetry: true })
})

const load = `
  import { loadPlatformaticModule } from './src/driver/platformatic/platformatic-module.ts'
  const error = await loadPlatformaticModule().then(() => undefined, (error) => error)
  console.log(JSON.stringify(error?.toJSON() ?? null))`

test('a missing package is named together with what installs it', async () => {
  expect(await createDriverProject().run(load)).toMatchObject({
    code: 'DRIVER_NOT_INSTALLED',
    message:
      'The driver platformatic needs the package @platformatic/kafka. Install it: npm install @platformatic/kafka',
  })
})

test('a package that does not load is told apart', async () => {
  const project = createDriverProject()
  project.install('@platformatic/kafka', { 'index.js': `throw new Error('too old a Node\\nand more')` })
  expect(await project.run(load)).toMatchObject({
    code: 'DRIVER_LOAD_FAILED',
    message: expect.stringContaining('does not load: too old a Node. Rebuild it'),
  })
})
