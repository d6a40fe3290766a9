import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withMockCluster } from '../with-mock-cluster.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

describe('a V8 startup snapshot that holds the imported, declared and configured package', () => {
  const cluster = withMockCluster()
  let directory: string
  let blob: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'postrider-snapshot-'))
    // Node builds snapshots from one CommonJS file.
    const file = join(directory, 'snapshot.cjs')
    const input = fileURLToPath(new URL('programs/snapshot.ts', import.meta.url))
    const bundle = await rolldown({ input, platform: 'node', external: [/^node:/, '@confluentinc/kafka-javascript'] })
    await bundle.write({ file, format: 'cjs', codeSplitting: false })
    await bundle.close()
    blob = join(directory, 'snapshot.blob')
    await run(process.execPath, ['--snapshot-blob', blob, '--build-snapshot', file])
  })

  afterAll(() => rm(directory, { recursive: true }))

  test.each(['confluent', 'memory'])('sends with the driver %s after it is deserialized', async (driver) => {
    const env = { ...process.env, POSTRIDER_DRIVER: driver, POSTRIDER_BROKERS: cluster.address }
    const { stdout } = await run(process.execPath, ['--snapshot-blob', blob], { cwd: root, env })
    expect(JSON.parse(stdout)).toMatchObject({ topic: 'lifecycle.text', offset: 0 })
  })
})
