import { Worker } from 'node:worker_threads'
import { beforeEach, describe, expect, test } from 'vitest'
import { loadNativeModule } from '../../../src/driver/confluent/native-module.ts'
import { createDriverProject } from '../driver-project.ts'

const source = new URL('../../../src/', import.meta.url)
const packageName = '@confluentinc/kafka-javascript'

test('the library loads, once, with what the driver uses of it', async () => {
  const native = await loadNativeModule()
  expect(await loadNativeModule()).toBe(native)
  expect(native.librdkafkaVersion).toMatch(/^\d+\.\d+/)
  expect(native.CODES.ERRORS['ERR__QUEUE_FULL']).toBe(-184)
  expect([typeof native.Producer, typeof native.AdminClient.createFrom]).toEqual(['function', 'function'])
})

test('a worker thread is told at once, before the addon could crash it', async () => {
  const module = new URL('driver/confluent/native-module.ts', source).href
  const code = `
    import { parentPort } from 'node:worker_threads'
    import(${JSON.stringify(module)})
      .then(({ loadNativeModule }) => loadNativeModule())
      .then(() => parentPort.postMessage('loaded'), (error) => parentPort.postMessage({ ...error.toJSON() }))`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  worker.once('message', resolve)
  worker.once('error', reject)
  expect(await promise).toMatchObject({
    code: 'DRIVER_IN_WORKER_THREAD',
    message: expect.stringContaining('The driver confluent cannot run in a worker thread'),
  })
  await worker.terminate()
})

describe('in a project of its own', () => {
  let project: ReturnType<typeof createDriverProject>

  beforeEach(() => {
    project = createDriverProject()
  })

  const install = (files: Readonly<Record<string, string>>): void => project.install(packageName, files)
  const load = (): Promise<unknown> =>
    project.run(`
      import { loadNativeModule } from './src/driver/confluent/native-module.ts'
      const error = await loadNativeModule().then(() => undefined, (error) => error)
      console.log(JSON.stringify({ ...error?.toJSON(), cause: error?.cause?.code }))`)

  test('a missing package is named together with what installs it', async () => {
    expect(await load()).toMatchObject({
      code: 'DRIVER_NOT_INSTALLED',
      message: `The driver confluent needs the package ${packageName}. Install it: npm install ${packageName}`,
      cause: 'ERR_MODULE_NOT_FOUND',
    })
  })

  test('only its callback API is loaded', async () => {
    install({ 'index.js': `throw new Error('all of it')`, 'lib/rdkafka.js': 'module.exports = {}' })
    expect(await load()).toEqual({})
  })

  test('all of the package is loaded where its callback API is somewhere else, or hidden', async () => {
    install({ 'index.js': 'module.exports = {}' })
    expect(await load()).toEqual({})
    install({ 'package.json': '{"exports":"./index.js"}', 'lib/rdkafka.js': `throw new Error('hidden')` })
    expect(await load()).toEqual({})
  })

  test('a package that does not load is told apart, with the first line of the reason', async () => {
    install({ 'index.js': `throw new Error('invalid ELF header\\nand more')` })
    expect(await load()).toMatchObject({
      code: 'DRIVER_LOAD_FAILED',
      message: expect.stringContaining('does not load: invalid ELF header. Rebuild it: npm rebuild'),
    })
  })

  test('so is one whose own dependency is missing: installing it again is not the cure', async () => {
    install({ 'index.js': `require('bindings-that-are-gone')` })
    expect(await load()).toMatchObject({ code: 'DRIVER_LOAD_FAILED', cause: 'MODULE_NOT_FOUND' })
  })
})
